"""What a processor's arithmetic does to values."""

import attrs
import numpy as np

from backends.rounding import is_wider, rounded
from optc.ir.dtypes import Array, DType, dtype_of_numpy


@attrs.frozen
class CpuSimulator:
    """Vector units of processors.

    Sums are at least float32: VDPBF16PS and TDPBF16PS multiply bfloat16 pairs and add in float32 (Intel, Instruction
    Set Extensions Reference); BFMMLA does the same (Arm Architecture Reference Manual). Core ML computes in float32 on
    processors, and in float16 where the model asks for it (hollance/neural-engine, `docs/16-bit.md`). So each op's
    result rounds once, when it is stored.

    Doubles are computed as such: every processor has them. Storing bfloat16 makes subnormal numbers zero, with their
    sign: VCVTNEPS2BF16 rounds to nearest even and flushes, whatever the control register says (felixcloutier.com/x86).
    """

    dtype: DType

    def entering(self, array: Array) -> Array:
        """A value that is handed in, as the unit holds it."""
        return self.computed(array)

    def computed(self, array: Array) -> Array:
        """The result of an op, as the unit stores it."""
        if dtype_of_numpy(array.dtype) is DType.F64 or not is_wider(array, self.dtype):
            return array
        stored = rounded(array, self.dtype)
        return _flushed(stored) if self.dtype is DType.BF16 else stored


def _flushed(array: Array) -> Array:
    tiny = np.finfo(np.float32).tiny  # bfloat16 has the exponents of float32
    return np.asarray(np.where(np.abs(array) < tiny, np.copysign(array.dtype.type(0), array), array))
