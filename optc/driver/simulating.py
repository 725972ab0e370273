"""Simulations: what `optc.simulate` offers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from backends.simulation import Simulation
from backends.simulation import simulate as simulate_plan
from backends.sizes import Sizes
from optc.driver.comparison import Difference, difference
from optc.driver.planning import plan
from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.dims import SymDim
from optc.ir.dtypes import Array, DType
from optc.ir.interpreter import interpret
from optc.ir.types import TensorType

__all__ = ["Simulation", "simulate"]


def simulate(
    program: Program,
    device: str,
    inputs: Mapping[str, Any] | None = None,
    units: str = "all",
    *,
    precision: str = "unit",
    pins: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Simulation:
    """Simulate one load and one prediction of a program on a device: outputs, if `inputs` are given, and times.

    `device`, `units`, `pins` and `sizes` are as for `plan`; sizes that `inputs` settle need not be given. Outputs are
    computed at the precision of the units, or with `precision="reference"` as `run` computes them, bit for bit but for
    batch norms that are folded where a program has symbolic dimensions (`optc.driver.sized`).

        optc.simulate(program, "iphone14pro", {"x": array}).outputs["y"]

    Raises:
        UsageError: as `plan` does; there is no such precision; a size is not that of an input.
        OptcError: an input is missing or of a wrong type, or an op cannot be computed.
    """
    known = agreed_sizes(program, inputs or {}, sizes or {}, "simulate")
    return simulate_plan(plan(program, device, units, pins, known), inputs, precision)


def agreed_sizes(program: Program, inputs: Mapping[str, Any], sizes: Mapping[str, int], where: str) -> dict[str, int]:
    """The sizes of symbolic dimensions, as inputs have them and as they are given; `where` is who asks.

    Raises:
        UsageError: slug `size-conflict`: an input has a dimension of another size than the one given.
    """
    settled = sizes_of_inputs(program, inputs)
    for name, size in sizes.items():
        if settled.get(name, size) != size:
            hint = "leave it out, or give an input of that size"
            expected = f"{settled[name]}, as the inputs have it"
            raise UsageError("size-conflict", where, f"size of dimension {name}", expected, size, hint)
    return {**settled, **sizes}


def sizes_of_inputs(program: Program, inputs: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of symbolic dimensions by name, where an input has a dimension that is a name and nothing more."""
    found: dict[str, int] = {}
    for name, kind in program.main.inputs.items():
        if name in inputs and isinstance(kind, TensorType):
            for dim, size in zip(kind.shape, np.shape(inputs[name]), strict=False):
                if isinstance(dim, SymDim) and not dim.is_unknown and dim == SymDim.named(str(dim)):
                    found.setdefault(str(dim), size)
    return found


def made_up_inputs(program: Program, seed: int, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Arrays for all inputs but states: floats are normally distributed, everything else is 1.

    Symbolic dimensions are of the given sizes, or 1. The same seed gives the same arrays.

    Raises:
        OptcError: slug `text-input`: an input is text.
    """
    rng = np.random.default_rng(seed)
    known = Sizes(sizes)
    made: dict[str, Array] = {}
    for name, kind in program.main.inputs.items():
        if not isinstance(kind, TensorType):
            continue
        if kind.dtype is DType.STR:
            hint = f"give it: --input {name}=FILE.npy"
            raise OptcError("text-input", "inputs", f"input {name}", "of numbers to be made up", kind, hint)
        shape = [known.of(dim) for dim in kind.shape]
        drawn = rng.standard_normal(shape) if kind.dtype.is_float else np.ones(shape)
        made[name] = drawn.astype(kind.dtype.numpy)
    return made


def differences(program: Program, inputs: Mapping[str, Any], outputs: Mapping[str, Array]) -> list[Difference]:
    """How outputs differ from those of the reference interpreter.

    Raises:
        OptcError: as the interpreter does.
    """
    return [difference(name, array, outputs[name]) for name, array in interpret(program, inputs).items()]
