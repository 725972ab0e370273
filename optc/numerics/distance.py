"""How far an approximation is from what it stands for. All sums are in float64, taken in slices."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import ml_dtypes
import numpy as np

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.arrays import SLICE, Array


class Distance(NamedTuple):
    """What one pass over two arrays tells.

    Attributes:
        noise: sum of squared differences.
        signal: sum of squares of the reference.
        largest: largest absolute difference.
    """

    noise: float
    signal: float
    largest: float

    @property
    def snr_db(self) -> float:
        """See the function `snr_db`."""
        if self.noise == 0.0:
            return math.inf
        if math.isnan(self.noise):
            return math.nan
        if math.isinf(self.noise) or self.signal == 0.0:
            return -math.inf
        return math.inf if math.isinf(self.signal) else 10.0 * (math.log10(self.signal) - math.log10(self.noise))


def distance(reference: Array, approximation: Array) -> Distance:
    """How far an approximation is from its reference; nothing for empty arrays.

    Equal infinities do not differ; a difference from or to another infinity is infinite, and NaN gives NaN.

    Raises:
        OptcError: the shapes differ.
    """
    if reference.shape != approximation.shape:
        raise OptcError(
            "shape-mismatch",
            "distance",
            "approximation",
            f"of shape {list(reference.shape)}",
            list(approximation.shape),
        )
    return distance_of_parts([(reference, approximation)])


def distance_of_parts(parts: Iterable[tuple[Array, Array]]) -> Distance:
    """`distance` of arrays that come in parts: pairs of the same shape, each a part of the reference first."""
    noise: list[float] = []
    signal: list[float] = []
    largest = 0.0
    for reference, approximation in parts:
        flat, other = np.ravel(reference), np.ravel(approximation)
        for start in range(0, flat.size, SLICE):
            sums = _of_slice(flat[start : start + SLICE], other[start : start + SLICE])
            noise += sums[0].tolist()
            signal += sums[1].tolist()
            largest = float(np.maximum(largest, sums[2].max()))  # np.maximum keeps NaN, max() may lose it
    return Distance(_sum(noise), _sum(signal), largest)


_LANES = 64
_KINDS = {
    np.dtype(np.float16): 2,
    np.dtype(ml_dtypes.bfloat16): 3,
    np.dtype(np.float32): 4,
    np.dtype(np.float64): 8,
}


def _of_slice(part: Array, other: Array) -> Array:
    """Sums of squared differences and of squares, and largest differences: `float64[3, 64]`.

    Element `i` counts in column `i % 64`, one after another, so that compiled or not the sums have the same bits.
    """
    sums = np.zeros((3, _LANES))
    kernels, kind = native.kernels, _KINDS.get(part.dtype)
    if kernels is not None and kind is not None and part.dtype == other.dtype:
        words = (np.ascontiguousarray(array).view(np.uint16) if kind < 4 else array for array in (part, other))
        if kernels.apart(kind, *words, *sums):
            return sums
    with np.errstate(invalid="ignore", over="ignore"):
        exact = part.astype(np.float64)
        apart = exact - other.astype(np.float64)
        apart[exact == other] = 0.0  # infinities
        sums[0] = _rows(np.square(apart)).sum(axis=0)
        sums[1] = _rows(np.square(exact)).sum(axis=0)
        sums[2] = _rows(np.abs(apart)).max(axis=0, initial=0.0)
    return sums


def _rows(squares: Array) -> Array:
    return np.pad(squares, (0, -squares.size % _LANES)).reshape(-1, _LANES)


def _sum(parts: list[float]) -> float:
    return math.fsum(parts) if all(map(math.isfinite, parts)) else float(np.sum(parts))


def sum_squared_error(reference: Array, approximation: Array) -> float:
    """Sum of squared differences, see `distance`."""
    return distance(reference, approximation).noise


def max_error(reference: Array, approximation: Array) -> float:
    """Largest absolute difference, see `distance`."""
    return distance(reference, approximation).largest


def snr_db(reference: Array, approximation: Array) -> float:
    """Signal-to-noise ratio in decibels: `10 log10(sum(reference**2) / sum_squared_error)`.

    Infinite if the arrays are equal (also if both are zero or empty); minus infinity if only the reference is
    zero, or the error is infinite; NaN if either has a NaN.

    Raises:
        OptcError: the shapes differ.
    """
    return distance(reference, approximation).snr_db
