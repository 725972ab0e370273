"""How far an approximation is from what it stands for. All sums are in float64, taken in slices."""

import math
from typing import NamedTuple

import numpy as np

from optc.errors import OptcError
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
    flat, other = np.ravel(reference), np.ravel(approximation)
    noise, signal, largest = [], [], 0.0
    for start in range(0, flat.size, SLICE):
        part = flat[start : start + SLICE].astype(np.float64)
        difference = other[start : start + SLICE].astype(np.float64)
        finite = np.isfinite(part).all()
        with np.errstate(invalid="ignore", over="ignore"):
            if finite:
                np.subtract(part, difference, out=difference)
            else:
                difference = np.where(part == difference, 0.0, part - difference)
            signal.append(float(np.square(part, out=part).sum()))
            np.abs(difference, out=difference)
            largest = float(np.maximum(largest, difference.max()))  # np.maximum keeps NaN, max() may lose it
            noise.append(float(np.square(difference, out=difference).sum()))
    return Distance(_sum(noise), _sum(signal), largest)


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
