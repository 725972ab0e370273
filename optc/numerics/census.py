"""How many elements of an array are zero, and how many distinct values it has."""

import numpy as np

from optc.numerics.arrays import SLICE, Array


def sparsity(array: Array) -> float:
    """The fraction of elements that are zero (of either sign); 0 for an empty array."""
    flat = array.reshape(-1)
    zeros = sum(int(np.count_nonzero(flat[start : start + SLICE] == 0)) for start in range(0, flat.size, SLICE))
    return zeros / flat.size if flat.size else 0.0


def distinct(array: Array) -> int:
    """The number of distinct values; zeros of both signs are one value, and so are all NaNs."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.itemsize > 2:
        return int(np.unique(flat).size)
    codes = flat.view(np.uint8 if flat.dtype.itemsize == 1 else np.uint16)
    used = np.zeros(1 << 8 * codes.itemsize, np.bool_)
    used[codes] = True
    values = np.flatnonzero(used).astype(codes.dtype).view(flat.dtype)
    return int(np.unique(values.astype(np.float64)).size)
