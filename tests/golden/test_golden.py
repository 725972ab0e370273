"""Each golden file: its commands write what its CHECK lines say."""

from pathlib import Path

import pytest

from tests.command_line import Result, RunLine
from tests.golden.checks import Golden, problem_of, read_golden, updated, write_golden

FILES = sorted(Path(__file__).parent.glob("*.optc"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_file_says_what_its_commands_write(
    path: Path, tmp_path: Path, update_golden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs, rest = read_golden(path.read_text("utf-8"))
    assert runs
    problems = []
    for number, golden in enumerate(runs):
        result = golden.run.run(path, tmp_path)
        problem = problem_of(golden, result)
        if problem and update_golden:
            runs[number] = updated(golden, result)
        elif problem:
            problems.append(f"{golden.line}\n  {problem}\n{result.out}{result.err}")
    assert not problems, "\n".join(problems)
    if update_golden:
        write_golden(path, runs, rest)


RESULT = Result(0, "one\n\n  two  words\nthree\n", "four\n")


def golden(*checks: tuple[str, str], code: int = 0) -> Golden:
    return Golden("// RUN: optc opt", RunLine("opt", code), list(checks))


@pytest.mark.parametrize(
    "checks",
    [
        [("CHECK", "one"), ("CHECK-NEXT", "two words"), ("CHECK-NEXT", "three"), ("CHECK-NEXT", "four")],
        [("CHECK", "two"), ("CHECK", "four"), ("CHECK-NOT", "five")],
    ],
)
def test_checks_that_hold_are_no_problem(checks: list[tuple[str, str]]) -> None:
    assert problem_of(golden(*checks), RESULT) == ""


@pytest.mark.parametrize(
    "checks",
    [
        [("CHECK", "five")],
        [("CHECK", "two"), ("CHECK", "one")],
        [("CHECK", "one"), ("CHECK-NEXT", "three")],
        [("CHECK", "four"), ("CHECK-NEXT", "four")],
        [("CHECK", "one"), ("CHECK-NOT", "two words")],
        [("CHECK-NOT", "five")],
        [],
    ],
)
def test_a_check_that_does_not_hold_is_a_problem(checks: list[tuple[str, str]]) -> None:
    assert problem_of(golden(*checks), RESULT)


def test_another_exit_code_is_a_problem() -> None:
    assert problem_of(golden(("CHECK", "one"), code=1), RESULT) == "exit code 0, not 1"


def test_an_update_makes_the_checks_hold_and_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    new = updated(golden(("CHECK", "five"), ("CHECK-NOT", "six")), Result(2, RESULT.out, RESULT.err))
    path = tmp_path / "a.optc"
    write_golden(path, [new], "func\n")
    (read,), rest = read_golden(path.read_text())
    assert problem_of(read, Result(2, RESULT.out, RESULT.err)) == ""
    assert (read.run.code, read.checks, rest) == (2, new.checks, "func\n")
    assert ("CHECK-NOT", "six") in read.checks
