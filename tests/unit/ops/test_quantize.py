"""Quantization of activations: rounding, saturation, granularity, and what is refused."""

from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import quantize as q

N = SymDim.named("n")


def value(dtype: DType, *shape: Any) -> Value:
    return Value(TensorType(dtype, shape))


def test_quantize_rounds_half_to_even_and_saturates() -> None:
    op = q.Quantize(value(DType.F32, 6), value(DType.F32), None, DType.I8)
    x = np.array([0.5, 1.5, -2.5, 300, -np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(op.evaluate(x, np.float32(1), None), [0, 2, -2, 127, -128, 0])


def test_the_range_of_quantize_is_that_of_four_bits_for_i4() -> None:
    op = q.Quantize(value(DType.F32, 2), value(DType.F32), None, DType.I4)
    np.testing.assert_array_equal(op.evaluate(np.array([9, -9], np.float32), np.float32(1), None), [7, -8])


def test_the_last_block_may_be_shorter() -> None:
    op = q.Dequantize(value(DType.U8, 3), value(DType.F32, 2), value(DType.U8, 2), axis=0, block_size=2)
    dense = op.evaluate(np.array([1, 2, 3], np.uint8), np.array([1, 10], np.float32), np.array([0, 1], np.uint8))
    np.testing.assert_array_equal(dense, [1, 2, 20])


def test_dequantize_of_i32_does_not_overflow_where_the_zero_point_is_far() -> None:
    op = q.Dequantize(value(DType.I32, 1), value(DType.F32), value(DType.I32))
    dense = op.evaluate(np.array([2**31 - 1], np.int32), np.float32(1), np.int32(-(2**31)))
    assert dense[0] == np.float32(2**32 - 1)


def test_dynamic_quantize_of_zeros_has_scale_one() -> None:
    codes, scale, zero = q.DynamicQuantize(value(DType.F32, 2)).evaluate(np.zeros(2, np.float32))
    assert (codes.tolist(), float(scale), int(zero)) == ([0, 0], 1.0, 0)


def test_symbolic_sizes_pass_through() -> None:
    x = value(DType.F32, N, 4)
    assert q.Quantize(x, value(DType.F32, 4), None, DType.I8, 1).result.type == TensorType(DType.I8, (N, 4))
    assert q.Quantize(x, value(DType.F32, UNKNOWN), None, DType.I8, 0).result.type == TensorType(DType.I8, (N, 4))
    product = q.MatmulInteger(value(DType.U8, N, 3), value(DType.I8, 2, 3, 5))
    assert product.result.type == TensorType(DType.I32, (2, N, 5))
    assert product.operations() == 2 * 3 * (N * 10)


X, SCALE = value(DType.F32, 2, 4), value(DType.F32, 4)


@pytest.mark.parametrize(
    ("slug", "build"),
    [
        ("axis", lambda: q.Quantize(X, SCALE, axis=2)),
        ("axis", lambda: q.Quantize(X, SCALE, axis=-1)),
        ("axis", lambda: q.Quantize(value(DType.F32), value(DType.F32, 1))),
        ("axis", lambda: q.Quantize(value(DType.F32), value(DType.F32), block_size=2)),
        ("scale-shape", lambda: q.Quantize(X, SCALE, axis=0)),
        ("scale-rank", lambda: q.Quantize(X, X)),
        ("scale-rank", lambda: q.Quantize(X, SCALE, axis=1, block_size=2)),
        ("scale-shape", lambda: q.Quantize(X, value(DType.F32, 2, 3), axis=1, block_size=2)),
        ("attribute-minimum", lambda: q.Quantize(X, X, block_size=-1)),
        ("attribute-choice", lambda: q.Quantize(X, value(DType.F32), dtype=DType.I32)),
        ("offset-shape", lambda: q.Quantize(X, SCALE, value(DType.U8), axis=1)),
        ("offset-dtype", lambda: q.Quantize(X, SCALE, value(DType.I8, 4), axis=1)),
        ("operand-same-dtype", lambda: q.Dequantize(value(DType.U8), value(DType.F32), value(DType.I8))),
        ("operand-rank", lambda: q.MatmulInteger(value(DType.U8, 3), value(DType.U8, 3, 2))),
        ("size-mismatch", lambda: q.MatmulInteger(value(DType.U8, 2, 3), value(DType.U8, 2, 3))),
        ("offset-shape", lambda: q.MatmulInteger(value(DType.U8, 2, 3), value(DType.U8, 3, 2), value(DType.U8, 2))),
    ],
)
def test_operands_that_do_not_go_together_are_refused(slug: str, build: Any) -> None:
    with pytest.raises(OptcError) as caught:
        build()
    assert caught.value.slug == slug
