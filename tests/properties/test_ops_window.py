"""Laws of convolutions and poolings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.ir.builder import Builder
from optc.ir.dims import SymDim
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.conv import Conv, ConvTranspose
from optc.testing.samplers.window import SAMPLERS
from optc.testing.source import Source, random_array

NAMES = ("batch", "channels", "depth", "height", "width")
OPS = sorted(SAMPLERS, key=lambda op: op.spec.name)


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.spec.name)
@given(data=st.data())
def test_a_shape_inferred_from_names_becomes_the_static_shape_once_the_names_are_known(
    op: type[Op], data: st.DataObject
) -> None:
    made: Any = SAMPLERS[op](Source(data.draw, Builder()))
    x = made.x.tensor
    names = NAMES[: x.rank]
    symbolic = made.evolve(x=Value(x.with_shape(tuple(map(SymDim.named, names)))), results=())
    known = dict(zip(names, x.static_shape, strict=True))
    shape = [d if isinstance(d, int) else d.substitute(known) for d in symbolic.result.tensor.shape]
    assert tuple(shape) == made.result.tensor.shape


def run(op: Any, *arrays: Array) -> Array:
    """What the op computes on exact small numbers, as integers."""
    found: Array = op.evaluate(*arrays, None).astype(np.int64)
    return found


@given(data=st.data())
def test_conv_transpose_is_the_adjoint_of_conv(data: st.DataObject) -> None:
    source = Source(data.draw, Builder())
    drawn = SAMPLERS[Conv](source)
    assert isinstance(drawn, Conv)
    window, spatial = drawn.window, drawn.x.tensor.static_shape[2:]
    padding = window.padding(spatial)
    pads = (*(begin for begin, _ in padding), *(end for _, end in padding))
    kind = drawn.x.tensor.with_dtype(DType.F32)
    weights = drawn.w.tensor.with_dtype(DType.F32)
    common: Any = {"strides": drawn.strides, "dilations": drawn.dilations, "groups": drawn.groups, "pads": pads}
    conv = Conv(Value(kind), Value(weights), **common)
    out = conv.result.tensor
    x, w, y = (
        np.round(random_array(source.seed(), DType.F32, t.static_shape)) for t in (kind, weights, out)
    )  # fmt: skip
    # Elements of x that no window reaches are no part of the transposed result.
    back = ConvTranspose(Value(out), Value(weights), **{**common, "pads": ()})
    full = run(back, y, w)
    reached = window.laid_out(x, 0, np.int64)
    assert full.shape == reached.shape
    assert (run(conv, x, w) * y.astype(np.int64)).sum() == (reached * full).sum()


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=6))
def test_a_kernel_of_one_tap_is_a_product(numbers: list[int]) -> None:
    x = np.array(numbers, np.float32).reshape(1, 1, -1)
    op = Conv(Value(TensorType(DType.F32, x.shape)), Value(TensorType(DType.F32, (1, 1, 1))))
    np.testing.assert_array_equal(op.evaluate(x, np.full((1, 1, 1), 3, np.float32), None), 3 * x)
