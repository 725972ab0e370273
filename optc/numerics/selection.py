"""Which number is the k-th least, of more numbers than there is room for copies of.

The bits of floats that are not negative are in the order of the floats. So the number is found sixteen bits at a time,
from the highest: each pass counts how often each value of these bits occurs, among the numbers whose higher bits are
those found so far (a radix selection, Knuth, The Art of Computer Programming, volume 3, 5.2.5).
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from optc.numerics import native
from optc.numerics.arrays import Array

_DIGIT = 16
_VALUES = 1 << _DIGIT


def kth_least(parts: Callable[[], Iterable[Array]], k: int) -> tuple[Any, int]:
    """The k-th least of all numbers (`k` from 1), and how many are less than it.

    Args:
        parts: gives the numbers anew each time, in flat arrays of one float dtype of 2, 4 or 8 bytes; none is
            negative (nor a negative zero) or NaN. They are gone through once for every two bytes.
        k: at most as many as there are numbers.
    """
    dtype, found, below = np.dtype(np.float64), 0, 0
    shift = first = _shift(parts)
    while shift >= 0:
        counts = np.zeros(_VALUES, np.int64)
        for part in parts():
            dtype = part.dtype
            codes = part.view(f"u{dtype.itemsize}")
            if shift < first:
                codes = codes[(codes >> (shift + _DIGIT)) == found]
            counts += _counts((codes >> shift & (_VALUES - 1)).astype(np.uint16) if shift or first else codes)
        totals = np.cumsum(counts)
        digit = int(np.searchsorted(totals, k - below))
        below += int(totals[digit] - counts[digit])
        found = found << _DIGIT | digit
        shift -= _DIGIT
    return np.array(found, f"u{dtype.itemsize}").view(dtype)[()], below


def _counts(digits: Array) -> Array:
    """How often each of the values of a digit occurs."""
    if native.kernels is None:
        return np.bincount(digits, minlength=_VALUES)
    counts, present, times = np.zeros(_VALUES, np.int64), np.empty(_VALUES, np.uint16), np.empty(_VALUES, np.int64)
    found = native.kernels.count_codes(np.ascontiguousarray(digits), present, times)
    counts[present[:found]] = times[:found]
    return counts


def _shift(parts: Callable[[], Iterable[Array]]) -> int:
    """Where the highest sixteen bits are."""
    return next((8 * part.dtype.itemsize for part in parts()), _DIGIT) - _DIGIT
