"""What a unit's element type does to values: rounding, held in arrays of the program's own types."""

import numpy as np

from optc.ir.dtypes import Array, DType, dtype_of_numpy


def rounded(array: Array, dtype: DType) -> Array:
    """Floats of more bits than `dtype` rounded to it once, to nearest, ties to even; overflow gives infinity.

    The array keeps its element type, of which every value of `dtype` is one. Other arrays, and floats of as many bits
    or fewer, are given back as they are.
    """
    if not is_wider(array, dtype):
        return array
    with np.errstate(all="ignore"):
        return array.astype(dtype.numpy).astype(array.dtype)


def is_wider(array: Array, dtype: DType) -> bool:
    """Whether an array holds floats of more bits than `dtype` has."""
    kind = dtype_of_numpy(array.dtype)
    return kind.is_float and kind.bits > dtype.bits
