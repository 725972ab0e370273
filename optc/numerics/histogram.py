"""Histograms of distinct values: what one-dimensional clustering needs to know about a tensor."""

from types import ModuleType
from typing import NamedTuple

import ml_dtypes
import numpy as np

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.arrays import SLICE, Array

SIXTEEN_BIT_FLOATS = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))


class Histogram(NamedTuple):
    """Distinct values and how much each weighs.

    Attributes:
        points: `float64[n]`, strictly ascending, finite; -0.0 and 0.0 are one point.
        mass: `float64[n]`, positive: the number of times that each value occurs, or the sum of its weights.
    """

    points: Array
    mass: Array


def histogram(values: Array, weights: Array | None = None) -> Histogram:
    """The histogram of an array of real numbers (any shape); values of weight 0 are left out.

    Args:
        values: floats or integers; conversion to float64 must be exact (so not beyond 2**53).
        weights: non-negative finite numbers of the same shape; 1 each if not given.

    Raises:
        OptcError: a value or weight is not finite (`not-finite`), a weight is negative or of another shape,
            or nothing with a positive weight is left.
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    loads = None if weights is None else _checked_weights(weights, values.shape)
    if loads is None and native.kernels is not None and flat.dtype in SIXTEEN_BIT_FLOATS and flat.size < 1 << 32:
        return _counted(native.kernels, flat)
    points, mass = (_by_code if flat.dtype in SIXTEEN_BIT_FLOATS else _by_sorting)(flat, loads)
    if not np.isfinite(points).all():
        raise _not_finite()
    held = mass > 0
    if not held.any():
        raise _no_values()
    return Histogram(points[held] + 0.0, mass[held])  # no negative zero, whichever came first


def _checked_weights(weights: Array, shape: tuple[int, ...]) -> Array:
    if weights.shape != shape:
        raise OptcError("weights-shape", "histogram", "weights", f"of shape {list(shape)}", list(weights.shape))
    flat = np.asarray(weights, np.float64).reshape(-1)
    if not np.isfinite(flat).all():
        raise OptcError("not-finite", "histogram", "every weight", "finite", "NaN or infinity")
    if flat.size and flat.min() < 0:
        raise OptcError("negative-weight", "histogram", "every weight", "at least 0", flat.min())
    return flat


def _counted(kernels: ModuleType, flat: Array) -> Histogram:
    """The histogram of 16-bit floats, compiled."""
    room = min(flat.size, 1 << 16)
    points, mass = np.empty(room), np.empty(room)
    kind = 2 if flat.dtype == np.float16 else 3
    found = kernels.count_halves(kind, flat.view(np.uint16), points, mass)
    if found < 0:
        raise _not_finite()
    if found == 0:
        raise _no_values()
    return Histogram(points[:found], mass[:found])


def _not_finite() -> OptcError:
    return OptcError("not-finite", "histogram", "every value", "finite", "NaN or infinity")


def _no_values() -> OptcError:
    return OptcError("no-values", "histogram", "array", "at least one value with a positive weight")


def _by_code(flat: Array, weights: Array | None) -> tuple[Array, Array]:
    """Count the 65,536 codes of a 16-bit float, in slices; no sorting of values."""
    codes = flat.view(np.uint16)
    counts = np.zeros(1 << 16, np.int64)
    mass = np.zeros(1 << 16)
    for start in range(0, flat.size, SLICE):
        part = codes[start : start + SLICE]
        counts += np.bincount(part, minlength=1 << 16)
        if weights is not None:
            mass += np.bincount(part, weights[start : start + SLICE], minlength=1 << 16)
    if weights is None:
        mass = counts.astype(np.float64)
    present = np.flatnonzero(counts)
    points = present.astype(np.uint16).view(flat.dtype).astype(np.float64)
    return _merged(points, mass[present])


def _by_sorting(flat: Array, weights: Array | None) -> tuple[Array, Array]:
    if weights is None and native.kernels is not None and flat.dtype == np.float32 and flat.size < 1 << 32:
        items, times = flat.view(np.uint32).copy(), np.empty(flat.size, np.uint32)
        found = native.kernels.count_singles(items, times)
        return items[:found].view(np.float32).astype(np.float64), times[:found].astype(np.float64)
    if weights is None:
        points, counts = np.unique(flat, return_counts=True)
        return points.astype(np.float64), counts.astype(np.float64)
    return _merged(flat.astype(np.float64), weights)


def _merged(points: Array, mass: Array) -> tuple[Array, Array]:
    """Ascending distinct points, with the masses of equal ones (such as -0.0 and 0.0) added up."""
    distinct, inverse = np.unique(points, return_inverse=True)
    return distinct, np.bincount(inverse.reshape(-1), mass, minlength=len(distinct))
