"""Programs as text, and what a pass must make of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from optc.ir.block import Program
from optc.ir.interpreter import interpret
from optc.ir.parser import parse_program
from optc.ir.verifier import verify
from optc.ops.catalog import CATALOG
from optc.pipeline.passes import Pass, PassContext
from optc.testing.equivalence import assert_equivalent
from passes.cleanup.dead_code import DeadCode


def program(text: str) -> Program:
    """The program of a text, verified."""
    made = parse_program(text, CATALOG)
    verify(made, CATALOG)
    return made


def main(params: str, lines: str, *results: str) -> Program:
    """The program of one function with these lines, whose results are given like `%y: f32[2]`."""
    outputs = ", ".join(f"out{i}{result[result.index(':') :]}" for i, result in enumerate(results))
    returned = ", ".join(result[: result.index(":")] for result in results)
    return program(f"func @main({params}) -> ({outputs}) {{\n{lines}\nreturn {returned}\n}}")


def run(running: Pass, before: Program, cx: PassContext | None = None, clean: bool = False) -> Program:
    """The program after a pass, valid, equal bit for bit, and not changed by a second run; `clean` drops dead code."""
    after = running.run(before, cx or PassContext(running))
    verify(after, CATALOG)
    assert_equivalent(before, after)
    assert running.run(after, PassContext(running)) is after
    if clean:
        after = DeadCode().run(after, PassContext())
        verify(after, CATALOG)
    return after


def names(made: Program) -> list[str]:
    """Names of the ops, nested ones before their holder."""
    return [op.name for op in made.walk()]


def bits(made: Program, *arrays: Any) -> list[tuple[str, tuple[int, ...], bytes]]:
    """Outputs of a run on these inputs in order: dtype, shape and bytes; every NaN is the same NaN."""
    outputs = interpret(made, dict(zip(made.main.input_names, arrays, strict=True)))
    return [(str(a.dtype), a.shape, _one_nan(a).tobytes()) for a in outputs.values()]


def _one_nan(array: Any) -> Any:
    return (
        np.where(array != array, np.full((), np.nan).astype(array.dtype), array) if array.dtype.kind in "fV" else array
    )


def f32(*values: float | Sequence[float]) -> Any:
    return np.array(values, np.float32)
