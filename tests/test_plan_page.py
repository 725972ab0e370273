"""`docs/plan.md` says all that a plan's record holds, and its reasons are those that there are."""

import json
import re
from pathlib import Path

import pytest

from backends.reasons import WHY_HERE
from tests.command_line import optc
from tests.unit.driver.small_model import write_model

PAGE = Path(__file__).resolve().parent.parent / "docs" / "plan.md"

if not PAGE.is_file():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)

TEXT = PAGE.read_text("utf-8")


def named(after: str, column: int) -> set[str]:
    """What is named in a column of the table that follows some words."""
    rows = TEXT.partition(after)[2].lstrip().split("\n")
    rows = rows[next(n for n, row in enumerate(rows) if row.startswith("| ---")) + 1 :]
    cells = [
        row.split("|")[column] for row in rows[: next((n for n, r in enumerate(rows) if not r.startswith("|")), None)]
    ]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_record_has_the_keys_of_the_page(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx")
    assert optc("compress", model, "--palettize", 4, "-o", tmp_path / "small.onnx").code == 0
    done = optc("plan", tmp_path / "small.onnx", "--device", "iphone14pro", "--json")
    assert (done.code, done.err) == (0, "")
    record = json.loads(done.out, parse_constant=pytest.fail)
    assert set(record) == named("Keys stay what they are", 1)
    assert any(weight["choice"] == "predict" for weight in record["weights"])
    for weight in record["weights"]:
        assert set(weight) == named("Of each of `weights`:", 1)
        assert set(weight["storage"]) <= named("Of each of `weights`:", 2)
        for use in weight["uses"]:
            assert set(use) <= named("Of each of `weights`:", 2)
    for key in ("totals", "certificate"):
        assert set(record[key]) <= named("Keys stay what they are", 2)
    for key in ("ops", "advice"):
        assert {name for row in record[key] for name in row} <= named("Keys stay what they are", 2)


def test_the_page_has_every_reason_of_placement() -> None:
    assert set(WHY_HERE) <= named("## Placement", 1)
