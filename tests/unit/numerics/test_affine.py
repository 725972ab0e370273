"""Examples of affine quantization."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from optc.errors import OptcError
from optc.numerics.affine import (
    code_range,
    dequantize,
    per_block,
    per_channel,
    per_tensor,
    quantize,
    scale_shape,
)


def test_symmetric_int8_per_channel() -> None:
    weights = np.array([[127.0, -1.5, 2.5], [-0.5, 0.25, 0.0], [0.0, 0.0, 0.0]], np.float32)
    result = quantize(weights, "int8", per_channel(weights.shape, 0))
    assert result.codes.dtype == np.int8
    assert result.offset is None
    np.testing.assert_array_equal(result.scale, np.array([[1.0], [0.5 / 127], [1.0]], np.float32))
    # halves go to the even code: -1.5 to -2, 2.5 to 2
    np.testing.assert_array_equal(result.codes, [[127, -2, 2], [-127, 64, 0], [0, 0, 0]])


def test_asymmetric_uint8_keeps_zero_exact() -> None:
    weights = np.array([-1.0, 0.0, 1.55], np.float32)
    result = quantize(weights, "uint8", per_tensor(weights.shape), symmetric=False)
    assert result.codes.dtype == np.uint8
    assert result.codes.tolist() == [0, 100, 255]
    assert result.offset is not None
    assert result.offset.tolist() == [100]
    assert result.offset.dtype == np.uint8
    assert result.dense()[1] == 0.0


def test_a_positive_block_is_widened_to_hold_zero() -> None:
    result = quantize(np.array([10.0, 25.5], np.float32), "u8", (2,), symmetric=False)
    assert result.codes.tolist() == [100, 255]
    assert result.offset is None  # all offsets are 0


def test_unsigned_symmetric_has_its_middle_at_zero() -> None:
    result = quantize(np.array([-2.0, 0.0, 2.0], np.float32), "uint4", (3,))
    assert result.codes.tolist() == [0, 7, 14]
    np.testing.assert_array_equal(result.dense(), np.array([-2, 0, 2], np.float32))


def test_float16_division_is_that_of_float16() -> None:
    weights = np.random.default_rng(0).normal(size=(4, 500)).astype(np.float16)
    result = quantize(weights, "int4", per_channel(weights.shape, 0))
    scale = np.abs(weights).max(axis=1, keepdims=True) / np.float16(7)
    np.testing.assert_array_equal(result.scale, scale)
    np.testing.assert_array_equal(result.codes, np.clip(np.rint(weights / scale), -7, 7))


def test_blocks_have_their_own_scales() -> None:
    weights = np.array([[1.0, 2.0, 30.0, 40.0]], np.float32)
    result = quantize(weights, (-4, 4), per_block(weights.shape, axis=1, size=2, channel_axis=0))
    assert result.scale.tolist() == [[0.5, 10.0]]
    assert result.codes.tolist() == [[2, 4, 3, 4]]


@pytest.mark.parametrize("blocks", [(7, 5, 6), (1, 5, 6), (7, 1, 1), (1, 1, 1), (7, 5, 2), (1, 5, 3)])
def test_slices_join_without_a_seam(blocks: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.random.default_rng(1).normal(size=(7, 5, 6)).astype(np.float32)
    whole = quantize(weights, "int8", blocks, symmetric=False)
    dense = whole.dense()
    monkeypatch.setattr("optc.numerics.block_rows.SLICE", 8)
    sliced = quantize(weights, "int8", blocks, symmetric=False)
    np.testing.assert_array_equal(sliced.codes, whole.codes)
    np.testing.assert_array_equal(sliced.dense(), dense)


def test_shapes_without_axes_or_elements_work() -> None:
    assert quantize(np.array(3.0, np.float32), "int8", ()).codes.tolist() == 127
    empty = quantize(np.zeros((0, 4), np.float32), "int8", (0, 4))
    assert empty.dense().shape == (0, 4)


def test_dequantize_takes_offsets_that_are_floats() -> None:
    codes = np.array([[1, 2], [3, 4]], np.uint8)
    dense = dequantize(codes, np.array([[2.0], [1.0]], np.float16), np.array([[0.5], [1.0]], np.float16), np.float16)
    assert dense.tolist() == [[1.0, 3.0], [2.0, 3.0]]
    assert dense.dtype == np.float16


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(dtype: Any, bad: float) -> None:
    with pytest.raises(OptcError) as caught:
        quantize(np.array([1.0, bad], dtype), "int8", (2,))
    assert caught.value.slug == "not-finite"


def test_weights_that_are_not_floats_are_refused() -> None:
    with pytest.raises(OptcError) as caught:
        quantize(np.array([1, 2]), "int8", (2,))
    assert caught.value.slug == "wrong-dtype"


@pytest.mark.parametrize(
    ("dtype", "symmetric", "slug"),
    [
        ("int9", True, "code-dtype"),
        ((-200, 0), False, "code-range"),
        ((0, 255), True, "code-range"),
        ((3, 3), False, "code-range"),
    ],
)
def test_impossible_codes_are_refused(dtype: Any, symmetric: bool, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        code_range(dtype, symmetric)
    assert caught.value.slug == slug


@pytest.mark.parametrize(("blocks", "slug"), [((4, 4), "block-size"), ((0, 4), "block-size"), ((4,), "block-rank")])
def test_blocks_that_do_not_divide_are_refused(blocks: tuple[int, ...], slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        scale_shape((6, 4), blocks)
    assert caught.value.slug == slug


def test_axes_out_of_range_are_refused() -> None:
    for refuse in (
        lambda: per_channel((2, 3), 2),
        lambda: per_block((2, 3), -3, 1),
        lambda: per_block((2, 3), 1, 3, -1),
    ):
        with pytest.raises(OptcError) as caught:
            refuse()
        assert caught.value.slug == "axis-range"


@pytest.mark.parametrize(
    ("scale", "offset", "slug"),
    [
        ((4,), None, "scale-rank"),
        ((4, 1), None, "scale-shape"),
        ((0, 1), None, "scale-shape"),
        ((3, 1), (1, 1), "offset-shape"),
    ],
)
def test_scales_of_other_shapes_are_refused(scale: Any, offset: Any, slug: str) -> None:
    shift = None if offset is None else np.zeros(offset, np.int8)
    with pytest.raises(OptcError) as caught:
        dequantize(np.zeros((6, 4), np.int8), np.ones(scale, np.float32), shift, np.float32)
    assert caught.value.slug == slug
