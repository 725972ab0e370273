"""Running a program in tests: all outputs, from seeded inputs."""

from typing import Any

from optc.ir.block import Program
from optc.ir.interpreter import Cell, interpret
from optc.testing.programs import random_inputs


def outputs_of(program: Program, seed: int) -> dict[str, Any]:
    """Outputs of the main function by name, with the final contents of states under `state NAME`."""
    given = random_inputs(program, seed)
    cells = {name: value for name, value in given.items() if isinstance(value, Cell)}
    arrays = {name: value for name, value in given.items() if name not in cells}
    outputs: dict[str, Any] = interpret(program, arrays, states=cells)
    return {**outputs, **{f"state {name}": cell.array for name, cell in cells.items()}}
