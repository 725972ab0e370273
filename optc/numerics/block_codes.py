"""The codes of blocks: from rows of weights to codes, scales and offsets, and back. See `optc.numerics.affine`.

Rows are C-contiguous `[blocks, size]` with at least one element; scales and offsets are `[blocks]`. Compiled kernels do
the same where they were built, to the bit.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import ml_dtypes
import numpy as np

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.arrays import SLICE, Array
from optc.numerics.histogram import SIXTEEN_BIT_FLOATS, histogram
from optc.numerics.scale_search import KINDS, search_scales

FLOATS = tuple(np.dtype(kind) for kind in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64))
_GREATEST = {np.dtype(ml_dtypes.float8_e4m3fn): 448.0, np.dtype(ml_dtypes.float8_e5m2): 57344.0}
_MANY = 1 << 16
"""So many items of a 16-bit float are more than it has values: these are searched instead, by how often they occur."""


def min_max(x: Array, limits: tuple[int, int], symmetric: bool, scale: Array, offset: Array, codes: Array) -> None:
    """Write scales, offsets and codes of the range that each row has.

    Raises:
        OptcError: an item is not finite.
    """
    if native.kernels is not None:
        parts = (_bits(scale), offset.view(np.uint8), codes.view(np.uint8))
        if not native.kernels.quantize(KINDS[x.dtype.name], _bits(x), x.shape[1], *limits, symmetric, *parts):
            raise _not_finite()
        return
    low, high = limits
    least, greatest = _extremes(x)
    if symmetric:
        greatest = np.maximum(-least, greatest)
        least = -greatest
    scale[:] = _scales(least, greatest, high - low, x.dtype)
    offset[:] = (low + high) // 2 if symmetric else _offsets(least, greatest, low, high)
    _encode(x, scale, offset, limits, codes, rounded=True)


def encode(x: Array, limits: tuple[int, int], scale: Array, offset: Array, codes: Array) -> None:
    """Write the codes nearest to `x / scale + offset`."""
    if native.kernels is not None:
        parts = (_bits(scale), offset.view(np.uint8), codes.view(np.uint8))
        native.kernels.encode(KINDS[x.dtype.name], _bits(x), x.shape[1], *limits, *parts)
    else:
        _encode(x, scale, offset, limits, codes, rounded=False)


def least_error(
    x: Array, w: Array | None, limits: tuple[int, int], symmetric: bool, scale: Array, offset: Array, codes: Array
) -> None:
    """Write scales, offsets and codes of least squared error over those of `min_max`, where they are better.

    `w` is float64 of the shape of `x`, or None: how much the squared error of each item counts.
    """
    wide = offset.astype(np.int64)
    if x.size >= _MANY and x.dtype in SIXTEEN_BIT_FLOATS and (w is None or w.any()) and len(x) == 1:
        found = histogram(x, w)
        scales, offsets = search_scales(found.points[None], found.mass[None], limits, symmetric, scale, wide)
    else:
        scales, offsets = search_scales(x.astype(np.float64), w, limits, symmetric, scale, wide)
    shifts, made = offsets.astype(offset.dtype), np.empty_like(codes)
    encode(x, limits, scales, shifts, made)
    better = _errors(x, w, scales, shifts, made) < _errors(x, w, scale, offset, codes)
    scale[better], offset[better], codes[better] = scales[better], shifts[better], made[better]


def _errors(x: Array, w: Array | None, scale: Array, offset: Array, codes: Array) -> Array:
    """The squared error of each row, of the weights as they are expanded."""
    work = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    total = np.zeros(len(x))
    for part in _columns(x):
        dense = np.empty_like(x[:, part])
        dense_rows(np.ascontiguousarray(codes[:, part]), scale.astype(work), offset.astype(work), dense)
        apart = np.square(x[:, part].astype(np.float64) - dense.astype(np.float64))
        total += (apart if w is None else w[:, part] * apart).sum(axis=1)
    return total


def to_float8(x: Array, scale: Array, codes: Array) -> None:
    """Write scales that map the largest magnitude of each row to the greatest finite code, and the nearest codes.

    Raises:
        OptcError: an item is not finite.
    """
    greatest = _GREATEST[codes.dtype]
    least, most = _extremes(x)
    most = np.maximum(-least, most)
    scale[:] = _scales(np.zeros_like(most), most, greatest, x.dtype)
    work = _work(x.dtype)
    for part in _columns(x):
        codes[:, part] = np.clip(x[:, part].astype(work) / scale.astype(work)[:, None], -greatest, greatest)


def dense_rows(codes: Array, scale: Array, offset: Array, out: Array) -> None:
    """Write `scale * (code - offset)`, computed in the dtype of `scale` and `offset`, float32 or float64."""
    dense_strips(codes[:, :, None], scale[:, None], offset[:, None], out[:, :, None])


def dense_strips(codes: Array, scale: Array, offset: Array, out: Array) -> None:
    """The same for blocks side by side: codes `[strips, size, strip]`, scales and offsets `[strips, strip]`."""
    strips, size, strip = codes.shape
    kind = KINDS.get(out.dtype.name, 0)
    fits = codes.dtype in (np.int8, np.uint8) and (kind == 8 if scale.dtype == np.float64 else kind in (2, 3, 4))
    # The kernel knows no NaN.
    if native.kernels is not None and fits and np.isfinite(scale).all() and np.isfinite(offset).all():
        signed = codes.dtype == np.int8
        native.kernels.dequantize(kind, signed, codes.view(np.uint8), size, strip, scale, offset, _bits(out))
        return
    many = max(1, SLICE // strip)
    few = max(1, many // strips)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond the range of the dtype is infinite, as in the runtimes
        for first, start in product(range(0, strips, many), range(0, size, few)):
            some, part = slice(first, first + many), slice(start, start + few)
            out[some, part] = scale[some, None] * (codes[some, part].astype(scale.dtype) - offset[some, None])


def _bits(array: Array) -> Array:
    """Its bits as integers: not all float types can be handed over as they are."""
    return array.view(f"u{array.itemsize}")


def _work(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What is computed in: float32 for narrower floats."""
    return dtype if dtype.itemsize > 2 else np.dtype(np.float32)


def _columns(x: Array) -> Iterator[slice]:
    """Parts of long rows, so that temporaries stay small."""
    step = max(1, SLICE // len(x))
    for start in range(0, x.shape[1], step):
        yield slice(start, start + step)


def _not_finite() -> OptcError:
    return OptcError("not-finite", "quantization", "every weight", "finite", "NaN or infinity")


def _extremes(x: Array) -> tuple[Array, Array]:
    """Least and greatest item of each row, as float64, with 0 always inside."""
    with np.errstate(invalid="ignore"):  # a NaN is reported below, as an error of ours
        least = x.min(axis=1, initial=0.0).astype(np.float64)
        greatest = x.max(axis=1, initial=0.0).astype(np.float64)
    if not (np.isfinite(least).all() and np.isfinite(greatest).all()):
        raise _not_finite()
    return least, greatest


def _scales(least: Array, greatest: Array, steps: float, dtype: np.dtype[Any]) -> Array:
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


def _encode(x: Array, scale: Array, offset: Array, limits: tuple[int, int], codes: Array, rounded: bool) -> None:
    """Codes from quotients in float32 (of a wider type in that), `rounded` to the dtype of the weights or not."""
    low, high = limits
    work = _work(x.dtype)
    steps, shift = scale.astype(work)[:, None], offset.astype(work)[:, None]
    with np.errstate(over="ignore"):  # a quotient beyond the range is cut to its end
        for part in _columns(x):
            quotient = x[:, part].astype(work) / steps
            if rounded:  # a float32 quotient of 16-bit floats, rounded again, is what division in that type gives
                quotient = quotient.astype(x.dtype).astype(work)
            codes[:, part] = np.clip(np.rint(quotient) + shift, low, high).astype(codes.dtype)
