"""Affine (linear) quantization: `weight ~ scale * (code - offset)`, with a scale for each block of the tensor.

A *block shape* has one number per axis and must divide the tensor's shape. A scale then has the rank of the
tensor, and each of its dimensions is the number of blocks along that axis (Core ML's
`constexpr_blockwise_shift_scale`). One block is quantization per tensor; blocks one long on one axis and full
on the others are per channel.
"""

import math
from typing import Any

import attrs
import ml_dtypes
import numpy as np

from optc.errors import OptcError
from optc.numerics.arrays import Array, axis_from_front
from optc.numerics.block_codes import FLOATS, dense_rows, dense_strips, least_error, min_max, to_float8
from optc.numerics.block_rows import batches, by_block, filled, rows, side_by_side

Shape = tuple[int, ...]

CODE_RANGES: dict[str, tuple[int, int]] = {
    **{f"int{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in range(2, 9)},
    **{f"uint{bits}": (0, (1 << bits) - 1) for bits in range(2, 9)},
}
FLOAT8S = {"float8e4m3": np.dtype(ml_dtypes.float8_e4m3fn), "float8e5m2": np.dtype(ml_dtypes.float8_e5m2)}


@attrs.frozen(eq=False)
class Quantized:
    """A quantized tensor.

    Attributes:
        codes: `int8`, or `uint8` if no code may be negative, or a float of 8 bits; of the tensor's shape (narrower
            codes are not packed).
        scale: positive, of the weights' dtype; its dimensions divide those of `codes`.
        offset: of the scale's shape and the codes' dtype; None if every offset is 0.
    """

    codes: Array
    scale: Array
    offset: Array | None

    def dense(self, dtype: Any = None) -> Array:
        """The weights that the codes stand for, by default in the scale's dtype."""
        return dequantize(self.codes, self.scale, self.offset, dtype or self.scale.dtype)


def per_tensor(shape: Shape) -> Shape:
    """The block shape of one scale for all."""
    return shape


def per_channel(shape: Shape, axis: int) -> Shape:
    """The block shape of one scale per index of `axis`.

    Raises:
        OptcError: the axis is out of range.
    """
    place = axis_from_front(axis, len(shape), "quantization")
    return tuple(1 if at == place else dim for at, dim in enumerate(shape))


def per_block(shape: Shape, axis: int, size: int, channel_axis: int | None = None) -> Shape:
    """The block shape of blocks of `size` along `axis`, one long on `channel_axis` and full elsewhere.

    Raises:
        OptcError: an axis is out of range, both are the same, or `size` does not divide the dimension.
    """
    place = axis_from_front(axis, len(shape), "quantization")
    blocks = list(shape if channel_axis is None else per_channel(shape, channel_axis))
    if channel_axis is not None and axis_from_front(channel_axis, len(shape), "quantization") == place:
        raise OptcError(
            "axis-range", "quantization per block", "channel axis", f"another axis than {axis}", channel_axis
        )
    blocks[place] = size
    scale_shape(shape, tuple(blocks))
    return tuple(blocks)


def scale_shape(shape: Shape, blocks: Shape) -> Shape:
    """The number of blocks along each axis.

    Raises:
        OptcError: the block shape has another rank, or a block does not divide its dimension.
    """
    if len(blocks) != len(shape):
        raise OptcError("block-rank", "quantization", "block shape", f"of rank {len(shape)}", len(blocks))
    for axis, (dim, block) in enumerate(zip(shape, blocks, strict=True)):
        if dim and (block < 1 or dim % block):
            raise OptcError("block-size", "quantization", f"block size of axis {axis}", f"a divisor of {dim}", block)
    return tuple(dim // block if dim else 1 for dim, block in zip(shape, blocks, strict=True))


def code_range(dtype: str | tuple[int, int], symmetric: bool) -> tuple[int, int]:
    """The least and greatest code of a type (`int2` to `int8`, `uint2` to `uint8`, or short `i2` ...).

    Symmetric quantization gives up one code, so that the range has a middle: -127 to 127, or 0 to 254. A pair is
    taken as it is.

    Raises:
        OptcError: there is no such type, the pair fits neither `int8` nor `uint8`, or has no middle but should.
    """
    if isinstance(dtype, str):
        name = {"i": "int", "u": "uint"}.get(dtype[:1], "") + dtype[1:] if len(dtype) == 2 else dtype
        if name not in CODE_RANGES:
            raise OptcError("code-dtype", "quantization", "type of codes", f"one of {', '.join(CODE_RANGES)}", dtype)
        low, high = CODE_RANGES[name]
        if not symmetric:
            return low, high
        return (low, high - 1) if low == 0 else (low + 1, high)
    low, high = dtype
    inside = -128 <= low < high <= 127 or 0 <= low < high <= 255
    if not inside or (symmetric and (low + high) % 2):
        expected = "within -128..127 or 0..255" + (", with a whole number in the middle" if symmetric else "")
        raise OptcError("code-range", "quantization", "range of codes", expected, f"{low}..{high}")
    return low, high


def quantize(
    weights: Array,
    dtype: str | tuple[int, int],
    blocks: Shape,
    symmetric: bool = True,
    search: bool = False,
    importance: Array | None = None,
) -> Quantized:
    """Quantize to the nearest codes.

    Symmetric: `scale = max|w| / ((high - low) / 2)`, the offset is the middle of the range. Asymmetric: the block's
    range, widened to hold 0, is mapped onto `low` to `high`, with the offset rounded so that 0 is exact. In both,
    `code = clip(round_half_even(w / scale) + offset)`, where scale and quotient are rounded to the weights' dtype, as
    coremltools does. A block of zeros has scale 1.

    With `search`, each block gets the scale (and offset) of least squared error instead: `optc.numerics.scale_search`
    says which that is. Quotients are not rounded to the weights' dtype then. Products are, when weights are expanded:
    where their error is not below that of min-max all the same, the block keeps what min-max gives.

    Args:
        weights: float16, bfloat16, float32 or float64, of any shape.
        dtype: type of the codes or their range, see `code_range`.
        blocks: block shape, from `per_tensor`, `per_channel`, `per_block` or of one's own.
        symmetric: which of the two.
        search: whether to search for the least squared error, rather than take the extremes.
        importance: of the weights' shape, how much the squared error of each counts in the search; None for all alike.

    Raises:
        OptcError: a weight is not finite, or what `scale_shape` and `code_range` refuse.
    """
    _check_float(weights)
    limits = code_range(dtype, symmetric)
    counts = scale_shape(weights.shape, blocks)
    codes = np.empty(weights.shape, np.int8 if limits[0] < 0 else np.uint8)
    if not weights.size:
        return Quantized(codes, np.ones(counts, weights.dtype), None)
    scale, offset = np.empty(math.prod(counts), weights.dtype), np.empty(math.prod(counts), codes.dtype)
    source, target, size = by_block(weights, counts), by_block(codes, counts), weights.size // math.prod(counts)
    loads = None if importance is None else by_block(importance, counts)
    for place, at in batches(counts, size):
        taken = rows(source, place, size)
        with filled(target, place, size) as out:
            min_max(taken, limits, symmetric, scale[at], offset[at], out)
            if search:
                w = None if loads is None else rows(loads, place, size).astype(np.float64)
                least_error(taken, w, limits, symmetric, scale[at], offset[at], out)
    return Quantized(codes, scale.reshape(counts), offset.reshape(counts) if offset.any() else None)


def quantize_float8(weights: Array, dtype: str, blocks: Shape) -> Quantized:
    """Quantize to the nearest floats of 8 bits (`float8e4m3`, `float8e5m2`), of two equally near the even one.

    `scale = max|w| / greatest finite code`, rounded to the weights' dtype. What would overrun the range is its end.

    Raises:
        OptcError: a weight is not finite, or what `scale_shape` refuses.
    """
    _check_float(weights)
    counts = scale_shape(weights.shape, blocks)
    codes, scale = np.empty(weights.shape, FLOAT8S[dtype]), np.ones(math.prod(counts), weights.dtype)
    source, target, size = by_block(weights, counts), by_block(codes, counts), weights.size // max(1, math.prod(counts))
    for place, at in batches(counts, size) if weights.size else ():
        with filled(target, place, size) as out:
            to_float8(rows(source, place, size), scale[at], out)
    return Quantized(codes, scale.reshape(counts), None)


def _check_float(weights: Array) -> None:
    if weights.dtype not in FLOATS:
        raise OptcError("wrong-dtype", "quantization", "weights", "of a float type of 16 to 64 bits", weights.dtype)


def dequantize(codes: Array, scale: Array, offset: Array | None, dtype: Any) -> Array:
    """`scale * (code - offset)`, computed in float32 (float64 for a float64 scale) and rounded to `dtype`.

    For 8-bit codes and a float16 scale the product is exact before rounding, so this is also float16 arithmetic.

    Args:
        codes: integers, or floats.
        scale: floats of the same rank, each dimension a divisor of that of the codes.
        offset: of the scale's shape, integers or floats; None for 0.
        dtype: float dtype of the result.

    Raises:
        OptcError: the shapes do not go together.
    """
    if scale.ndim != codes.ndim:
        raise OptcError("scale-rank", "dequantization", "scale", f"of rank {codes.ndim}", scale.ndim)
    if offset is not None and offset.shape != scale.shape:
        raise OptcError("offset-shape", "dequantization", "offset", f"of shape {list(scale.shape)}", list(offset.shape))
    for axis, (dim, count) in enumerate(zip(codes.shape, scale.shape, strict=True)):
        if count < 1 or dim % count:
            raise OptcError(
                "scale-shape", "dequantization", f"dimension {axis} of the scale", f"a divisor of {dim}", count
            )
    out = np.empty(codes.shape, dtype)
    if not codes.size:
        return out
    work = np.dtype(np.float64 if scale.dtype == np.float64 else np.float32)
    steps = scale.reshape(-1).astype(work)
    shifts = np.zeros_like(steps) if offset is None else offset.reshape(-1).astype(work)
    strip, size = side_by_side(codes.shape, scale.shape), codes.size // scale.size
    if strip > 1:
        flat, strips = np.ascontiguousarray(codes), (-1, strip)
        cut = (scale.size // strip, size, strip)
        dense_strips(flat.reshape(cut), steps.reshape(strips), shifts.reshape(strips), out.reshape(cut))
        return out
    source, target = by_block(codes, scale.shape), by_block(out, scale.shape)
    for place, at in batches(scale.shape, size):
        with filled(target, place, size) as made:
            dense_rows(rows(source, place, size), steps[at], shifts[at], made)
    return out
