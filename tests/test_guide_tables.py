"""What stands in the tables of the guide: calls of coremltools beside ours, figures out of the page of accuracy."""

import ast
import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optc
from optc.driver.facade import Pipeline
from tests.command_line import optc as command

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
NOT_YET = "not yet"

if not DOCS.is_dir():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)


def rows(page: str) -> list[list[str]]:
    """The cells of all rows of the tables of a page, heads among them."""
    text = (DOCS / page).read_text("utf-8")
    lines = [line for line in text.split("\n") if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


CALLS = [row for row in rows("from-coremltools.md") if not row[0].startswith("coremltools")]
OURS = [(row[0], code) for row in CALLS for code in re.findall(r"`([^`]+)`", row[1])]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model in each format, and a configuration for coremltools."""
    shutil.copy(ROOT / "examples" / "digits.onnx", tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "from-coremltools.md").read_text("utf-8")
    (tmp_path / "coremltools.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    return tmp_path


def test_each_call_of_coremltools_has_a_call_of_ours_or_is_said_to_be_missing() -> None:
    assert len(CALLS) >= 40
    assert all(re.search(r"`[^`]+`", row[1]) or row[1] == NOT_YET for row in CALLS)
    assert [row[0] for row in CALLS if NOT_YET in row[1] and row[1] != NOT_YET] == []


@pytest.mark.parametrize(("theirs", "ours"), OURS)
def test_what_stands_beside_a_call_of_coremltools_works(theirs: str, ours: str, folder: Path) -> None:
    if ours.startswith("--"):
        done = command("compress", "model.onnx", *ours.split(), "-o", "out.onnx")
        assert (done.code, done.err) == (0, "")
        assert "done" in done.out or "refused: too-many-values" in done.out  # that is mode unique, of many values
    elif ours.startswith("optc "):
        assert command("compress", "model.onnx", "--palettize", 4, "-o", "small.onnx").code == 0
        done = command(*ours.split()[1:])
        assert (done.code, done.err) == (0, "")
    elif ours.startswith("optc."):
        call(ours)
    else:
        assert Pipeline.parse(ours).steps


def call(text: str) -> Any:
    """Evaluate a call of ours; one that needs PyTorch is only held against its signature."""
    (node,) = (n.value for n in ast.parse(text).body if isinstance(n, ast.Expr))
    assert isinstance(node, ast.Call)
    if text.startswith("optc.from_torch"):
        return inspect.signature(optc.from_torch).bind(*node.args)
    program = optc.load("model.onnx")
    assert command("convert", "model.onnx", "-o", "model.mlpackage").code == 0
    with np.load(ROOT / "examples" / "digits_held_out.npz") as held_out:
        inputs = {"picture": held_out["picture"][:1]}
    weights = optc.weights(program, min_elements=2048).items()
    fisher = {name: np.ones(weight.shape) for name, weight in weights}
    names = {"optc": optc, "program": program, "inputs": inputs, "fisher": fisher}
    return eval(compile(text, "from-coremltools.md", "eval"), names)


def measured() -> dict[tuple[str, str], str]:
    """The cells of the page of accuracy by scheme and column."""
    found: dict[tuple[str, str], str] = {}
    head: list[str] = []
    for row in rows("accuracy.md"):
        head = row if row[0] == "scheme" else head
        found |= {(row[0], column): cell for column, cell in zip(head[1:], row[1:], strict=True)}
    return found


def test_the_figures_of_the_guide_are_those_of_the_page_of_accuracy() -> None:
    known, seen, head = measured(), 0, []
    for row in rows("choose-a-scheme.md"):
        head = row if row[0] in ("scheme", "you have") else head
        if head[0] != "scheme" or row is head:
            continue
        for column, cell in zip(head[1:], row[1:], strict=True):
            assert cell == known[row[0], column], (row[0], column)
            seen += 1
    assert seen > 60


def test_what_the_guide_promises_of_8_bits_is_on_the_page_of_accuracy() -> None:
    assert "none lost more than 0.6 points" in (DOCS / "make-it-smaller.md").read_text("utf-8")
    known = measured()
    columns = [column for scheme, column in known if scheme == "float32" and ", " in column]
    assert len(columns) == 9
    for scheme in ("palette 8-bit", "int8"):
        for column in columns:
            loss = float(known["float32", column]) - float(known[scheme, column])
            assert loss <= 0.6, (scheme, column)
