"""A failing pass leaves a bundle from which one command replays it."""

import json
import shlex
from pathlib import Path

import pytest

from optc.errors import OptcError
from optc.ir.block import Program
from optc.pipeline.bundle import Bundles
from optc.pipeline.instrumentation import Instruments
from optc.pipeline.manager import run_pipeline
from optc.pipeline.pipeline import Pipeline
from tests.unit.pipeline.toys import CATALOG, chain, length_of


def write_length(program: Program, path: Path) -> None:
    path.write_text(f"{length_of(program)} ops")
    path.with_suffix(".safetensors").write_text("weights")


def fail(text: str, bundles: Bundles) -> OptcError:
    with pytest.raises(OptcError) as caught:
        run_pipeline(Pipeline.parse(text, CATALOG), chain(5), Instruments(verify=lambda program: None, bundles=bundles))
    return caught.value


def test_the_message_ends_in_the_command_that_replays_the_failure(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    error = fail("shorten{by=2},fixpoint(fail{how=refuse},keep),keep", Bundles(folder, write_length))
    message, excerpt, replay = str(error).splitlines()
    assert message == "pass 2, fail{how=refuse}: op %v0 = neg: chain must be short (got 3); cut it"
    assert excerpt == "1 | neg"
    label, *command = shlex.split(replay)
    program = folder / "failure-fail-1" / "program.optc"
    assert (label, command) == ("replay:", ["optc", "opt", str(program), "--pipeline", "fail{how=refuse}"])
    assert program.read_text() == "3 ops"
    assert program.with_suffix(".safetensors").read_text() == "weights"


def test_the_bundle_says_what_failed_and_with_what(tmp_path: Path) -> None:
    fail("keep,fixpoint(fail,keep),shorten", Bundles(tmp_path, write_length))
    bundle = tmp_path / "failure-fail-1"
    facts = json.loads((bundle / "bundle.json").read_text())
    assert facts["pass"] == "fail"
    assert facts["number"] == 2
    assert facts["remaining"] == "fail,keep,fixpoint(fail,keep),shorten"
    assert facts["pipeline"] == "keep,fixpoint(fail,keep),shorten"
    assert facts["error"] == {"kind": "ZeroDivisionError", "slug": "", "message": "division\nby zero"}
    assert facts["replay"].startswith(f"optc opt {shlex.quote(str(bundle / 'program.optc'))} --pipeline ")
    assert {"optc", "numpy", "python"} <= set(facts["versions"])
    assert "ZeroDivisionError: division\nby zero" in (bundle / "error.txt").read_text()


def test_a_second_failure_leaves_the_first_bundle_alone(tmp_path: Path) -> None:
    for _ in range(2):
        fail("fail", Bundles(tmp_path, write_length))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["failure-fail-1", "failure-fail-2"]


def test_wrong_usage_leaves_no_bundle(tmp_path: Path) -> None:
    error = fail("fail{how=usage}", Bundles(tmp_path, write_length))
    assert "replay" not in str(error)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_cannot_be_written_hides_no_failure_and_leaves_nothing(tmp_path: Path) -> None:
    def full(program: Program, path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    error = fail("fail", Bundles(tmp_path, full))
    assert error.slug == "pass-crashed"
    assert str(error).splitlines()[-1] == (
        "replay: not possible, as no bundle could be written (OSError: [Errno 28] No space left on device)"
    )
    assert list(tmp_path.iterdir()) == []
