"""Forms of weights that no pass makes are not taken for such that passes make."""

import numpy as np
import pytest

from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.constexpr import ConstexprCast, LutToDense, ShiftScale
from optc.ops.matmul import Linear
from optc.ops.weights import Weight, weights_of
from passes.compress.stored import stored


def scaled(offset: str, as_table: bool) -> Weight:
    """A weight of 2 by 4 elements, or whose table is such, with an offset of a kind."""
    b = Builder()
    shape = (1, 1, 4, 1) if as_table else (2, 4)
    data = b.const(np.arange(np.prod(shape)).reshape(shape), "data", DType.I8)
    ones = (1,) * len(shape)
    scale = b.const(np.full(ones, 0.5, np.float32), "scale")
    kinds = {
        "none": lambda: None,
        "codes": lambda: b.const(np.ones(ones), "offset", DType.I8),
        "floats": lambda: b.const(np.full(ones, 1.5, np.float32), "offset"),
        "made": lambda: b.add(ConstexprCast(b.const(np.ones(ones, np.float16), "half"))),
    }
    value = b.add(ShiftScale(data, scale, kinds[offset]()), "w")
    if as_table:
        value = b.add(LutToDense(b.const(np.arange(8).reshape(2, 4) % 4, "indices", DType.U2), value), "w")
    (weight,) = weights_of(b.program(y=b.add(Linear(b.param(TensorType(DType.F32, (1, 4)), "x"), value))))
    return weight


@pytest.mark.parametrize("as_table", [False, True])
@pytest.mark.parametrize(("offset", "known"), [("none", True), ("codes", True), ("floats", False), ("made", False)])
def test_offsets_are_codes_that_are_constants(offset: str, known: bool, as_table: bool) -> None:
    weight = scaled(offset, as_table)
    form = stored(weight)
    assert (form is not None) is known
    if form is not None:
        ops = form.ops("w")
        assert [type(op) for op in ops] == [type(op) for op in weight.chain]
