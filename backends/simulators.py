"""The catalog of simulators: what each unit's arithmetic does to values."""

from collections.abc import Callable, Mapping
from typing import Protocol

from backends.cost_table import Unit
from backends.cpu.simulator import CpuSimulator
from backends.gpu.simulator import GpuSimulator
from backends.npu.simulator import NpuSimulator
from optc.ir.dtypes import Array, DType


class Simulator(Protocol):
    """The arithmetic of a unit that computes in `dtype`.

    Ops compute by their reference semantics, in the program's types, so that sums are as wide as those: a product of
    float16 values is exact in float32, and is added up there. Around each op the unit's type shows: its operands are
    values of `dtype`, and its result becomes one, by one rounding. Which floats that concerns, and what else happens
    to values, is the simulator's; floats of fewer bits, integers and booleans stay what they are. Both methods give
    arrays of the element type and shape that they get; applied twice, they do what they do once.

    One thing is not simulated: a unit that multiplies integers rounds nothing between dequantizing and multiplying.
    """

    @property
    def dtype(self) -> DType:
        """The floats that the unit computes in."""

    def entering(self, array: Array) -> Array:
        """A value that is handed to the unit (an input, a weight), as the unit holds it."""

    def computed(self, array: Array) -> Array:
        """The result of an op, as the unit stores it."""


SIMULATORS: Mapping[str, Callable[[DType], Simulator]] = {"cpu": CpuSimulator, "gpu": GpuSimulator, "npu": NpuSimulator}
"""By unit; each makes the simulator for an element type."""


def simulators_of(units: Mapping[str, Unit]) -> dict[str, Simulator]:
    """A simulator for each unit of a device."""
    return {name: SIMULATORS[name](DType(unit.dtype)) for name, unit in units.items()}
