"""Running pipelines: order, change, groups, and what the instruments see."""

import tracemalloc
from typing import Any, ClassVar

import attrs
import pytest

from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.pipeline.instrumentation import Instruments, Meter, Outcome
from optc.pipeline.manager import run_pipeline
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.pipeline import Fixpoint, Pipeline
from tests.unit.pipeline.toys import CATALOG, Fail, Keep, Shorten, chain, length_of


def run(text: str, length: int = 5, **instruments: Any) -> Outcome:
    instruments.setdefault("verify", lambda program: None)
    return run_pipeline(Pipeline.parse(text, CATALOG), chain(length), Instruments(**instruments))


def test_steps_run_in_order_and_changes_are_seen_by_identity() -> None:
    outcome = run("keep,shorten{by=2},keep,shorten{down_to=3}")
    assert [(r.number, r.text, r.changed) for r in outcome.records] == [
        (1, "keep", False),
        (2, "shorten{by=2}", True),
        (3, "keep", False),
        (4, "shorten{down_to=3}", False),
    ]
    assert length_of(outcome.program) == 3


def test_a_pipeline_that_changes_nothing_returns_the_same_program() -> None:
    program = chain(2)
    pipeline = Pipeline((Keep(), Fixpoint((Keep(), Shorten(down_to=2)))))
    assert pipeline.run(program, Instruments(verify=lambda program: None)) is program


def test_a_group_ends_with_the_round_that_changes_nothing() -> None:
    outcome = run("fixpoint(keep,shorten{by=2})", 5)
    assert length_of(outcome.program) == 0
    assert [r.changed for r in outcome.records if r.name == "shorten"] == [True, True, True, False]
    assert outcome.statistics == {"keep.runs": 4}


def test_a_group_that_reaches_its_limit_says_so() -> None:
    outcome = run("fixpoint{max=2}(shorten)", 5)
    assert length_of(outcome.program) == 3
    *_, last = outcome.ledger
    assert str(last) == ("fixpoint: program fixpoint{max=2}(shorten): refused, round-limit (rounds 2)")


def test_remarks_of_all_passes_are_in_one_ledger_in_order() -> None:
    outcome = run("shorten{down_to=4},shorten{down_to=4}")
    assert [(r.pass_name, r.reason, r.numbers) for r in outcome.ledger] == [
        ("shorten", "shortened", (("ops", 4),)),
        ("shorten", "short-enough", (("ops", 4),)),
    ]


@pytest.mark.parametrize("count", range(9))
def test_stop_after_runs_so_many_passes_and_names_the_next(count: int) -> None:
    whole = run("keep,fixpoint(shorten,keep),keep", 2)
    names = [r.text for r in whole.records]
    outcome = run("keep,fixpoint(shorten,keep),keep", 2, stop_after=count)
    assert [r.text for r in outcome.records] == names[:count]
    assert outcome.stopped_before == "".join(names[count : count + 1])


def test_stop_after_a_negative_number_is_refused() -> None:
    with pytest.raises(UsageError, match=r"stop-after must be at least 0 \(got -1\)"):
        Instruments(stop_after=-1)


@pytest.mark.parametrize(
    ("print_after", "titles"),
    [
        ("", []),
        ("all", ["after pass 1: keep", "after pass 2: shorten{by=2}", "after pass 3: keep"]),
        ("changed", ["after pass 2: shorten{by=2}"]),
        ("keep", ["after pass 1: keep", "after pass 3: keep"]),
    ],
)
def test_print_after_shows_the_programs_that_it_names(print_after: str, titles: list[str]) -> None:
    shown: list[tuple[str, int]] = []
    run("keep,shorten{by=2},keep", 5, print_after=print_after,
        show=lambda title, program: shown.append((title, length_of(program))))  # fmt: skip
    assert [title for title, _ in shown] == titles
    assert all(length == (5 if "pass 1" in title else 3) for title, length in shown)


def test_print_after_a_pass_that_will_not_run_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        run("fixpoint(shorten)", print_after="shortn")
    assert str(caught.value) == (
        "pipeline: print-after must be all, changed or a pass of the pipeline (got shortn); did you mean shorten?"
    )


def test_the_verifier_sees_what_comes_in_and_what_changed() -> None:
    seen: list[int] = []
    run("keep,shorten{by=2},keep,shorten", 5, verify=lambda program: seen.append(length_of(program)))
    assert seen == [5, 3, 2]
    run("shorten", 5, verify_each=False, verify=lambda program: seen.append(-1))
    assert seen == [5, 3, 2]


def short_only(program: Program) -> None:
    if length_of(program) < 4:
        raise OptcError("too-short", "function @main", "body", "4 ops long", length_of(program))


def test_a_program_that_comes_in_wrong_is_blamed_on_no_pass() -> None:
    with pytest.raises(OptcError) as caught:
        run("keep", 3, verify=short_only)
    assert str(caught.value) == "function @main: body must be 4 ops long (got 3)"


def test_a_pass_that_leaves_a_wrong_program_is_named() -> None:
    with pytest.raises(OptcError) as caught:
        run("keep,fixpoint(shorten)", 5, verify=short_only)
    assert caught.value.slug == "too-short"
    assert str(caught.value) == ("pass 3, shorten: program after it: function @main: body must be 4 ops long (got 3)")


def test_the_verifier_is_on_by_default_and_shows_the_place() -> None:
    @attrs.frozen
    class Lose(Pass):
        name: ClassVar[str] = "lose"

        def run(self, program: Program, cx: PassContext) -> Program:
            return program.map_bodies(lambda body: attrs.evolve(body, ops=body.ops[1:]))

    with pytest.raises(OptcError) as caught:
        Pipeline((Lose(),)).run(chain(3))
    assert caught.value.slug == "undefined-value"
    assert caught.value.where.startswith("pass 1, lose: program after it: ")
    assert "toy.neg(" in caught.value.excerpt
    assert length_of(Pipeline((Lose(),)).run(chain(3), Instruments(verify_each=False))) == 2


def test_each_way_to_fail_is_one_clear_error() -> None:
    said = {}
    for how in ("crash", "refuse", "usage", "nothing"):
        with pytest.raises(OptcError) as caught:
            run(f"fail{{how={how}}}")
        said[how] = (caught.value.slug, caught.value.exit_code, str(caught.value))
    assert said == {
        "crash": (
            "pass-crashed", 1,
            "pass 1, fail: run must be free of internal errors (got ZeroDivisionError: division by zero)",
        ),
        "refuse": (
            "too-long", 1, "pass 1, fail{how=refuse}: op %v0 = neg: chain must be short (got 3); cut it\n1 | neg",
        ),
        "usage": (
            "no-such-weight", 2, "pass 1, fail{how=usage}: option weight: name must be a weight (got w)",
        ),
        "nothing": (
            "pass-result", 1, "pass 1, fail{how=nothing}: run: result must be a program (got NoneType)",
        ),
    }  # fmt: skip


def test_a_crash_keeps_its_cause_for_debuggers() -> None:
    with pytest.raises(OptcError) as caught:
        run_pipeline(Pipeline((Fail(),)), chain(1), Instruments(verify_each=False))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_interruption_is_not_taken_for_a_failure() -> None:
    def interrupt(program: Program) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("keep", verify=interrupt)


def test_peak_memory_is_measured_on_request_and_only_then() -> None:
    assert [r.peak_bytes for r in run("shorten").records] == [None]
    (record,) = run("shorten", 50, memory=True).records
    assert record.peak_bytes is not None
    assert record.peak_bytes > 1000
    assert not tracemalloc.is_tracing()


def test_the_meter_counts_what_is_freed_again_and_not_what_was_there() -> None:
    tracemalloc.start()
    try:
        before = bytearray(4_000_000)
        with Meter(memory=True) as meter:
            bytearray(1_000_000)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    assert meter.peak_bytes is not None
    assert 1_000_000 <= meter.peak_bytes < len(before)


def test_the_outcome_is_plain_data_too() -> None:
    data = run("keep,shorten", 5, stop_after=1).to_json()
    assert data["statistics"] == {"keep.runs": 1}
    assert data["stopped_before"] == "shorten"
    (record,) = data["passes"]
    assert record.pop("ms") >= 0
    assert record == {"number": 1, "pass": "keep", "text": "keep", "peak_bytes": None, "changed": False}


def test_progress_tells_of_each_pass_when_it_starts() -> None:
    told: list[tuple[str, float, float]] = []
    run("keep,fixpoint(shorten{by=2})", 3, on_progress=lambda *said: told.append(said))
    assert told == [("keep", 0, 0), *[("shorten{by=2}", 0, 0)] * 3]


def test_remarks_and_passes_are_told_as_they_are_made() -> None:
    told: list[str] = []
    outcome = run(
        "shorten{by=3},keep", on_remark=lambda r: told.append(r.reason), on_pass=lambda r: told.append(r.text)
    )
    assert told == ["shortened", "shorten{by=3}", "keep"]
    assert len(outcome.ledger) == 1
