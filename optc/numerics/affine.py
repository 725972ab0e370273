"""Affine (linear) quantization: `weight ~ scale * (code - offset)`, with a scale for each block of the tensor.

A *block shape* has one number per axis and must divide the tensor's shape. A scale then has the rank of the
tensor, and each of its dimensions is the number of blocks along that axis (Core ML's
`constexpr_blockwise_shift_scale`). One block is quantization per tensor; blocks one long on one axis and full
on the others are per channel.
"""

import math
from collections.abc import Iterator
from typing import Any

import attrs
import ml_dtypes
import numpy as np

from optc.errors import OptcError
from optc.numerics.arrays import SLICE, Array, axis_from_front

Shape = tuple[int, ...]

CODE_RANGES: dict[str, tuple[int, int]] = {
    "int4": (-8, 7), "uint4": (0, 15), "int8": (-128, 127), "uint8": (0, 255),
}  # fmt: skip
_SHORT_NAMES = {"i4": "int4", "u4": "uint4", "i8": "int8", "u8": "uint8"}
_FLOATS = tuple(np.dtype(kind) for kind in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64))


@attrs.frozen(eq=False)
class Quantized:
    """A quantized tensor.

    Attributes:
        codes: `int8`, or `uint8` if no code may be negative; of the tensor's shape (4-bit codes are not packed).
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
    """The least and greatest code of a type (`int4`, `uint4`, `int8`, `uint8`, or their short names `i4` ...).

    Symmetric quantization gives up one code, so that the range has a middle: -127 to 127, or 0 to 254. A pair is
    taken as it is.

    Raises:
        OptcError: there is no such type, the pair fits neither `int8` nor `uint8`, or has no middle but should.
    """
    if isinstance(dtype, str):
        name = _SHORT_NAMES.get(dtype, dtype)
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


def quantize(weights: Array, dtype: str | tuple[int, int], blocks: Shape, symmetric: bool = True) -> Quantized:
    """Quantize to the nearest codes.

    Symmetric: `scale = max|w| / ((high - low) / 2)`, the offset is the middle of the range. Asymmetric: the block's
    range, widened to hold 0, is mapped onto `low` to `high`, with the offset rounded so that 0 is exact. In both,
    `code = clip(round_half_even(w / scale) + offset)`, where scale and quotient are rounded to the weights' dtype, as
    coremltools does. A block of zeros has scale 1.

    Args:
        weights: float16, bfloat16, float32 or float64, of any shape.
        dtype: type of the codes or their range, see `code_range`.
        blocks: block shape, from `per_tensor`, `per_channel`, `per_block` or of one's own.
        symmetric: which of the two.

    Raises:
        OptcError: a weight is not finite, or what `scale_shape` and `code_range` refuse.
    """
    if weights.dtype not in _FLOATS:
        raise OptcError("wrong-dtype", "quantization", "weights", "of a float type of 16 to 64 bits", weights.dtype)
    low, high = code_range(dtype, symmetric)
    groups = scale_shape(weights.shape, blocks)
    least, greatest = _block_extremes(weights, groups)
    if symmetric:
        greatest = np.maximum(-least, greatest)
        least = -greatest
    scale = _scales(least, greatest, high - low, weights.dtype)
    offset = np.full(groups, (low + high) // 2) if symmetric else _offsets(least, greatest, low, high)
    codes = _codes(weights, scale, offset, (low, high))
    return Quantized(codes, scale, offset.astype(codes.dtype) if offset.any() else None)


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
    work = np.promote_types(np.float32, scale.dtype) if scale.dtype == np.float64 else np.dtype(np.float32)
    out = np.empty(codes.shape, dtype)
    steps = _spread(scale, codes.ndim).astype(work)
    shift = np.zeros_like(steps) if offset is None else _spread(offset, codes.ndim).astype(work)
    source, target = _blocked(codes, scale.shape), _blocked(out, scale.shape)
    with np.errstate(over="ignore"):  # a product beyond the range of `dtype` is infinite, as it is in the runtimes
        for part, at in _parts(source.shape):
            target[part] = (steps[at] * (source[part].astype(work) - shift[at])).astype(dtype)
    return out


def _block_extremes(weights: Array, groups: Shape) -> tuple[Array, Array]:
    """Least and greatest weight of each block, as float64, with 0 always inside."""
    view = _blocked(weights, groups)
    inner = tuple(range(1, view.ndim, 2))
    with np.errstate(invalid="ignore"):  # a NaN is reported below, as an error of ours
        least = view.min(axis=inner, initial=0.0).astype(np.float64)
        greatest = view.max(axis=inner, initial=0.0).astype(np.float64)
    if not (np.isfinite(least).all() and np.isfinite(greatest).all()):
        raise OptcError("not-finite", "quantization", "every weight", "finite", "NaN or infinity")
    return least.reshape(groups), greatest.reshape(groups)


def _scales(least: Array, greatest: Array, steps: int, dtype: np.dtype[Any]) -> Array:
    """Range over number of steps, rounded to `dtype`; never 0, so that no quotient is infinite or NaN."""
    width = greatest / steps - least / steps
    scale = width.astype(dtype)
    one = np.ones((), dtype)
    epsilon = float(np.nextafter(one, one + one)) - 1
    # Rounding down by more than that happens among subnormals only, where quotients would overrun the codes.
    short = scale.astype(np.float64) < width * (1 - epsilon)
    scale = np.where(short, np.nextafter(scale, one), scale)
    return np.where(width == 0, one, scale).astype(dtype)


def _offsets(least: Array, greatest: Array, low: int, high: int) -> Array:
    """The codes that stand for 0 (`low` for a block of zeros), when `least..greatest` is mapped onto `low..high`."""
    peak = np.maximum(greatest, -least)
    peak = np.where(peak == 0, 1.0, peak)
    below, above = least / peak, greatest / peak  # so that neither products nor the width overflow
    width = np.where(above == below, 1.0, above - below)
    return np.clip(np.rint((low * above - high * below) / width), low, high).astype(np.int64)


def _codes(weights: Array, scale: Array, offset: Array, limits: tuple[int, int]) -> Array:
    low, high = limits
    codes = np.empty(weights.shape, np.int8 if high <= 127 and low < 0 else np.uint8)
    work = np.promote_types(np.float32, weights.dtype) if weights.dtype.itemsize > 2 else np.dtype(np.float32)
    steps = _spread(scale, weights.ndim).astype(work)
    shift = _spread(offset, weights.ndim).astype(work)
    source, target = _blocked(weights, scale.shape), _blocked(codes, scale.shape)
    for part, at in _parts(source.shape):
        # A float32 quotient of 16-bit floats, rounded again, is what division in that type gives.
        quotient = (source[part].astype(work) / steps[at]).astype(weights.dtype).astype(work)
        target[part] = np.clip(np.rint(quotient) + shift[at], low, high).astype(codes.dtype)
    return codes


def _blocked(array: Array, groups: Shape) -> Array:
    """A view with two axes for each one: number of the block, and place in the block."""
    pairs = [(count, dim // count) for dim, count in zip(array.shape, groups, strict=True)]
    return array.reshape([size for pair in pairs for size in pair])


def _spread(scale: Array, rank: int) -> Array:
    """A scale in the shape that broadcasts over `_blocked`."""
    return scale.reshape([size for count in scale.shape for size in (count, 1)]) if rank else scale


def _parts(shape: Shape) -> Iterator[tuple[Any, Any]]:
    """Slices of a blocked array, and of its scale, of bounded size (as far as cutting the first axis goes)."""
    if not shape:
        yield (), ()
        return
    count, size = shape[0], shape[1]
    rest = max(1, math.prod(shape[2:]))
    block_step = max(1, SLICE // max(1, size * rest))
    inner_step = size if block_step > 1 else max(1, SLICE // rest)
    for block in range(0, count, block_step):
        rows = slice(block, block + block_step)
        for inner in range(0, size, max(1, inner_step)):
            yield (rows, slice(inner, inner + inner_step)), (rows,)
