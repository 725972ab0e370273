"""A shell command as the judge of whether a program is still interesting."""

import itertools
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from optc.errors import UsageError
from optc.formats.text.files import write_text
from optc.ir.block import Program
from optc.pipeline.instrumentation import Progress


def passes_command(command: str, timeout: float) -> Callable[[Program], bool]:
    """Whether `command` exits with 0; `{}` in it stands for the file of the program, else the file comes last.

    A command that takes longer than `timeout` seconds is ended, with what it started, and has not exited with 0.

    Raises:
        UsageError: slug `test-command`: the command is not a command line.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError("test-command", "--test", "command", "a command line", error) from None
    if not words:
        raise UsageError("test-command", "--test", "command", "a command line", "nothing")

    def interesting(program: Program) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "program.optc"
            write_text(program, path)
            given = [word.replace("{}", str(path)) for word in words]
            return _exits_with_0(given if given != words else [*words, str(path)], timeout)

    return interesting


def counted(interesting: Callable[[Program], bool], report: Progress) -> Callable[[Program], bool]:
    """The same judge, who says each time how often he was asked and how large the program is."""
    asked = itertools.count(1)

    def judged(program: Program) -> bool:
        report(f"reducing: test {next(asked):,}, {sum(1 for _ in program.walk()):,} ops", 0, 0)
        return interesting(program)

    return judged


def _exits_with_0(words: Sequence[str], timeout: float) -> bool:
    """Run a command, its output thrown away, in a process group of its own so that all of it can be ended."""
    nowhere = subprocess.DEVNULL
    try:
        process = subprocess.Popen(words, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
    except OSError as error:
        actual = f"{words[0]}: {error.strerror}"
        raise UsageError("test-command", "--test", "command", "one that can be started", actual) from None
    try:
        return process.wait(timeout) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
