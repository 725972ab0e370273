"""What a graphics processor's arithmetic does to values."""

import attrs

from backends.rounding import rounded
from optc.ir.dtypes import Array, DType


@attrs.frozen
class GpuSimulator:
    """Matrix units and shaders of graphics processors.

    Weights and what passes between ops are of the unit's type, sums are float32: Core ML's default on Apple's
    (hollance/neural-engine, `docs/16-bit.md`), and the `.f32` accumulators of `mma` (NVIDIA, PTX ISA, matrix
    multiply-accumulate). So each op's result rounds once, when it is stored. Subnormal numbers are kept.

    Doubles round like all other floats: shaders have none (Apple, Metal Shading Language Specification, scalar data
    types), and the matrix units that the cost tables speak of take narrower ones.
    """

    dtype: DType

    def entering(self, array: Array) -> Array:
        """A value that is handed in, as the unit holds it."""
        return rounded(array, self.dtype)

    def computed(self, array: Array) -> Array:
        """The result of an op, as the unit stores it."""
        return rounded(array, self.dtype)
