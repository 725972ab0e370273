"""Sparse storage (a bit per element and the values that are not zero) and exact choices of what to zero.

Every choice zeroes exactly as many elements as it is told; of equal magnitudes the first in row-major order goes first.
Masks are boolean, true where an element is kept.
"""

import math
from collections.abc import Sequence

import numpy as np

from optc.errors import OptcError
from optc.numerics.arrays import Array, axis_from_front
from optc.numerics.packing import pack, unpack


def sparse_encode(dense: Array, mask: Array | None = None) -> tuple[Array, Array]:
    """The kept values (flat, row-major) and the packed mask (`uint8`, one bit per element, padding 0).

    `mask` says what is kept; without it, everything that differs from zero. A negative zero counts as zero.

    Raises:
        OptcError: the mask has another shape.
    """
    kept = dense != 0 if mask is None else mask.astype(np.bool_)
    if kept.shape != dense.shape:
        raise OptcError("shape-mismatch", "sparse encoding", "mask", f"of shape {list(dense.shape)}", list(kept.shape))
    return dense[kept].reshape(-1), pack(kept.view(np.uint8), 1)


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


def magnitude_mask(weights: Array, sparsity: float) -> Array:
    """Keep the greatest magnitudes: exactly `zero_count(size, sparsity)` elements are dropped.

    Raises:
        OptcError: `sparsity` is not from 0 to 1, or a weight is NaN (`not-finite`).
    """
    return _keep_greatest(np.abs(weights), zero_count(weights.size, sparsity))


def threshold_mask(weights: Array, threshold: float) -> Array:
    """Keep the magnitudes above `threshold`.

    Raises:
        OptcError: a weight is NaN (`not-finite`).
    """
    magnitude = np.abs(weights)
    _check_numbers(magnitude)
    return np.greater(magnitude.astype(np.float64), threshold)


def n_of_m_mask(weights: Array, zeros: int, block: int, axis: int) -> Array:
    """Drop the `zeros` least magnitudes of every `block` neighbours along `axis`.

    A shorter last block of `r` elements loses `max(0, zeros - (block - r))`: as if it were padded with zeros.

    Raises:
        OptcError: not `0 <= zeros <= block` with `block` at least 1, the axis is out of range, or a weight is NaN.
    """
    if block < 1 or not 0 <= zeros <= block:
        raise OptcError(
            "n-of-m", "n:m sparsity", "ratio", "zeros from 0 to block, block at least 1", f"{zeros}:{block}"
        )
    along = np.moveaxis(np.abs(weights), axis_from_front(axis, weights.ndim, "sparsity"), -1)
    _check_numbers(along)
    missing = -along.shape[-1] % block
    # Padding is below every magnitude, so it is what goes first.
    padded = np.pad(along.astype(np.float64), [(0, 0)] * (along.ndim - 1) + [(0, missing)], constant_values=-1.0)
    blocks = padded.reshape(*padded.shape[:-1], padded.shape[-1] // block, block)
    kept = np.ones(blocks.shape, np.bool_)
    np.put_along_axis(kept, np.argsort(blocks, axis=-1, kind="stable")[..., :zeros], False, axis=-1)
    whole = kept.reshape(padded.shape)[..., : along.shape[-1]]
    return np.ascontiguousarray(np.moveaxis(whole, -1, axis))


def block_mask(weights: Array, sparsity: float, block: int, axis: int) -> Array:
    """Drop whole blocks of `block` neighbours along `axis`, those with the least Euclidean norm.

    Exactly `zero_count(number of blocks, sparsity)` blocks are dropped. The axis must divide into blocks.

    Raises:
        OptcError: `sparsity`, `block` or `axis` is out of range, `block` does not divide the axis, or a weight is NaN.
    """
    place = axis_from_front(axis, weights.ndim, "sparsity")
    dim = weights.shape[place]
    if block < 1 or dim % block:
        raise OptcError("block-size", "block sparsity", "block size", f"a divisor of {dim}", block)
    along = np.moveaxis(weights.astype(np.float64), place, -1)
    norms = np.square(along.reshape(*along.shape[:-1], dim // block, block)).sum(axis=-1)
    kept = _keep_greatest(norms, zero_count(norms.size, sparsity))
    return np.ascontiguousarray(np.moveaxis(np.repeat(kept, block, axis=-1), -1, place))


def unit_mask(weights: Array, sparsity: float, axes: tuple[int, ...]) -> Array:
    """Drop whole slices, one for each index of `axes`, those with the least Euclidean norm.

    With the axis of channels they are channels, with both axes of channels the kernels of a convolution. Exactly
    `zero_count(number of slices, sparsity)` are dropped.

    Raises:
        OptcError: `sparsity` or an axis is out of range, or a weight is NaN.
    """
    kept_axes = {axis_from_front(axis, weights.ndim, "sparsity") for axis in axes}
    others = tuple(axis for axis in range(weights.ndim) if axis not in kept_axes)
    norms = np.square(weights.astype(np.float64)).sum(axis=others, keepdims=True)
    kept = _keep_greatest(norms, zero_count(norms.size, sparsity))
    return np.ascontiguousarray(np.broadcast_to(kept, weights.shape))


def global_masks(arrays: Sequence[Array], sparsity: float) -> list[Array]:
    """Keep the greatest magnitudes of all arrays together; of equal ones those of the first array, then index, go.

    Exactly `zero_count(elements of all, sparsity)` are dropped.

    Raises:
        OptcError: `sparsity` is not from 0 to 1, or a weight is NaN (`not-finite`).
    """
    if not arrays:
        return []
    whole = np.concatenate([np.abs(array).reshape(-1) for array in arrays])
    kept = _keep_greatest(whole, zero_count(whole.size, sparsity))
    ends = np.cumsum([array.size for array in arrays])[:-1]
    return [part.reshape(array.shape) for part, array in zip(np.split(kept, ends), arrays, strict=True)]


def _keep_greatest(magnitude: Array, drop: int) -> Array:
    """True for all but exactly `drop` of the least elements; of equal ones the first are dropped."""
    _check_numbers(magnitude)
    flat = magnitude.reshape(-1)
    if drop == 0:
        return np.ones(magnitude.shape, np.bool_)
    limit = np.partition(flat, drop - 1)[drop - 1]
    kept: Array = flat > limit
    ties = np.flatnonzero(flat == limit)
    kept[ties[drop - int(np.count_nonzero(flat < limit)) :]] = True
    return np.reshape(kept, magnitude.shape)


def _check_numbers(magnitude: Array) -> None:
    if np.isnan(magnitude).any():
        raise OptcError("not-finite", "sparsity", "every weight", "a number", "NaN")
