"""Constant expressions follow Core ML's iOS 18 operators and refuse operands that do not go together."""

from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.const import Const
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import constexpr as c


def const(values: Any, dtype: DType) -> Value:
    return Const(Tensor.of(np.array(values), dtype)).result


def zeros(dtype: DType, *shape: int) -> Value:
    return const(np.zeros(shape), dtype)


def run(kind: Any, *operands: Any, **attributes: Any) -> Any:
    """The result of an op on constants, given as (values, dtype) pairs or None."""
    values = [None if o is None else const(*o) for o in operands]
    arrays = [None if o is None else np.array(o[0]).astype(o[1].numpy) for o in operands]
    return kind(*values, **attributes).evaluate(*arrays)


def test_shift_scale_takes_the_scale_and_offset_of_each_block() -> None:
    dense = run(
        c.ShiftScale,
        ([[0, 1, 2, 3], [4, 5, 6, 7]], DType.U4),
        ([[1.0, 2.0], [0.5, 0.25]], DType.F16),
        ([[0, 1], [4, 7]], DType.U4),
    )
    assert dense.dtype == np.float16
    np.testing.assert_array_equal(dense, [[0, 1, 2, 4], [0, 0.5, -0.25, 0]])


def test_shift_scale_has_the_element_type_of_the_scale() -> None:
    op = c.ShiftScale(zeros(DType.I8, 4, 2), zeros(DType.F16, 1, 1))
    assert op.result.type == TensorType(DType.F16, (4, 2))


def test_lut_to_dense_lays_vectors_out_along_their_axis() -> None:
    lut = [[[[1.0, 2.0], [3.0, 4.0]]]]
    dense = run(c.LutToDense, ([[0, 1, 1]], DType.U1), (lut, DType.F32), vector_axis=0)
    np.testing.assert_array_equal(dense, [[1, 3, 3], [2, 4, 4]])
    assert c.LutToDense(zeros(DType.U1, 1, 3), const(lut, DType.F32), 1).result.type == TensorType(DType.F32, (1, 6))


def test_lut_to_dense_gives_each_group_its_own_table() -> None:
    lut = np.array([1.0, 2.0, 10.0, 20.0]).reshape(2, 2, 1)
    np.testing.assert_array_equal(run(c.LutToDense, ([0, 1, 0, 1], DType.U1), (lut, DType.F32)), [1, 2, 10, 20])


def test_lut_to_sparse_repeats_the_mask_along_vectors_and_orders_values_by_row() -> None:
    mask, values = run(
        c.LutToSparse,
        ([[0, 1, 1], [1, 1, 0]], DType.U1),
        ([0, 1, 1, 0], DType.U1),
        ([[[[2, 3], [0, -1]]]], DType.I8),
        vector_axis=0,
    )
    np.testing.assert_array_equal(mask, [[0, 1, 1], [0, 1, 1], [1, 1, 0], [1, 1, 0]])
    np.testing.assert_array_equal(values, [2, 0, 3, -1, 0, 2, -1, 3])


def test_sparse_shift_scale_takes_the_scale_of_the_place_in_the_dense_tensor() -> None:
    mask, values = run(
        c.SparseShiftScale,
        ([[1, 0], [1, 1]], DType.U1),
        ([1, 2, 3], DType.I8),
        ([[1.0], [10.0]], DType.F32),
        ([[0], [1]], DType.I8),
    )
    np.testing.assert_array_equal(mask, [[1, 0], [1, 1]])
    np.testing.assert_array_equal(values, [1, 10, 20])


def test_cast_widens() -> None:
    dense = run(c.ConstexprCast, ([0.1], DType.F16))
    assert dense.dtype == np.float32
    assert dense[0] == np.float32(np.float16(0.1))


def test_a_sparse_tensor_with_too_few_values_is_refused_when_it_is_expanded() -> None:
    with pytest.raises(OptcError) as caught:
        run(c.SparseToDense, ([1, 1], DType.U1), ([1.0], DType.F32))
    assert caught.value.slug == "mask-count"


I8_43, SCALE = zeros(DType.I8, 4, 3), zeros(DType.F16, 2, 1)


@pytest.mark.parametrize(
    ("slug", "build"),
    [
        ("scale-shape", lambda: c.ShiftScale(I8_43, zeros(DType.F16, 3, 1))),
        ("scale-shape", lambda: c.ShiftScale(I8_43, zeros(DType.F16, 0, 1))),
        ("constexpr-rank", lambda: c.ShiftScale(I8_43, zeros(DType.F16, 4))),
        ("constexpr-rank", lambda: c.ShiftScale(zeros(DType.I8), zeros(DType.F16))),
        ("constexpr-shape", lambda: c.ShiftScale(Value(TensorType(DType.I8, (SymDim.named("n"), 3))), SCALE)),
        ("offset-shape", lambda: c.ShiftScale(I8_43, SCALE, zeros(DType.I8, 1, 1))),
        ("offset-dtype", lambda: c.ShiftScale(I8_43, SCALE, zeros(DType.U8, 2, 1))),
        ("operand-dtype", lambda: c.ShiftScale(zeros(DType.I32, 4, 3), SCALE)),
        ("lut-entries", lambda: c.LutToDense(zeros(DType.U2, 4), zeros(DType.F16, 1, 8, 1))),
        ("lut-groups", lambda: c.LutToDense(zeros(DType.U2, 4), zeros(DType.F16, 3, 4, 1))),
        ("lut-entries", lambda: c.LutToDense(zeros(DType.U1, 4), zeros(DType.F16, 1, 2, 0), 0)),
        ("vector-axis", lambda: c.LutToDense(zeros(DType.U2, 4), zeros(DType.F16, 1, 4, 2))),
        ("vector-axis", lambda: c.LutToDense(zeros(DType.U2, 4), zeros(DType.F16, 1, 4, 2), 1)),
        ("vector-axis", lambda: c.LutToDense(zeros(DType.U2, 4), zeros(DType.F16, 1, 4, 1), 0)),
        ("mask-count", lambda: c.SparseToDense(zeros(DType.U1, 2), zeros(DType.F16, 3))),
        ("constexpr-rank", lambda: c.SparseToDense(zeros(DType.U1, 2), zeros(DType.F16, 1, 2))),
        ("mask-count", lambda: c.LutToSparse(zeros(DType.U1, 2), zeros(DType.U2, 3), zeros(DType.F16, 1, 4, 1))),
        ("scale-shape", lambda: c.SparseShiftScale(zeros(DType.U1, 2), zeros(DType.I8, 1), zeros(DType.F32, 3))),
        ("cast-not-wider", lambda: c.ConstexprCast(zeros(DType.F16, 2), DType.F16)),
    ],
)
def test_operands_that_do_not_go_together_are_refused(slug: str, build: Any) -> None:
    with pytest.raises(OptcError) as caught:
        build()
    assert caught.value.slug == slug
