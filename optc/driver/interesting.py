"""A shell command as the judge of whether a program is still interesting."""

import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from optc.errors import UsageError
from optc.formats.text.files import write_text
from optc.ir.block import Program


def passes_command(command: str, timeout: float) -> Callable[[Program], bool]:
    """Whether `command` exits with 0; `{}` in it stands for the file of the program, else the file comes last.

    A command that takes longer than `timeout` seconds has not exited with 0.

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
            if given == words:
                given.append(str(path))
            try:
                done = subprocess.run(given, capture_output=True, timeout=timeout, check=False)
            except subprocess.TimeoutExpired:
                return False
            except OSError as error:
                raise UsageError("test-command", "--test", "command", "one that runs", error) from None
            return done.returncode == 0

    return interesting
