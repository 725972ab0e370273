"""Pipelines: passes in order, and groups that are repeated until nothing changes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import attrs

from optc.ir.block import Program
from optc.pipeline.catalog import GROUP, Catalog
from optc.pipeline.options import Option, show
from optc.pipeline.passes import Pass
from optc.pipeline.text import Source

if TYPE_CHECKING:
    from optc.pipeline.instrumentation import Instruments

MAX_ROUNDS = Option("max", "int", 10, minimum=1, maximum=1000, help="rounds at most")


def _flat(steps: Any) -> "tuple[Step, ...]":
    """Steps in a tuple; a pipeline among them stands for its steps."""
    out: list[Step] = []
    for step in steps:
        out.extend(step.steps if isinstance(step, Pipeline) else (step,))
    return tuple(out)


def _text(steps: "tuple[Step, ...]") -> str:
    return ",".join(map(str, steps))


@attrs.frozen
class Fixpoint:
    """Steps that are repeated until a round changes nothing, or `max_rounds` are done.

        str(Fixpoint((CommonSubexpressions(), DeadCode()), max_rounds=5))
        # 'fixpoint{max=5}(common-subexpressions,dead-code)'

    Raises:
        UsageError: slugs `option-kind`, `option-range`, if `max_rounds` is not from 1 to 1000.
    """

    steps: "tuple[Step, ...]" = attrs.field(converter=_flat)
    max_rounds: int = 10

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "max_rounds", MAX_ROUNDS.check(self.max_rounds, GROUP))

    def __str__(self) -> str:
        options = "" if self.max_rounds == MAX_ROUNDS.default else f"{{{MAX_ROUNDS.name}={show(self.max_rounds)}}}"
        return f"{GROUP}{options}({_text(self.steps)})"


Step = Pass | Fixpoint


@attrs.frozen
class Pipeline:
    """Passes in order. Its text form is a fixed point: `str(Pipeline.parse(str(p), catalog)) == str(p)`.

    pipeline = Pipeline.parse("fold-constants,palettize{bits=4},dead-code", catalog)
    smaller = pipeline.run(program)
    """

    steps: tuple[Step, ...] = attrs.field(default=(), converter=_flat)

    @classmethod
    def parse(cls, text: str, catalog: Catalog, label: str = "pipeline") -> Self:
        """Read pipeline text (see `optc.pipeline.text`); presets stand for their steps.

        Raises:
            UsageError: the text is wrong, or names what the catalog does not have; with place and excerpt.
        """
        from optc.pipeline.resolve import resolve_steps

        return cls(resolve_steps(Source(text, label), catalog))

    def run(self, program: Program, instruments: "Instruments | None" = None) -> Program:
        """The program after all steps; verified after each pass unless the instruments say otherwise.

        `optc.pipeline.manager.run_pipeline` gives the remarks, times and statistics too.

        Raises:
            OptcError: a pass refused the program, failed, or left a program that is not valid.
        """
        from optc.pipeline.manager import run_pipeline

        return run_pipeline(self, program, instruments).program

    def passes(self) -> Iterator[Pass]:
        """Every pass, those in groups once."""
        return _passes(self.steps)

    def __str__(self) -> str:
        return _text(self.steps)


def _passes(steps: tuple[Step, ...]) -> Iterator[Pass]:
    for step in steps:
        if isinstance(step, Fixpoint):
            yield from _passes(step.steps)
        else:
            yield step
