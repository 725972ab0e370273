"""How far an approximation is from what it stands for. All sums are in float64, taken in slices."""

import math
from collections.abc import Iterator

import numpy as np

from optc.errors import OptcError
from optc.numerics.arrays import SLICE, Array


def sum_squared_error(reference: Array, approximation: Array) -> float:
    """Sum of squared differences; 0 for empty arrays.

    Equal infinities do not differ; a difference from or to another infinity is infinite, and NaN gives NaN.

    Raises:
        OptcError: the shapes differ.
    """
    return math.fsum(_square_sum(difference) for _, difference in _slices(reference, approximation))


def max_error(reference: Array, approximation: Array) -> float:
    """Largest absolute difference; 0 for empty arrays. Infinities and NaN are as in `sum_squared_error`.

    Raises:
        OptcError: the shapes differ.
    """
    worst = 0.0
    for _, difference in _slices(reference, approximation):
        worst = float(np.maximum(worst, np.abs(difference).max()))  # np.maximum keeps NaN, max() may lose it
    return worst


def snr_db(reference: Array, approximation: Array) -> float:
    """Signal-to-noise ratio in decibels: `10 log10(sum(reference**2) / sum_squared_error)`.

    Infinite if the arrays are equal (also if both are zero or empty); minus infinity if only the reference is
    zero, or the error is infinite; NaN if either has a NaN.

    Raises:
        OptcError: the shapes differ.
    """
    noise = sum_squared_error(reference, approximation)
    if noise == 0.0:
        return math.inf
    if math.isnan(noise):
        return math.nan
    signal = math.fsum(_square_sum(part) for part, _ in _slices(reference, approximation))
    if math.isinf(noise) or signal == 0.0:
        return -math.inf
    return math.inf if math.isinf(signal) else 10.0 * (math.log10(signal) - math.log10(noise))


def _slices(reference: Array, approximation: Array) -> Iterator[tuple[Array, Array]]:
    """Slices of the reference, and their differences from the approximation, both float64."""
    if reference.shape != approximation.shape:
        raise OptcError(
            "shape-mismatch",
            "distance",
            "approximation",
            f"of shape {list(reference.shape)}",
            list(approximation.shape),
        )
    flat, other = np.ravel(reference), np.ravel(approximation)
    for start in range(0, flat.size, SLICE):
        part = flat[start : start + SLICE].astype(np.float64)
        near = other[start : start + SLICE].astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            yield part, np.where(part == near, 0.0, part - near)


def _square_sum(part: Array) -> float:
    with np.errstate(over="ignore"):
        return float(np.square(part).sum())
