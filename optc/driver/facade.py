"""What `import optc` offers, apart from the commands."""

from collections.abc import Mapping
from typing import Any, Self

import attrs

from backends.cost_table import load_device
from backends.plan import Plan, make_plan
from optc.driver.models import load, save
from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.ir.interpreter import interpret
from optc.ops.catalog import CATALOG as OPS
from optc.pipeline import pipeline as core
from optc.pipeline.catalog import Catalog
from optc.pipeline.instrumentation import Instruments, Outcome
from optc.pipeline.manager import run_pipeline
from optc.pipeline.passes import Pass
from passes.catalog import CATALOG
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize

__all__ = [
    "OptcError", "Palettize", "Pipeline", "Plan", "Program", "Quantize", "UsageError", "compress", "load", "parse",
    "plan", "run", "save",
]  # fmt: skip

PREPARE = "@cleanup"
"""What runs before compression, so that weights are what will be executed."""


@attrs.frozen
class Pipeline(core.Pipeline):
    """Passes in order, which may be any of optc's by name."""

    @classmethod
    def parse(cls, text: str, catalog: Catalog = CATALOG, label: str = "pipeline") -> Self:
        """Read pipeline text such as `fold-constants,palettize{bits=4},dead-code`.

        Raises:
            UsageError: the text is wrong; with the place in it.
        """
        return cls(core.Pipeline.parse(text, catalog, label).steps)


def parse(text: str) -> Program:
    """The program that a text says: `parse(str(program)) == program`.

    Raises:
        OptcError: the text is wrong; with line and column.
    """
    from optc.ir.parser import parse_program

    return parse_program(text, OPS)


def compress(program: Program, *passes: Pass) -> Program:
    """The program cleaned up, and compressed by the given passes in order.

    Raises:
        OptcError: a pass refuses the program.
    """
    return compress_with_remarks(program, *passes).program


def compress_with_remarks(program: Program, *passes: Pass, instruments: Instruments | None = None) -> Outcome:
    """As `compress`, with the remarks, times and statistics."""
    return run_pipeline(Pipeline((*Pipeline.parse(PREPARE).steps, *passes)), program, instruments)


def plan(program: Program, device: str, unit: str = "npu", pins: Mapping[str, str] | None = None) -> Plan:
    """Decide for each weight whether it is expanded at load or at prediction, on a unit of a device.

    Raises:
        UsageError: there is no such device, unit, or pinned weight.
    """
    return make_plan(program, load_device(device), unit, pins)


def run(program: Program, inputs: Mapping[str, Any], engine: str = "reference") -> dict[str, Array]:
    """Outputs by name, computed by the reference interpreter.

    Raises:
        UsageError: there is no such engine.
        OptcError: an input is missing or of a wrong type, or an op cannot be interpreted.
    """
    if engine != "reference":
        raise UsageError("no-such-engine", "run", "engine", "reference", engine)
    return interpret(program, inputs)
