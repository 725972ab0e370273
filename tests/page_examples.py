"""Finds the examples of a page, and runs them as a reader would: in order, in one folder.

An example is a fenced or an indented block. What becomes of it depends on its language, which of an indented block
follows from how it begins:

- `console`: lines `$ COMMAND`, each with what it prints, if the page shows that. A line `...` stands for any lines.
- `sh`: commands, one to a line.
- `python`: code, or with `>>>` a session; all of a page share their names.
- a file: behind a line that ends in "`NAME.toml`:" (or another suffix) it is written under that name.
- `text`: for people. It must not hold commands.
"""

import doctest
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs

from tests.command_line import optc

_FENCE = re.compile(r"```(\w*)$")
_FILE = re.compile(r"`([\w./-]+\.(?:toml|yaml|json|py|optc))`:$")
LANGUAGES = ("console", "sh", "python", "toml", "yaml", "json", "text")
NOT_RUN = ("pip install", "python -m venv", "git ", "pytest", "sphinx-build", "python benchmarks/", "python3 -m venv")
"""Commands that change more than a folder, or take long; `.ci/run` runs the first ones."""


@attrs.frozen
class Example:
    """A block of a page: its first line (from 0), its language, the file that it is to become, and its lines."""

    at: int
    language: str
    file: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@attrs.frozen
class Step:
    """One command of a session: where what it prints starts (from 0), and what the page shows of that."""

    at: int
    command: str
    shown: tuple[str, ...]


def examples(page: str) -> list[Example]:
    """The blocks of a page in order, but for directives such as `{toctree}`."""
    lines = page.split("\n")
    found, at = [], 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        if lines[at].startswith("```"):
            end = next(n for n in range(at + 1, len(lines)) if lines[n] == "```")
            if fence:
                found.append(_example(lines, at + 1, lines[at + 1 : end], fence[1], at))
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1]):
            end = at
            while end < len(lines) and (not lines[end] or lines[end].startswith("    ")):
                end += 1
            held = [line[4:] for line in lines[at:end]]
            while not held[-1]:
                held.pop()
            found.append(_example(lines, at, held, _language(held), at))
            end -= 1
        else:
            end = at
        at = end + 1
    return found


def _example(lines: list[str], at: int, held: list[str], language: str, start: int) -> Example:
    before = next((line for line in reversed(lines[:start]) if line), "")
    named = _FILE.search(before)
    return Example(at, language, named[1] if named else "", tuple(held))


def _language(held: list[str]) -> str:
    """What an indented block is, by how it begins."""
    first = held[0]
    if first.startswith("$ "):
        return "console"
    if first.startswith(("optc ", "pip ", "python ")):
        return "sh"
    if first.startswith((">>> ", "import ", "from ")):
        return "python"
    return "json" if first == "{" else "text"


def steps(example: Example) -> list[Step]:
    """The commands of a session."""
    found: list[Step] = []
    for number, line in enumerate(example.lines):
        if line.startswith("$ "):
            found.append(Step(example.at + number + 1, line[2:].partition("  # ")[0].rstrip(), ()))
        else:
            found[-1] = attrs.evolve(found[-1], shown=(*found[-1].shown, line))
    return found


@attrs.define
class Reader:
    """Goes through a page in a folder. `printed` has of each step what it printed in place of what is shown."""

    folder: Path
    names: dict[str, Any] = attrs.field(factory=dict)
    printed: list[tuple[Step, list[str]]] = attrs.field(factory=list)

    def follow(self, example: Example) -> None:
        """Do what an example says; AssertionError where something else comes out."""
        assert example.language in LANGUAGES, f"language {example.language!r}"
        if example.file:
            path = self.folder / example.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(example.text, "utf-8")
        elif example.language == "console":
            for step in steps(example):
                self.take(step)
        elif example.language == "sh":
            for line in example.text.replace("\\\n", " ").splitlines():
                self.take(Step(example.at, line.partition("  # ")[0].rstrip(), ()))
        elif example.language == "python":
            self.python(example)
        elif example.language == "json":
            json.loads(example.text)
        else:
            assert example.language == "text", f"{example.language} without the name of a file in front of it"
            assert not re.search(r"^(\$|optc|python|pip) ", example.text, re.MULTILINE), (
                "commands belong to console or sh"
            )

    def take(self, step: Step) -> None:
        """Run a command, and compare what it prints with what is shown."""
        if not step.command or step.command.startswith(NOT_RUN):
            return
        code, out = self.run(step.command)
        lines = [line.rstrip() for line in out.splitlines()]
        refused = any(line.startswith("error: ") for line in step.shown)
        assert (code != 0) is refused, f"{step.command}: exit code {code}\n{out}"
        if step.shown:
            self.printed.append((step, lines))

    def run(self, command: str) -> tuple[int, str]:
        """The exit code, and what was printed."""
        if command.startswith("optc ") and not re.search(r" [|&><] | \|\| ", command):
            done = optc(*shlex.split(command)[1:])
            return done.code, done.out + done.err
        here = shlex.quote(str(Path(sys.executable).parent))
        script = f"export PATH={here}:$PATH; {command}"
        made = subprocess.run(["bash", "-c", script], cwd=self.folder, capture_output=True, text=True, check=False)
        return made.returncode, made.stdout + made.stderr

    def python(self, example: Example) -> None:
        if not example.text.startswith(">>>"):
            exec(compile(example.text, f"line {example.at + 1}", "exec"), self.names)
            return
        session = doctest.DocTestParser().get_doctest(example.text, self.names, "page", "page", example.at)
        report: list[str] = []
        failed = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session, out=report.append, clear_globs=False)
        self.names.update(session.globs)
        assert failed.failed == 0, "".join(report)


def matches(shown: tuple[str, ...], printed: list[str]) -> bool:
    """Whether a page shows what was printed; `...` stands for any lines, blanks at ends of lines do not count."""
    wanted = [line.rstrip() for line in shown]
    while wanted and not wanted[-1]:
        wanted.pop()
    pattern = "".join(".*" if line == "..." else re.escape(line) + "\n" for line in wanted)
    return re.fullmatch(pattern, "\n".join(printed).rstrip("\n") + "\n", re.DOTALL) is not None


def with_outputs(page: str, printed: list[tuple[Step, list[str]]]) -> str:
    """The page with what was printed in place of what it shows; what it shows with `...` stays."""
    lines = page.split("\n")
    for step, out in reversed(printed):
        if "..." in step.shown:
            continue
        blank = lines[step.at - 1].startswith("    ")
        shown = list(step.shown)
        while shown and not shown[-1]:
            shown.pop()
        lines[step.at : step.at + len(shown)] = [("    " if blank and line else "") + line for line in out]
    return "\n".join(lines)
