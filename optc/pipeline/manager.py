"""Runs a pipeline: verifies, times and shows each step, and saves what failed."""

from collections import Counter
from typing import Any

from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.pipeline.bundle import Failure, with_replay
from optc.pipeline.catalog import GROUP
from optc.pipeline.instrumentation import Instruments, Meter, Outcome, PassRecord
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.pipeline import Fixpoint, Pipeline, Step
from optc.pipeline.remarks import Ledger, Remark


def run_pipeline(pipeline: Pipeline, program: Program, instruments: Instruments | None = None) -> Outcome:
    """Run all steps on a program; the result, with the records of each pass, the remarks and the statistics.

        outcome = run_pipeline(Pipeline.parse("dead-code", catalog), program, Instruments(memory=True))
        outcome.program, outcome.records[0].seconds, outcome.ledger.to_json()

    Raises:
        UsageError: an option names what the program does not have, or `print_after` a pass that will not run.
        OptcError: the program is not valid before the first pass or after one; a pass refused it; or slug
            `pass-crashed`, an internal error. Where `instruments.bundles` is given, the message ends in the
            command that replays the failure.
    """
    return _Run(pipeline, instruments or Instruments()).run(program)


class _Run:
    """The state of one run of one pipeline."""

    def __init__(self, pipeline: Pipeline, instruments: Instruments) -> None:
        self.pipeline = pipeline
        self.instruments = instruments
        self.records: list[PassRecord] = []
        self.ledger = Ledger(instruments.on_remark)
        self.statistics: Counter[str] = Counter()
        self.stopped_before = ""
        self.originals: dict[str, Any] = {}

    def run(self, program: Program) -> Outcome:
        self.instruments.check_names({step.name for step in self.pipeline.passes()})
        if self.instruments.verify_each:
            self.instruments.verify(program)
        program = self.steps(self.pipeline.steps, program, ())
        return Outcome(program, tuple(self.records), self.ledger, self.statistics, self.stopped_before)

    def steps(self, steps: tuple[Step, ...], program: Program, after: tuple[Step, ...]) -> Program:
        """Run some steps; `after` are those that will follow them."""
        for index, step in enumerate(steps):
            if self.stopped_before:
                break
            rest = (*steps[index + 1 :], *after)
            if isinstance(step, Fixpoint):
                program = self.fixpoint(step, program, rest)
            else:
                program = self.step(step, program, rest)
        return program

    def fixpoint(self, group: Fixpoint, program: Program, after: tuple[Step, ...]) -> Program:
        for _ in range(group.max_rounds):
            before = program
            program = self.steps(group.steps, program, (group, *after))
            if program is before or self.stopped_before:
                return program
        # Nothing says that a further round would change nothing, so the ledger says that none was run.
        numbers = {"rounds": group.max_rounds}
        self.ledger.add(Remark(GROUP, str(group), "refused", "round-limit", kind="program", numbers=numbers))
        return program

    def step(self, running: Pass, before: Program, after: tuple[Step, ...]) -> Program:
        number = len(self.records) + 1
        if number - 1 == self.instruments.stop_after:
            self.stopped_before = str(running)
            return before
        meter = Meter(self.instruments.memory)
        try:
            program = self.checked(running, before, meter)
        except Exception as error:
            remaining = str(Pipeline((running, *after)))
            importance = self.instruments.importance
            failure = Failure(running.name, str(running), remaining, str(self.pipeline), number, before, importance)
            raise self.explained(failure, error) from error
        changed = program is not before
        record = PassRecord(number, running.name, str(running), meter.seconds, meter.peak_bytes, changed)
        self.records.append(record)
        if self.instruments.on_pass is not None:
            self.instruments.on_pass(record)
        if self.instruments.wants(running.name, changed):
            self.instruments.show(f"after pass {number}: {running}", program)
        return program

    def checked(self, running: Pass, before: Program, meter: Meter) -> Program:
        """Run one pass and verify what it returns."""
        verify = self.instruments.verify if self.instruments.verify_each else None
        report = self.instruments.on_progress
        report(str(running), 0, 0)
        cx = PassContext(
            running, self.ledger, self.statistics, verify, self.instruments.workers, self.instruments.importance,
            lambda done, total: report(str(running), done, total), self.originals,
        )  # fmt: skip
        with meter:
            program = running.run(before, cx)
        if not isinstance(program, Program):
            raise OptcError("pass-result", "run", "result", "a program", type(program).__name__)
        if verify is not None and program is not before:
            try:
                verify(program)
            except OptcError as error:
                raise error.at(f"program after it: {error.where}") from error
        return program

    def explained(self, failure: Failure, error: Exception) -> OptcError:
        """The error as the user sees it: which pass, what went wrong, and how to see it again."""
        where = f"pass {failure.number}, {failure.text}"
        if isinstance(error, UsageError):  # the command was wrong, no pass failed: there is nothing to replay
            return error.at(where if error.where == failure.name else f"{where}: {error.where}")
        if isinstance(error, OptcError):
            known, where = error, f"{where}: {error.where}"
        else:
            known = OptcError("pass-crashed", where, "run", "free of internal errors", _brief(error))
        return with_replay(known, where, self.save(failure, error))

    def save(self, failure: Failure, error: Exception) -> str:
        bundles = self.instruments.bundles
        if bundles is None:
            return ""
        try:
            return bundles.write(failure, error)
        except Exception as second:  # the first error is the one to tell; this one must not hide it
            return f"not possible, as no bundle could be written ({_brief(second)})"


def _brief(error: Exception) -> str:
    """One line for an exception of any kind."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
