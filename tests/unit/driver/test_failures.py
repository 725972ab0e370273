"""A pass that fails leaves a bundle, and the command in its message replays the failure."""

import fcntl
import json
import shlex
import sys
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
import pytest

from optc.driver import facade
from optc.driver.models import load
from optc.errors import OptcError
from optc.ir.block import Program
from optc.pipeline.catalog import Catalog
from optc.pipeline.passes import Pass, PassContext, option
from passes.catalog import CATALOG
from tests.command_line import optc
from tests.unit.driver.small_model import write_model


@attrs.frozen
class Fragile(Pass):
    """Fails on programs that have a relu."""

    name: ClassVar[str] = "fragile"
    crash: bool = option(True)

    def run(self, program: Program, cx: PassContext) -> Program:
        if cx.importance and cx.importance["first"].sum() != 96:
            return program
        if any(op.name == "relu" for op in program.walk()):
            if self.crash:
                raise KeyError("relu")
            raise OptcError("has-relu", "program", "ops", "free of relu")
        return program


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    catalog = Catalog((*CATALOG.passes, Fragile), dict(CATALOG.presets))
    monkeypatch.setattr(facade, "known_passes", lambda: catalog)
    monkeypatch.chdir(tmp_path)
    return write_model(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("fragile", "pass 2, fragile: run must be free of internal errors (got KeyError: 'relu')"),
        ("fragile{crash=false}", "pass 2, fragile{crash=false}: program: ops must be free of relu"),
    ],
)
def test_the_replay_command_fails_in_the_same_way(model: Path, step: str, message: str) -> None:
    done = optc("opt", model, "--pipeline", f"dead-code,{step},dead-code", "--bundles", "my bundles")
    assert (done.code, done.out) == (1, "")
    first, replay = done.err.splitlines()
    assert first == f"error: {message}"
    label, program, *command = shlex.split(replay)
    assert (label, program) == ("replay:", "optc")
    again = optc(*command)
    assert again.code == 1
    assert again.err.splitlines()[0] == f"error: {message.replace('pass 2', 'pass 1')}"


def test_the_bundle_holds_the_program_as_it_was_before_the_pass(model: Path) -> None:
    optc("opt", model, "--pipeline", "quantize,fragile")
    (bundle,) = Path("optc-failures").iterdir()
    facts = json.loads((bundle / "bundle.json").read_text())
    assert facts["pass"] == "fragile"
    assert "KeyError: 'relu'" in (bundle / "error.txt").read_text()
    program = load(bundle / "program.optc")
    assert sum(op.name == "constexpr.shift_scale" for op in program.walk()) == 2


def test_compress_leaves_a_bundle_too_and_no_output(model: Path) -> None:
    done = optc("compress", model, "--pipeline", "fragile", "-o", "small.onnx")
    assert done.code == 1
    assert "replay: optc opt optc-failures/failure-fragile-1/program.optc --pipeline fragile" in done.err
    assert not Path("small.onnx").exists()


def test_the_importance_of_weights_is_in_the_bundle_and_in_the_replay(model: Path) -> None:
    np.savez("counts.npz", first=np.ones(96))
    done = optc("opt", model, "--pipeline", "fragile", "--importance", "counts.npz")
    _, *command = shlex.split(done.err.splitlines()[1].removeprefix("replay: "))
    assert command[-2:] == ["--importance", "optc-failures/failure-fragile-1/importance.npz"]
    assert optc(*command).err.splitlines()[0] == done.err.splitlines()[0]
    np.savez(command[-1], first=np.zeros(96))
    assert optc(*command).code == 0


def test_reduce_shrinks_a_failing_program_by_the_command_that_fails(model: Path) -> None:
    reduced = Path("reduced.optc")
    done = optc("reduce", model, "--test", "grep -q '= relu'", "-o", reduced)
    assert (done.code, done.err) == (0, "")
    assert done.out == "reduced.optc: 1 of 7 ops\n"
    assert optc("opt", reduced, "--pipeline", "fragile").code == 1


# Holds a lock, and so does what it starts.
SLEEPER = """
import fcntl, subprocess
lock = open("lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
subprocess.run(["sleep", "60"], pass_fds=[lock.fileno()])
"""


def test_a_test_that_takes_too_long_is_ended_with_all_that_it_started(model: Path) -> None:
    Path("sleeper.py").write_text(SLEEPER)
    command = shlex.join([sys.executable, "sleeper.py"])
    done = optc("reduce", model, "--test", command, "--timeout", 0.5, "-o", "reduced.optc")
    assert done.code == 1
    assert done.err.startswith("error: reduce: test must be true of the program that is to be reduced")
    assert not Path("reduced.optc").exists()
    with Path("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a sleeper that is left would keep it for a minute
