"""What commands say: results on standard output, the rest on standard error, bars on a terminal only."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from optc.driver import main, models
from optc.driver.progress import watched, working
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.activations import Sigmoid
from tests.command_line import Result, optc
from tests.unit.driver.small_model import inputs, write_model

PRINT_NO_TABLE = {"completion", "report"}
Words = tuple[object, ...]


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, Words]:
    """A command line of each command that prints something, which takes well under a second."""
    model = write_model(tmp_path / "model.onnx")
    small, out = tmp_path / "small.onnx", tmp_path / "out.optc"
    assert optc("compress", model, "--palettize", 4, "-o", small).code == 0
    np.savez(tmp_path / "inputs.npz", **inputs())
    source = tmp_path / "source.optc"
    assert optc("convert", model, "-o", source).code == 0
    plan = ("--device", "iphone14pro")
    return {
        "compress": ("compress", model, "--quantize", "int8", "-o", out),
        "opt": ("opt", model, "--pipeline", "@cleanup"),
        "convert": ("convert", model, "-o", out),
        "decompress": ("decompress", small, "-o", out),
        "inspect": ("inspect", small),
        "diff": ("diff", model, small, "--input", tmp_path / "inputs.npz"),
        "run": ("run", model, "--input", tmp_path / "inputs.npz"),
        "plan": ("plan", small, *plan),
        "explain": ("explain", small, "first", *plan),
        "simulate": ("simulate", small, *plan, "--made-up", 1),
        "devices": ("devices", "iphone14pro"),
        "passes": ("passes",),
        "reduce": ("reduce", source, "--test", "true", "-o", out),
        "report": ("report", small, *plan, "-o", tmp_path / "page.html"),
        "completion": ("completion", "bash"),
    }


NAMES = (
    "compress", "opt", "convert", "decompress", "inspect", "diff", "run", "plan", "explain", "simulate", "devices",
    "passes", "reduce", "report", "completion",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_quiet_command_prints_nothing_and_does_the_same(name: str, commands: dict[str, Words]) -> None:
    loud, quiet = optc(*commands[name]), optc(*commands[name], "--quiet")
    assert (loud.code, loud.err) == (0, "")
    assert loud.out
    assert quiet == Result(0, "", "")
    assert optc(*commands[name], "-q") == quiet


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PRINT_NO_TABLE])
def test_every_table_is_data_with_json_even_of_a_quiet_command(name: str, commands: dict[str, Words]) -> None:
    done = optc(*commands[name], "--json", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out, parse_constant=pytest.fail)


@pytest.mark.parametrize("name", sorted(main.COMMANDS))
def test_every_command_has_the_options_that_all_have(name: str) -> None:
    command = main.cli.get_command(None, name)  # type: ignore[arg-type]  # the context is not looked at
    assert command is not None
    options = {text for param in command.params for text in param.opts}
    assert {"--quiet", "-q", "--verbose", "-v"} <= options
    assert ("--json" in options) == (name not in PRINT_NO_TABLE)
    again = main.cli.get_command(None, name)  # type: ignore[arg-type]
    assert again is not None
    assert sum("--quiet" in param.opts for param in again.params) == 1


def test_errors_are_said_by_a_quiet_command(tmp_path: Path) -> None:
    done = optc("inspect", tmp_path / "none.onnx", "--quiet")
    assert (done.code, done.out) == (1, "")
    assert "model file must be a file that exists" in done.err


def test_a_verbose_command_tells_of_steps_passes_and_remarks_on_standard_error(commands: dict[str, Words]) -> None:
    plain, verbose = optc(*commands["compress"]), optc(*commands["compress"], "--verbose")
    assert verbose.out == plain.out
    lines = verbose.err.splitlines()
    assert re.fullmatch(r"reading model\.onnx: \d+\.\d\d s", lines[0])
    assert re.fullmatch(r"writing out\.optc: \d+\.\d\d s", lines[-1])
    (remark,) = (n for n, line in enumerate(lines) if line.startswith("quantize: weight first: done, compressed"))
    (ran,) = (n for n, line in enumerate(lines) if re.fullmatch(r"pass \d+, quantize: \d+\.\d ms", line))
    assert remark < ran
    assert any(re.fullmatch(r"pass 1, dead-code: .* ms, nothing changed", line) for line in lines)


def test_what_was_asked_for_once_is_not_remembered(commands: dict[str, Words]) -> None:
    assert optc(*commands["inspect"], "-q", "-v").out == ""
    assert optc(*commands["inspect"]).err == ""
    assert optc(*commands["inspect"]).out


def test_outside_of_a_command_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with working("thinking") as report:
        report("thinking", 1, 2)
        assert watched(report).on_remark is None
    assert capsys.readouterr() == ("", "")


def on_a_terminal(*arguments: object) -> tuple[int, str, str]:
    """The exit code of a command whose standard error is a terminal of 100 columns, and what came out of both."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    said: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(ours, said.append))
    reader.start()
    words = [sys.executable, "-m", "optc", *map(str, arguments)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        environment.pop(name, None)
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=theirs, env=environment, check=False)
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(said).decode("utf-8"))
    return done.returncode, done.stdout.decode("utf-8"), plain


def _read_all(descriptor: int, keep: Callable[[bytes], None]) -> None:
    while True:
        try:
            held = os.read(descriptor, 1 << 16)
        except OSError:  # Linux's way to say that the other end is closed
            return
        if not held:
            return
        keep(held)


def test_a_terminal_is_shown_a_bar_for_each_pass_with_how_much_is_done(commands: dict[str, Words]) -> None:
    code, out, shown = on_a_terminal(*commands["compress"], "--workers", 1)
    assert code == 0
    assert out == optc(*commands["compress"]).out
    assert "reading model.onnx" in shown
    assert "canonicalize" in shown
    assert re.search(r"quantize \S+ +\d+% \d:\d\d:\d\d left", shown)


def test_a_terminal_is_shown_how_much_of_a_model_is_read_and_a_share_only_where_it_is_known(
    commands: dict[str, Words],
) -> None:
    _, _, shown = on_a_terminal(*commands["plan"])
    lines = re.split(r"[\r\n]+", shown)
    assert any(re.search(r"reading small\.onnx \S+ +100% \d:\d\d:\d\d left", line) for line in lines)
    planning = [line for line in lines if line.startswith("planning")]
    assert planning
    assert not any("%" in line or "left" in line for line in planning)


@pytest.mark.parametrize("suffix", [".onnx", ".mlpackage"])
def test_reading_tells_how_many_operations_are_read_and_no_more_often_than_can_be_seen(
    suffix: str, tmp_path: Path
) -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (4,)), "x")
    for _ in range(500):
        x = b.add(Sigmoid(x))
    path = tmp_path / f"model{suffix}"
    models.save(b.program(y=x), path)
    told: list[tuple[int, int]] = []
    models.load(path, report=lambda done, total: told.append((done, total)))
    (total,) = {total for _, total in told}
    assert told[0] == (0, total)
    assert told[-1] == (total, total)
    assert told == sorted(told)
    assert total >= 500
    assert 100 < len(told) < 300


def test_a_terminal_is_shown_no_bar_by_a_quiet_command_and_by_one_that_fails_only_the_error(
    commands: dict[str, Words], tmp_path: Path
) -> None:
    assert on_a_terminal(*commands["compress"], "--quiet") == (0, "", "")
    code, out, shown = on_a_terminal("explain", commands["plan"][1], "frist", "--device", "iphone14pro")
    assert (code, out) == (2, "")
    assert shown.rstrip().endswith("(got frist); did you mean first?")
