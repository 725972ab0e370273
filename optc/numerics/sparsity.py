"""Sparse storage (a bit per element and the values that are not zero) and exact choices of what to zero.

Every choice zeroes exactly as many elements as it is told; of equal magnitudes the first in row-major order goes first.
Masks are boolean, true where an element is kept.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.arrays import SLICE, Array, axis_from_front
from optc.numerics.finite import any_nan
from optc.numerics.packing import pack, unpack
from optc.numerics.selection import kth_least


def sparse_encode(dense: Array, mask: Array | None = None) -> tuple[Array, Array]:
    """The kept values (flat, row-major) and the packed mask (`uint8`, one bit per element, padding 0).

    `mask` says what is kept; without it, everything that differs from zero. A negative zero counts as zero.

    Raises:
        OptcError: the mask has another shape.
    """
    kept = dense != 0 if mask is None else mask.astype(np.bool_)
    if kept.shape != dense.shape:
        raise OptcError("shape-mismatch", "sparse encoding", "mask", f"of shape {list(dense.shape)}", list(kept.shape))
    return keep(dense, kept), pack(kept.view(np.uint8), 1)


def keep(dense: Array, mask: Array) -> Array:
    """The elements where a mask of the same shape (booleans, or `uint8` of 0 and 1) is true, flat, in row-major order.

    The inverse of `scatter`.
    """
    if native.kernels is None or not _has_words(dense):
        return np.asarray(dense[mask.astype(np.bool_)])
    size = dense.dtype.itemsize
    kept = np.empty(int(np.count_nonzero(mask)), dense.dtype)
    word = np.dtype(f"u{size}")
    flags = np.ascontiguousarray(mask).view(np.uint8)
    native.kernels.keep(size, np.ascontiguousarray(dense).view(word), flags, kept.view(word))
    return kept


def _has_words(array: Array) -> bool:
    """Whether elements are plain bytes of a size that kernels move."""
    return array.ndim > 0 and array.dtype.itemsize in (1, 2, 4, 8)


def sparse_decode(values: Array, packed_mask: Array, shape: tuple[int, ...]) -> Array:
    """The dense array of `shape`: each set bit of the mask takes the next value, all else is zero.

    Raises:
        OptcError: the mask has not one bit per element, or not as many set bits as there are values.
    """
    return scatter(values, unpack(packed_mask, 1, math.prod(shape)).view(np.bool_).reshape(shape))


def scatter(values: Array, mask: Array) -> Array:
    """`sparse_decode` for a mask that is not packed (booleans, or `uint8` of 0 and 1).

    Raises:
        OptcError: there are not as many true elements as values.
    """
    kept = mask.astype(np.bool_)
    wanted = int(np.count_nonzero(kept))
    if values.size != wanted:
        raise OptcError(
            "mask-count", "sparse tensor", "number of values", f"{wanted}, as the mask has set bits", values.size
        )
    if native.kernels is not None and _has_words(kept):
        size, word = values.dtype.itemsize, np.dtype(f"u{values.dtype.itemsize}")
        dense = np.empty(kept.shape, values.dtype)
        flat = np.ascontiguousarray(values).reshape(-1).view(word)
        native.kernels.scatter(size, flat, np.ascontiguousarray(kept).view(np.uint8), dense.view(word))
        return dense
    dense = np.zeros(kept.shape, values.dtype)
    dense[kept] = values.reshape(-1)
    return dense


def zero_count(count: int, sparsity: float) -> int:
    """How many of `count` elements `sparsity` zeroes: the nearest whole number, a half rounded up.

    Raises:
        OptcError: `sparsity` is not from 0 to 1.
    """
    if not 0.0 <= sparsity <= 1.0:
        raise OptcError("sparsity-range", "sparsity", "fraction of zeros", "from 0 to 1", sparsity)
    return min(count, math.floor(count * sparsity + 0.5))


def magnitude_mask(weights: Array, sparsity: float, importance: Array | None = None) -> Array:
    """Keep the greatest magnitudes: exactly `zero_count(size, sparsity)` elements are dropped.

    `importance`, of the same shape, says how much the squared error of each element counts: then those are kept whose
    `importance * weight**2` is greatest.

    Raises:
        OptcError: `sparsity` is not from 0 to 1, or a weight is NaN (`not-finite`).
    """
    return drop_least(weights, zero_count(weights.size, sparsity), importance)


def drop_least(weights: Array, drop: int, importance: Array | None = None) -> Array:
    """Keep all but the `drop` least magnitudes (or `importance * weight**2`); see `magnitude_mask`.

    Raises:
        OptcError: a weight is NaN (`not-finite`).
    """
    return _without_least(lambda: _saliencies(weights, importance), weights.shape, drop)


def threshold_mask(weights: Array, threshold: float) -> Array:
    """Keep the magnitudes above `threshold`.

    Raises:
        OptcError: a weight is NaN (`not-finite`).
    """
    magnitude = np.abs(weights)
    _check_numbers(magnitude)
    return np.greater(magnitude.astype(np.float64), threshold)


def n_of_m_mask(weights: Array, zeros: int, block: int, axis: int, importance: Array | None = None) -> Array:
    """Drop the `zeros` least magnitudes (or `importance * weight**2`) of every `block` neighbours along `axis`.

    A shorter last block of `r` elements loses `max(0, zeros - (block - r))`: as if it were padded with zeros.

    Raises:
        OptcError: not `0 <= zeros <= block` with `block` at least 1, the axis is out of range, or a weight is NaN.
    """
    if block < 1 or not 0 <= zeros <= block:
        raise OptcError(
            "n-of-m", "n:m sparsity", "ratio", "zeros from 0 to block, block at least 1", f"{zeros}:{block}"
        )
    counted = np.abs(weights) if importance is None else _energies(weights, importance)
    along = np.moveaxis(counted, axis_from_front(axis, weights.ndim, "sparsity"), -1)
    _check_numbers(along)
    missing = -along.shape[-1] % block
    # Padding is below every magnitude, so it is what goes first.
    padded = np.pad(along.astype(np.float64), [(0, 0)] * (along.ndim - 1) + [(0, missing)], constant_values=-1.0)
    blocks = padded.reshape(*padded.shape[:-1], padded.shape[-1] // block, block)
    kept = np.ones(blocks.shape, np.bool_)
    np.put_along_axis(kept, np.argsort(blocks, axis=-1, kind="stable")[..., :zeros], False, axis=-1)
    whole = kept.reshape(padded.shape)[..., : along.shape[-1]]
    return np.ascontiguousarray(np.moveaxis(whole, -1, axis))


def block_mask(weights: Array, sparsity: float, block: int, axis: int, importance: Array | None = None) -> Array:
    """Drop whole blocks of `block` neighbours along `axis`, those with the least sum of `importance * weight**2`.

    Without importance that is the least Euclidean norm.

    Exactly `zero_count(number of blocks, sparsity)` blocks are dropped. The axis must divide into blocks.

    Raises:
        OptcError: `sparsity`, `block` or `axis` is out of range, `block` does not divide the axis, or a weight is NaN.
    """
    place = axis_from_front(axis, weights.ndim, "sparsity")
    dim = weights.shape[place]
    if block < 1 or dim % block:
        raise OptcError("block-size", "block sparsity", "block size", f"a divisor of {dim}", block)
    along = np.moveaxis(_energies(weights, importance), place, -1)
    norms = along.reshape(*along.shape[:-1], dim // block, block).sum(axis=-1)
    kept = drop_least(norms, zero_count(norms.size, sparsity))
    return np.ascontiguousarray(np.moveaxis(np.repeat(kept, block, axis=-1), -1, place))


def unit_mask(weights: Array, sparsity: float, axes: tuple[int, ...], importance: Array | None = None) -> Array:
    """Drop whole slices, one for each index of `axes`, those with the least sum of `importance * weight**2`.

    With the axis of channels they are channels, with both axes of channels the kernels of a convolution. Exactly
    `zero_count(number of slices, sparsity)` are dropped.

    Raises:
        OptcError: `sparsity` or an axis is out of range, or a weight is NaN.
    """
    kept_axes = {axis_from_front(axis, weights.ndim, "sparsity") for axis in axes}
    others = tuple(axis for axis in range(weights.ndim) if axis not in kept_axes)
    norms = _energies(weights, importance).sum(axis=others, keepdims=True)
    kept = drop_least(norms, zero_count(norms.size, sparsity))
    return np.ascontiguousarray(np.broadcast_to(kept, weights.shape))


Weighted = tuple[Array, Array | None]
"""Weights, and their importance, of the same shape."""


def global_drops(read: Sequence[Callable[[], Weighted]], sparsity: float) -> list[int]:
    """How many elements `drop_least` is to drop of each array, so that the least of all together are dropped.

    Exactly `zero_count(elements of all, sparsity)` are dropped; of equal ones those of the first array, then index, go.
    Each array is read several times, one after another, and none is kept: of all that is needed there is never more
    than one array, and copies of a slice. Where one array has importance, that of the others is 1.

    Raises:
        OptcError: `sparsity` is not from 0 to 1, or a weight is NaN (`not-finite`).
    """
    sizes, narrow, weighted = [], True, False
    for one in read:
        weights, importance = one()
        sizes.append(weights.size)
        narrow = narrow and weights.dtype.itemsize <= 4
        weighted = weighted or importance is not None
    drop = zero_count(sum(sizes), sparsity)
    if drop == 0:
        return [0] * len(sizes)
    dtype = np.dtype(np.float32 if narrow and not weighted else np.float64)

    def parts(one: Callable[[], Weighted]) -> Iterator[Array]:
        return (part.astype(dtype, copy=False) for part in _saliencies(*one(), squared=weighted))

    limit, below = kth_least(lambda: (part for one in read for part in parts(one)), drop)
    ties, drops = drop - below, []
    for one in read:
        less, equal = np.sum([(np.sum(part < limit), np.sum(part == limit)) for part in parts(one)] or [(0, 0)], axis=0)
        taken = min(ties, int(equal))
        ties -= taken
        drops.append(int(less) + taken)
    return drops


def _saliencies(weights: Array, importance: Array | None, squared: bool = False) -> Iterator[Array]:
    """What elements are ranked by, a slice at a time: magnitudes, or in float64 `importance * weight**2`."""
    flat = weights.reshape(-1)
    for start in range(0, flat.size, SLICE):
        part = flat[start : start + SLICE]
        if importance is None and not squared:
            part = np.abs(part)
        else:
            counts = None if importance is None else importance.flat[start : start + SLICE]
            part = _energies(part, counts) + 0.0  # so that no zero is negative
        _check_numbers(part)
        yield part


def _energies(weights: Array, importance: Array | None) -> Array:
    """`importance * weight**2`, in float64."""
    squares = np.square(weights.astype(np.float64))
    return squares if importance is None else squares * importance


def _without_least(parts: Callable[[], Iterator[Array]], shape: tuple[int, ...], drop: int) -> Array:
    """True for all but exactly `drop` of the least elements; of equal ones the first are dropped."""
    kept = np.ones(math.prod(shape), np.bool_)
    if drop == 0:
        for _ in parts():  # which refuses what is no number
            pass
        return kept.reshape(shape)
    limit, below = kth_least(parts, drop)
    word = np.dtype(f"u{limit.itemsize}")  # the bits of magnitudes are in their order, and quicker to compare
    code, left, start = limit.view(word), drop - below, 0
    for part in parts():
        here = kept[start : start + part.size]
        np.greater(part.view(word), code, out=here)
        ties = np.flatnonzero(part.view(word) == code)
        here[ties[left:]] = True
        left -= min(left, ties.size)
        start += part.size
    return kept.reshape(shape)


def _check_numbers(magnitude: Array) -> None:
    if any_nan(magnitude):
        raise OptcError("not-finite", "sparsity", "every weight", "a number", "NaN")
