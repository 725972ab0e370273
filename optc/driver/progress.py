"""What a terminal shows of long work: a bar with what is left of it, or only that it goes on."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from optc.driver.verbosity import note, quiet, verbose

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from optc.ir.block import Program
    from optc.ir.interpreter import Watch
    from optc.ir.op import Op
    from optc.ir.value import Value
    from optc.pipeline.instrumentation import Instruments, PassRecord, Progress


@contextmanager
def working(what: str, shown: bool = True) -> "Iterator[Progress]":
    """Show on a terminal that `what` is going on, and how far it is once that is said; nothing in a pipe.

    It is not `shown` where the work itself prints what must not be broken into lines of the terminal's width.

    with working("comparing") as report:
        report("comparing", 3, 10)

    A verbose command says at the end how long it took.
    """
    start = time.perf_counter()
    if not shown or quiet() or not sys.stderr.isatty():
        yield _nobody_looks
    else:
        with _bar(what) as report:
            yield report
    note(f"{what}: {time.perf_counter() - start:.2f} s")


def _nobody_looks(what: str, done: float, total: float) -> None:
    """Progress that nobody waits for."""


@contextmanager
def _bar(what: str) -> "Iterator[Progress]":
    from rich import progress as of
    from rich.console import Console
    from rich.text import Text

    class Share(of.TaskProgressColumn):
        """How much is done, if it is known how much there is to do."""

        def render(self, task: of.Task) -> Text:
            return Text() if task.total is None else super().render(task)

    columns = (
        of.TextColumn("{task.description}", markup=False), of.BarColumn(), Share(),
        of.TimeElapsedColumn(), of.TextColumn("{task.fields[left]}"), of.TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    # The pace is that of all the work so far: weights are few and of all sizes, so that the last seconds say little.
    with of.Progress(*columns, console=console, transient=True, speed_estimate_period=86_400) as shown:
        yield _Bar(shown, what)


class _Bar:
    """One bar, which starts anew when something else is done, or when it becomes known how much there is to do."""

    def __init__(self, shown: "RichProgress", what: str) -> None:
        self.shown = shown
        self.state: tuple[str, float] = (what, 0)
        self.task: TaskID = self.add(what, 0)

    def add(self, what: str, total: float) -> "TaskID":
        from optc.driver.output import printable

        line = printable(what)
        short = line if len(line) <= _WIDEST else f"{line[: _WIDEST - 3]}..."
        return self.shown.add_task(short, total=total or None, left="left" if total else "")

    def __call__(self, what: str, done: float, total: float) -> None:
        if (what, total) != self.state:
            self.shown.remove_task(self.task)
            self.task, self.state = self.add(what, total), (what, total)
        self.shown.update(self.task, completed=done)


_WIDEST = 60
"""Characters of what is done that a bar shows: pipelines can be long."""


def watched(report: "Progress", **more: Any) -> "Instruments":
    """Instruments that show how far a pipeline is and, if the command is verbose, tell of each pass and remark."""
    from optc.pipeline.instrumentation import Instruments

    told: dict[str, Any] = {"on_pass": _note_pass, "on_remark": lambda r: note(str(r))} if verbose() else {}
    return Instruments(on_progress=report, **told, **more)


def _note_pass(record: "PassRecord") -> None:
    changed = "" if record.changed else ", nothing changed"
    note(f"pass {record.number}, {record.text}: {record.seconds * 1e3:.1f} ms{changed}")


def by_op(report: "Progress", what: str, program: "Program") -> "Watch":
    """A watch of the interpreter that says how many ops of the main function are done."""
    waiting = {id(op) for op in program.main.body.ops}
    total = len(waiting)

    def watch(op: "Op", value: "Value", array: Any) -> None:
        waiting.discard(id(op))
        report(what, total - len(waiting), total)

    return watch
