"""The examples run as they are, alone in an empty folder, and stay short enough to start from."""

import ast
import contextlib
import io
import runpy
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

import optc

FOLDER = Path(__file__).resolve().parent.parent / "examples"
if not FOLDER.is_dir():
    pytest.skip("the examples are not beside the tests", allow_module_level=True)

EXAMPLES = sorted(FOLDER.glob("*.py"))
FEWER_LINES_THAN = 40
Run = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs an example in an empty folder; what it prints."""
    monkeypatch.chdir(tmp_path)

    def running(name: str) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
        return out.getvalue()

    return running


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_says_what_one_learns_and_imports_only_what_is_public(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) < FEWER_LINES_THAN
    tree = ast.parse(text)
    assert "You learn" in (ast.get_docstring(tree) or "")
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [name for name in modules if name.split(".")[0] in ("passes", "backends", "tests")] == []
    assert [name for name in modules if name.startswith("optc.driver")] == []


def test_compress_a_model_writes_both_files_and_loses_no_picture(run: Run) -> None:
    printed = run("compress_a_model")
    before, after = (line.split(": ")[1] for line in printed.splitlines() if "recognised" in line)
    assert before == after
    assert optc.weights(optc.load("small.onnx"))["11.weight"].scheme == "quantized"
    assert optc.weights(optc.load("small.mlpackage"))["_3_weight"].scheme == "palettized"


def test_compare_schemes_shows_both_with_a_decision_for_each_weight(run: Run) -> None:
    printed = run("compare_schemes")
    assert printed.count("bytes of weights") == 2
    assert printed.count("expanded at") == 6


def test_add_a_device_makes_a_table_under_which_decisions_flip(run: Run) -> None:
    before, after = run("add_a_device").split("A phone with slow lookups")
    assert "6.weight on npu: expanded at predict" in before
    assert "6.weight on npu: expanded at load (faster-at-load)" in after


def test_write_a_pass_makes_one_that_holds_the_laws_and_works_on_the_network(run: Run) -> None:
    ops = ast.literal_eval(run("write_a_pass"))
    assert ops.index("max_pool") + 1 == len(ops) - 1 - ops[::-1].index("relu")


def test_the_law_in_write_a_pass_finds_a_wrong_rule(tmp_path: Path) -> None:
    text = (FOLDER / "write_a_pass.py").read_text("utf-8")
    wrong = text.replace("return Relu(", "return Abs(").replace(
        "import Relu", "import Relu\nfrom optc.ops.unary import Abs"
    )
    assert wrong != text
    path = tmp_path / "wrong.py"
    path.write_text(wrong, "utf-8")
    with pytest.raises(AssertionError, match="differs"):
        runpy.run_path(str(path))


@pytest.mark.skipif(find_spec("torch") is None or find_spec("onnxscript") is None, reason="the extra torch is absent")
def test_torch_to_coreml_writes_a_package_that_computes_nearly_the_same(run: Run) -> None:
    printed = run("torch_to_coreml")
    assert "4.weight: quantized int8" in printed
    assert "read back the same: True" in printed
    assert Path("scores.mlpackage", "Manifest.json").is_file()
