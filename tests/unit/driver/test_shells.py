"""Completion in shells that run: a line is typed, then a tab, and what the shell makes of it is looked at."""

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.driver.small_model import write_model

RC = {
    "zsh": r"""
autoload -Uz compinit; compinit -u -D
eval "$(optc completion zsh)"
setopt no_beep
said() { print -r -- "$BUFFER" >> said; BUFFER=; }
zle -N said; bindkey '^X' said; bindkey '^I' complete-word
zle-line-init() { print ready >> said; zle -D zle-line-init }; zle -N zle-line-init
""",
    "bash": r"""
eval "$(optc completion bash)"
PS1= PROMPT_COMMAND='echo ready >> said; PROMPT_COMMAND='
bind 'set enable-bracketed-paste off'
bind 'set bell-style none'
said() { printf '%s\n' "$READLINE_LINE" >> said; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\C-x": said'
""",
}
LINES = [
    ("optc pl", "optc plan "),
    ("optc inspect mod", "optc inspect model.onnx "),
    ("optc plan model.onnx --dev", "optc plan model.onnx --device "),
    ("optc plan model.onnx --device iphone14", "optc plan model.onnx --device iphone14pro "),
    ("optc plan model.onnx --device=iphone14", "optc plan model.onnx --device=iphone14pro "),
    ("optc plan model.onnx --device=./mi", "optc plan model.onnx --device=./mine.toml "),
    ("optc explain model.onnx fi", "optc explain model.onnx first "),
    ("optc explain ~/model.onnx fi", "optc explain ~/model.onnx first "),
    ("optc plan model.onnx --pin first=l", "optc plan model.onnx --pin first=load "),
    ("optc devices iphone12 --set=npu.op", "optc devices iphone12 --set=npu.op_us="),
    ("optc opt model.onnx --pipeline @clea", "optc opt model.onnx --pipeline @cleanup "),
    ("optc opt model.onnx --pipeline dead-code,palet", "optc opt model.onnx --pipeline dead-code,palettize "),
    (
        "optc opt model.onnx --pipeline 'dead-code,palettize{bits=4,mo",
        "optc opt model.onnx --pipeline 'dead-code,palettize{bits=4,mode=",
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model, a table, a program `optc`, and for zsh and bash what they read when they start."""
    program = tmp_path / "bin" / "optc"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m optc "$@"\n', "utf-8")
    program.chmod(0o755)
    write_model(tmp_path / "model.onnx")
    (tmp_path / "mine.toml").write_text("")
    for shell, text in RC.items():
        (tmp_path / f".{shell}rc").write_text(text, "utf-8")
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[3])
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(folder), "ZDOTDIR": str(folder), "TERM": "dumb", "PYTHONPATH": root}


class Typed:
    """A shell on a terminal, to which lines are typed."""

    def __init__(self, words: list[str], folder: Path) -> None:
        pty = pytest.importorskip("pty")
        self.said = folder / "said"
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            words,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=environment(folder),
            start_new_session=True,
        )
        os.close(theirs)
        self.wait(1)

    def wait(self, count: int) -> str:
        """The last of so many lines that the shell wrote down, once it has."""
        end = time.monotonic() + 60
        while len(found := self.said.read_text("utf-8").splitlines() if self.said.exists() else []) < count:
            assert time.monotonic() < end, "the shell does not answer"
            if select.select([self.ours], [], [], 0.05)[0]:
                os.read(self.ours, 1 << 16)
        return found[count - 1]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.fixture(params=["zsh", "bash"])
def typed(request: pytest.FixtureRequest, folder: Path) -> Iterator[Typed]:
    shell = shutil.which(request.param)
    if shell is None:
        pytest.skip(f"there is no {request.param} here")
    options = ["-i"] if request.param == "zsh" else ["--rcfile", str(folder / ".bashrc"), "-i"]
    made = Typed([shell, *options], folder)
    yield made
    made.close()


def test_a_tab_completes_the_line(typed: Typed) -> None:
    for number, (line, _) in enumerate(LINES):
        os.write(typed.ours, f"{line}\t\x18".encode())
        typed.wait(number + 2)
    *plain, quoted = [completed for _, completed in LINES]
    *found, last = typed.said.read_text("utf-8").splitlines()[1:]
    assert found == plain
    assert last.removesuffix("'") == quoted  # bash closes the quote, which cannot be switched off


def test_fish_offers_the_same(folder: Path) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("there is no fish here")
    script = 'optc completion fish | source; for line in $argv; complete -C "$line"; end'
    done = subprocess.run(
        [fish, "--no-config", "-c", script, *(line for line, _ in LINES)],
        capture_output=True, text=True, check=False, cwd=folder, env=environment(folder),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    words = [completed.split(" ")[-1] or completed.split(" ")[-2] for _, completed in LINES]
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [word.removeprefix("'") for word in words]
