"""What goes along with a run of a pipeline, what to watch, and what was seen."""

import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import attrs

from optc.errors import UsageError
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.pipeline.bundle import Bundles
from optc.pipeline.remarks import Ledger, Remark
from optc.pipeline.suggest import did_you_mean

Show = Callable[[str, Program], None]
"""Is given a title such as `after pass 3: dead-code` and the program at that point."""
Progress = Callable[[str, float, float], None]
"""Is told what is being done, how much of it is done and how much there is in all; 0 in all: nobody knows.

Threads call it, but only one of them at a time.
"""


def _verify(program: Program) -> None:
    from optc.ir.verifier import verify

    verify(program)


def _show_nothing(title: str, program: Program) -> None:
    """The default of `Instruments.show`: nobody looks."""


def ignore_progress(what: str, done: float, total: float) -> None:
    """The default of `Instruments.on_progress`: nobody waits."""


@attrs.frozen(kw_only=True)
class Instruments:
    """What to watch while a pipeline runs; everything here is off but the verifier.

        Instruments(print_after="changed", show=lambda title, program: ..., stop_after=7)

    Raises:
        UsageError: slug `stop-after-range`, if `stop_after` is negative.
    """

    verify_each: bool = True
    """Verify the program that comes in and each one that a pass changed."""
    verify: Callable[[Program], None] = _verify
    print_after: str = ""
    """`all`, `changed` or the name of a pass: `show` gets the program after each such pass."""
    show: Show = _show_nothing
    memory: bool = False
    """Measure the peak of allocated memory of each pass (with `tracemalloc`, which slows everything down)."""
    workers: int = 1
    """Threads of a pass that works weight by weight. Results do not depend on it."""
    importance: Mapping[str, Array] = attrs.field(factory=dict, eq=False)
    """How much the squared error of each element of a weight counts, by the weight's name; see `PassContext`."""
    stop_after: int | None = None
    """Run this many passes and no more (in a group each round counts): halve it to find the pass that errs."""
    bundles: Bundles | None = None
    """Where and how to save what is needed to replay a failure."""
    on_progress: Progress = ignore_progress
    """Hears of each pass when it starts, and then how far it is, where it knows that."""
    on_remark: Callable[[Remark], None] | None = None
    """Hears of each remark as it is made."""
    on_pass: "Callable[[PassRecord], None] | None" = None
    """Hears of each run of a pass when it is over."""

    def __attrs_post_init__(self) -> None:
        if self.stop_after is not None and self.stop_after < 0:
            raise UsageError("stop-after-range", "pipeline", "stop-after", "at least 0", self.stop_after)

    def check_names(self, passes: set[str]) -> None:
        """Check that `print_after` names a pass that will run.

        Raises:
            UsageError: slug `print-after`.
        """
        known = {"all", "changed", *passes}
        if self.print_after and self.print_after not in known:
            expected = "all, changed or a pass of the pipeline"
            hint = did_you_mean(self.print_after, known)
            raise UsageError("print-after", "pipeline", "print-after", expected, self.print_after, hint)

    def wants(self, name: str, changed: bool) -> bool:
        """Whether to show the program after this run of a pass."""
        return self.print_after in ("all", name) or (self.print_after == "changed" and changed)


@attrs.frozen
class PassRecord:
    """One run of one pass: its place in the order of runs from 1, its text, seconds of wall time, peak bytes above
    those at its start (None if not measured), and whether it returned another program."""

    number: int
    name: str
    text: str
    seconds: float
    peak_bytes: int | None
    changed: bool


@attrs.frozen
class Outcome:
    """What a run of a pipeline gives. `stopped_before` is the text of the pass that `stop_after` kept from running."""

    program: Program
    records: tuple[PassRecord, ...]
    ledger: Ledger
    statistics: "Counter[str]" = attrs.field(eq=False)
    stopped_before: str = ""

    def to_json(self) -> dict[str, Any]:
        """Times (in milliseconds), peaks of memory (in bytes) and statistics as plain data."""
        return {
            "passes": [
                {"number": r.number, "pass": r.name, "text": r.text, "ms": r.seconds * 1e3, "peak_bytes": r.peak_bytes,
                 "changed": r.changed} for r in self.records
            ],
            "statistics": dict(sorted(self.statistics.items())),
            "stopped_before": self.stopped_before,
        }  # fmt: skip


class Meter:
    """Measures what a `with` block takes: `seconds`, and `peak_bytes` if `memory` is asked for."""

    def __init__(self, memory: bool) -> None:
        self.memory = memory
        self.seconds = 0.0
        self.peak_bytes: int | None = None

    def __enter__(self) -> Self:
        self._own = self.memory and not tracemalloc.is_tracing()
        if self._own:
            tracemalloc.start()
        if self.memory:
            tracemalloc.reset_peak()
            self._held = tracemalloc.get_traced_memory()[0]
        self._start = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._start
        if self.memory:
            self.peak_bytes = max(0, tracemalloc.get_traced_memory()[1] - self._held)
        if self._own:
            tracemalloc.stop()
