"""What a neural accelerator's arithmetic does to values: what was measured of Apple's."""

import attrs
import numpy as np

from backends.rounding import rounded
from optc.ir.dtypes import Array, DType, dtype_of_numpy


@attrs.frozen
class NpuSimulator:
    """A float16 datapath with a wide accumulator, as ane-guide (arXiv 2606.22283), chapter 3, measured on M1.

    Operands round to float16 on the way in and results on the way out, half to even; sums between are of float32's
    kind. What is past 65504 becomes infinity. Weights of all schemes are float16 when they are multiplied. No NaN is
    ever seen: one that is handed in is taken for infinity, and what makes none of real numbers (infinity less
    infinity, a root of -1) gives 0.

    Known and not simulated: sums in tiles of four lanes, tables of activation functions (half a unit in the last
    place), and, on M1 but not on M5, subnormal operands of products taken for 0. An older account says that sums are
    float16 (hollance/neural-engine, `docs/16-bit.md`); the measurement is later.
    """

    dtype: DType

    def entering(self, array: Array) -> Array:
        """A value that is handed in, as the unit holds it."""
        return _without_nan(rounded(array, self.dtype), np.inf)

    def computed(self, array: Array) -> Array:
        """The result of an op, as the unit stores it."""
        return _without_nan(rounded(array, self.dtype), 0.0)


def _without_nan(array: Array, instead: float) -> Array:
    kind = dtype_of_numpy(array.dtype)
    if not kind.is_float or kind.bits < 16 or not (missing := np.isnan(array)).any():
        return array
    return np.asarray(np.where(missing, array.dtype.type(instead), array))
