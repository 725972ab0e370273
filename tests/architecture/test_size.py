"""Files and functions stay short enough to read, and a file's name says what is in it."""

import ast
from pathlib import PurePosixPath

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}


def long_functions(text: str) -> list[str]:
    """`name: lines` of each function that is too long (decorators do not count)."""
    return [
        f"{node.name}: {lines}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    ]


def says_nothing(path: str) -> bool:
    """Whether a file or a folder on the path has a name that fits any code."""
    return any(part.lstrip("_") in NAMES_THAT_SAY_NOTHING for part in PurePosixPath(path).with_suffix("").parts)


def test_no_file_is_longer_than_400_lines(sources: dict[str, str]) -> None:
    lengths = {path: len(text.splitlines()) for path, text in sources.items()}
    assert lengths
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_60_lines(sources: dict[str, str]) -> None:
    found = {path: long_functions(text) for path, text in sources.items()}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_file_has_a_name_that_says_nothing(sources: dict[str, str]) -> None:
    assert [path for path in sources if says_nothing(path)] == []


def test_a_function_of_61_lines_is_seen_and_one_of_60_is_not() -> None:
    body = "    pass\n"
    text = "def fits():\n" + body * 59 + "class C:\n  async def grew(self):\n" + body * 60
    assert long_functions(text) == ["grew: 61"]


def test_a_name_that_says_nothing_is_seen_anywhere_on_the_path() -> None:
    assert says_nothing("optc/ir/utils.py")
    assert says_nothing("optc/common/op.py")
    assert says_nothing("passes/_helpers.py")
    assert not says_nothing("optc/ir/uses.py")
