"""Golden files: programs with RUN lines, and CHECK lines for what the commands write.

    // RUN: optc opt %s --pipeline dead-code
    // CHECK: func @main(%x: f32[2]) -> (y: f32[2]) {
    // CHECK-NEXT: return %x
    // CHECK-NOT: relu

The lines after a RUN line are about its standard output followed by its standard error, of which empty lines are left
out. `CHECK` holds if a line after the last match contains the text, `CHECK-NEXT` if the next line does, `CHECK-NOT` if
no line does. How much space there is between words does not matter.
"""

import re
from pathlib import Path

import attrs

from tests.command_line import Result, RunLine

_CHECK = re.compile(r"// (CHECK|CHECK-NEXT|CHECK-NOT): (.*)")


@attrs.define
class Golden:
    """One RUN line and its checks, as pairs of kind and text."""

    line: str
    run: RunLine
    checks: list[tuple[str, str]]


def read_golden(text: str) -> tuple[list[Golden], str]:
    """The runs of a golden file, and the rest of it: the program."""
    runs: list[Golden] = []
    rest = []
    for line in text.splitlines():
        run, check = RunLine.read(line), _CHECK.fullmatch(line.strip())
        if run is not None:
            runs.append(Golden(line.strip(), run, []))
        elif check is not None:
            runs[-1].checks.append((check[1], check[2]))
        else:
            rest.append(line)
    return runs, "\n".join(rest).strip() + "\n"


def lines_of(result: Result) -> list[str]:
    """What a command wrote, line by line."""
    return [" ".join(line.split()) for line in (result.out + result.err).splitlines() if line.strip()]


def problem_of(golden: Golden, result: Result) -> str:
    """Why the output is not as the checks have it; empty if it is."""
    if result.code != golden.run.code:
        return f"exit code {result.code}, not {golden.run.code}"
    if all(kind == "CHECK-NOT" for kind, _ in golden.checks):
        return "no CHECK line"
    lines = lines_of(result)
    at = 0
    for kind, written in golden.checks:
        text = " ".join(written.split())
        if kind == "CHECK-NOT":
            if any(text in line for line in lines):
                return f"{kind}: {written!r} is in the output"
            continue
        found = next((i for i in range(at, len(lines)) if text in lines[i]), None)
        if found is None or (kind == "CHECK-NEXT" and found != at):
            there = lines[at] if at < len(lines) else "the end"
            return f"{kind}: {written!r} is not there; after the last match comes {there!r}"
        at = found + 1
    return ""


def updated(golden: Golden, result: Result) -> Golden:
    """The run with the output as its checks; what must not be there stays."""
    lines = lines_of(result)
    checks = [("CHECK-NEXT" if number else "CHECK", line) for number, line in enumerate(lines)]
    line = re.sub(r"RUN[^:]*:", f"RUN exit {result.code}:" if result.code else "RUN:", golden.line, count=1)
    return Golden(line, golden.run, checks + [check for check in golden.checks if check[0] == "CHECK-NOT"])


def write_golden(path: Path, runs: list[Golden], rest: str) -> None:
    """Write a golden file: runs with their checks, an empty line, the program."""
    out = []
    for golden in runs:
        out.append(golden.line)
        out += [f"// {kind}: {text}" for kind, text in golden.checks]
    path.write_text("\n".join(out) + f"\n\n{rest}", "utf-8")
