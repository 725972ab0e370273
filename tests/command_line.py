"""Runs optc's command line in this process, and reads the RUN lines of golden files."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import attrs

from optc.driver.main import run

_RUN = re.compile(r"// RUN(?: exit (?P<code>[0-9]+))?: optc (?P<arguments>.*)")


@attrs.frozen
class Result:
    """What a command gave: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


def optc(*arguments: object) -> Result:
    """Run `optc ARGUMENTS`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    return Result(code, out.getvalue(), err.getvalue())


@attrs.frozen
class RunLine:
    """A line `// RUN: optc ARGUMENTS` or `// RUN exit 2: optc ARGUMENTS`, without which the exit code is to be 0."""

    arguments: str
    code: int

    @classmethod
    def read(cls, line: str) -> "RunLine | None":
        """The RUN line that a line of a file is, or None."""
        match = _RUN.fullmatch(line.strip())
        return cls(match["arguments"], int(match["code"] or 0)) if match else None

    def run(self, file: Path, folder: Path) -> Result:
        """Run it: `%s` stands for the file, `%t` for a folder that may be written; so they do in what comes out."""
        words = shlex.split(self.arguments)
        places = {"%s": str(file), "%t": str(folder)}
        result = optc(*(_replaced(word, places) for word in words))
        back = {path: word for word, path in places.items()}
        return Result(result.code, _replaced(result.out, back), _replaced(result.err, back))


def _replaced(text: str, table: dict[str, str]) -> str:
    for old, new in table.items():
        text = text.replace(old, new)
    return text
