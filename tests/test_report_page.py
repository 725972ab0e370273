"""`docs/report.md` is true: its commands run, and its figures are those of the code."""

import shlex
from pathlib import Path

import pytest

from optc.driver.report import columns, histograms, names, page, plans
from optc.driver.report.page import _read
from tests.command_line import optc
from tests.unit.driver.small_model import write_model

PAGE = Path(__file__).resolve().parent.parent / "docs" / "report.md"

if not PAGE.is_file():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)

TEXT = PAGE.read_text("utf-8")


def test_each_command_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(Path("model.onnx"))
    assert optc("compress", "model.onnx", "--palettize", 4, "-o", "small.onnx").code == 0
    commands = [line.strip() for line in TEXT.splitlines() if line.startswith("    optc report")]
    assert commands
    for command in commands:
        done = optc(*shlex.split(command)[1:])
        assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "figure"),
    [
        ("A histogram has {} columns", histograms.BINS),
        ("are shown at {} places", histograms.PLACES),
        ("where there are at most {}.", histograms.MOST_LISTED),
        ("Names of more than {} characters", names.LONGEST_NAME),
        ("decisions after {}, decisions", plans.MOST_TEXTS),
        (", decisions after {}, histograms", plans.MOST_ROWS),
        ("histograms after {},", page.MOST_HISTOGRAMS),
        ("events of more than {}.", plans.MOST_EVENTS),
    ],
)
def test_the_limits_are_those_of_the_code(words: str, figure: int) -> None:
    assert words.format(f"{figure:,}") in TEXT.replace("\n", " ")


def test_the_script_knows_what_stands_for_infinity_and_for_a_place_of_a_palette() -> None:
    assert f"const EXACT = {columns.EXACT:g};".replace("e+", "e") in _read("table.js")
    assert f"const places = {histograms.PLACES - 1};" in _read("histogram.js")
    assert "const STEP = 25;" in _read("table.js")
    assert "25 rows are shown at first" in TEXT
