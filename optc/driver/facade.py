"""What `import optc` offers, apart from the commands, plans (`planning`) and configuration files."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import attrs

from optc.driver.models import load, save
from optc.driver.plugins import catalog as known_passes
from optc.driver.weight_info import WeightInfo, weights
from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.ir.interpreter import Watch, interpret
from optc.ir.verifier import verify
from optc.pipeline import pipeline as core
from optc.pipeline.catalog import Catalog
from optc.pipeline.instrumentation import Instruments, Outcome
from optc.pipeline.manager import run_pipeline
from optc.pipeline.passes import Pass
from optc.pipeline.suggest import did_you_mean
from passes.compress.configuration import Configuration
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sizes import stored_bytes
from passes.compress.sparsify import Sparsify

__all__ = [
    "Configuration", "OptcError", "Palettize", "Pipeline", "Program", "Quantize", "Sparsify", "UsageError",
    "WeightInfo", "compress", "from_torch", "load", "parse", "run", "save", "stored_bytes", "weights",
]  # fmt: skip


def from_torch(
    module: Any,
    example_inputs: Sequence[Any] = (),
    *,
    dynamic_shapes: Any = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
) -> Program:
    """The verified program of a `torch.nn.Module` or a `torch.export.ExportedProgram`, by PyTorch's ONNX exporter.

    `example_inputs` are tensors to call the module with; `dynamic_shapes` says which of their sizes may differ, as for
    `torch.export.export`. Parameters keep their names. Needs the extra `optc[torch]`.

        program = optc.from_torch(module, (torch.zeros(1, 3, 224, 224),))

    Raises:
        OptcError: PyTorch is not installed, or cannot export the module.
    """
    from optc.formats.torch.reader import program_of_module

    program = program_of_module(
        module, example_inputs, dynamic_shapes=dynamic_shapes, input_names=input_names, output_names=output_names
    )  # fmt: skip
    verify(program)
    return program


ENGINES = ("reference", "onnxruntime")
PREPARE = "@cleanup"
"""What runs before compression, so that weights are what will be executed."""
FINISH = "dead-code"
"""What runs after it, so that the earlier forms of a weight that several passes compress are not stored."""


@attrs.frozen
class Pipeline(core.Pipeline):
    """Passes in order, which may be any of optc's by name."""

    @classmethod
    def parse(cls, text: str, catalog: Catalog | None = None, label: str = "pipeline") -> Self:
        """Read pipeline text such as `fold-constants,palettize{bits=4},dead-code`.

        The passes are by default those of optc, and those of plug-ins.

        Raises:
            UsageError: the text is wrong; with the place in it.
        """
        return cls(core.Pipeline.parse(text, catalog or known_passes(), label).steps)


def parse(text: str) -> Program:
    """The program that a text says: `parse(str(program)) == program`.

    Raises:
        OptcError: the text is wrong; with line and column.
    """
    from backends.lowered_ops import CATALOG
    from optc.ir.parser import parse_program

    return parse_program(text, CATALOG)


def compress(program: Program, *passes: Pass | Configuration, importance: Mapping[str, Array] | None = None) -> Program:
    """The program cleaned up, and compressed by the given passes and configurations in order.

    `importance` says by the name of a weight how much the squared error of each of its elements counts: arrays of the
    weight's shape, or such as broadcast to it, of finite numbers that are not negative.

    Raises:
        UsageError: importance is given for a weight that the program does not have (`no-such-weight`).
        OptcError: a pass refuses the program.
    """
    return compress_with_remarks(program, *passes, instruments=Instruments(importance=importance or {})).program


def compress_with_remarks(
    program: Program, *passes: Pass | Configuration, instruments: Instruments | None = None
) -> Outcome:
    """As `compress`, with the remarks, times and statistics."""
    return run_pipeline(with_cleanup(*passes), program, instruments)


def cleaned(program: Program) -> Program:
    """The program after the passes that `compress` runs first: what its result is to be compared with."""
    return Pipeline.parse(PREPARE).run(program)


def with_cleanup(*passes: Pass | Configuration) -> Pipeline:
    """The pipeline that `compress` runs: the cleanup passes, these, and the removal of what they replaced."""
    for given in passes:
        if not isinstance(given, Pass | Configuration):
            hint = "for example optc.Palettize(bits=4)"
            raise UsageError("not-a-pass", "compress", "each scheme", "a pass or a Configuration", repr(given), hint)
    steps = (step for given in passes for step in (given.passes() if isinstance(given, Configuration) else (given,)))
    return Pipeline((*Pipeline.parse(PREPARE).steps, *steps, *Pipeline.parse(FINISH).steps))


def check_engine(engine: str) -> None:
    """Check the name of an engine.

    Raises:
        UsageError: slug `no-such-engine`.
    """
    if engine not in ENGINES:
        hint = did_you_mean(engine, ENGINES)
        raise UsageError("no-such-engine", "run", "engine", " or ".join(ENGINES), engine, hint)


def run(
    program: Program, inputs: Mapping[str, Any], engine: str = "reference", watch: Watch | None = None
) -> dict[str, Array]:
    """Outputs by name, computed by the reference interpreter, every result of which `watch` sees, or by `onnxruntime`.

    A lowered program is loaded, then predicts; `inputs` are those of the original one.

    Raises:
        UsageError: there is no such engine, or it is not installed.
        OptcError: an input is missing or of a wrong type, or the engine cannot run the program.
    """
    check_engine(engine)
    if engine == "reference":
        from backends.lowered_ops import is_lowered
        from backends.lowered_run import run_lowered

        return run_lowered(program, inputs) if is_lowered(program) else interpret(program, inputs, watch=watch)
    from optc.formats.onnx.runtime import Session

    return Session(program).run(inputs)
