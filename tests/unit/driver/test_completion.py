"""Completion by shells: the scripts, and what is offered for each kind of value."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from backends.device_files import device_names
from optc.driver.commands.completion import SHELLS
from optc.driver.main import COMMANDS, cli
from passes.catalog import CATALOG
from tests.command_line import optc
from tests.unit.driver.small_model import write_model


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_model(tmp_path / "model.onnx"))


def offered(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is offered for the last word of a command line, which may be empty."""
    *words, last = line.split(" ")
    monkeypatch.setenv("COMP_WORDS", line)
    return [item.value for item in ShellComplete(cli, {}, "optc", "_OPTC_COMPLETE").get_completions(words[1:], last)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("optc ", list(COMMANDS)),
        ("optc comp", ["compress", "completion"]),
        ("optc plan m.onnx --dev", ["--device"]),
        ("optc plan m.onnx --device ", list(device_names())),
        ("optc plan m.onnx --device iphone14", ["iphone14pro"]),
        ("optc plan m.onnx --device=iphone14", ["iphone14pro"]),
        ("optc devices macbook-m1", ["macbook-m1"]),
        ("optc plan m.onnx --device iphone12 --set disk", ["disk_gbps="]),
        ("optc devices iphone12 --set npu.op", ["npu.op_us="]),
        ("optc plan m.onnx --units cpu+", ["cpu+gpu", "cpu+npu"]),
        ("optc plan m.onnx --objective l", ["latency", "load"]),
        ("optc plan m.onnx --by n", ["name"]),
        ("optc report m.onnx --device iphone14", ["iphone14pro"]),
        ("optc report m.onnx --objective l", ["latency", "load"]),
        ("optc opt m.onnx --pipeline palet", ["palettize"]),
        ("optc opt m.onnx --pipeline @cl", ["@cleanup"]),
        ("optc opt m.onnx --pipeline dead-code,fixpoint(canon", ["dead-code,fixpoint(canonicalize"]),
        ("optc opt m.onnx --pipeline dead-code,palettize{bits=4,mo", ["dead-code,palettize{bits=4,mode="]),
        ("optc opt m.onnx --pipeline nosuch{", []),
        ("optc opt m.onnx --print-after ", ["all", "changed", *(cls.name for cls in CATALOG.passes)]),
        ("optc compress m.onnx --quantize float8", ["float8e4m3", "float8e5m2"]),
        ("optc compress m.onnx --palettize ", ["1", "2", "3", "4", "6", "8"]),
        ("optc compress m.onnx --mode u", ["uniform", "unique"]),
        ("optc compress m.onnx --range m", ["minmax", "mse"]),
        ("optc convert m.onnx --target ios1", ["ios15", "ios16", "ios17", "ios18"]),
        ("optc run m.onnx --engine o", ["onnxruntime"]),
        ("optc passes fuse-g", ["fuse-gelu"]),
        ("optc completion z", ["zsh"]),
        ("optc explain nothing.onnx ", []),
    ],
)
def test_what_could_come_next_is_offered(line: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(line, monkeypatch) == words


def test_names_of_weights_are_offered(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(f"optc explain {model} ", monkeypatch) == ["first", "bias", "second"]
    assert offered(f"optc plan {model} --pin fi", monkeypatch) == ["first=load", "first=predict"]
    assert offered(f"optc plan {model} --device iphone12 --pin b", monkeypatch) == ["bias=load", "bias=predict"]


def test_files_are_offered_where_no_device_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    *words, last = ["plan", "m.onnx", "--device", "./my"]
    (item,) = ShellComplete(cli, {}, "optc", "_OPTC_COMPLETE").get_completions(words, last)
    assert (item.type, item.value) == ("file", "./my")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_asks_optc_in_the_way_of_that_shell(shell: str) -> None:
    done = optc("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_OPTC_COMPLETE={shell}_complete" in done.out
    assert "_optc_completion" in done.out
    found = shutil.which(shell)
    if found is not None:
        checked = subprocess.run([found, "-n"], input=done.out, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes_a_command_line(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    program = tmp_path / "optc"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m optc "$@"\n', "utf-8")
    program.chmod(0o755)
    script = (
        'eval "$(optc completion bash)"; complete -p optc; '
        "COMP_LINE='optc plan m.onnx --device iphone1'; COMP_POINT=36; "
        '_optc_completion optc iphone1 --device; echo "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", script], capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "complete -o nosort -F _optc_completion optc", "iphone12 iphone14pro iphone15pro",
    ]  # fmt: skip
