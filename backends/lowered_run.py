"""Running a lowered program: load, then predict, on the reference semantics."""

from collections.abc import Mapping
from typing import Any

from backends.lowering import LOAD_FUNCTION, PREDICT_FUNCTION
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.ir.interpreter import Cell, interpret


def run_lowered(
    program: Program, inputs: Mapping[str, Any], states: Mapping[str, Cell] | None = None
) -> dict[str, Array]:  # fmt: skip
    """Outputs by name of one prediction, after loading; `inputs` and `states` are those of the original program.

    Raises:
        OptcError: as `interpret` does, or slug `no-such-function` if the program is not lowered.
    """
    resident = interpret(program, {}, LOAD_FUNCTION)
    return interpret(program, {**resident, **inputs}, PREDICT_FUNCTION, states)
