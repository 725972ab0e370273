"""Every wrong program, pipeline, option and model stands beside its exact message.

`NAME.optc` may begin with a RUN line; without one the command is `optc opt`, which is to refuse it. `NAME.expected` is
all that the command writes: one message on standard error. The wrong ONNX models are made by `models.py`.
"""

from pathlib import Path

import pytest

from tests.command_line import Result, RunLine, optc
from tests.invalid.models import MODELS

FOLDER = Path(__file__).parent
TEXTS = sorted(FOLDER.glob("*.optc"))


def check(result: Result, code: int, expected: Path, update: bool) -> None:
    assert result.code == code, result.err
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.endswith("\n")
    assert "Traceback" not in result.err
    if update:
        expected.write_text(result.err, "utf-8")
    assert result.err == expected.read_text("utf-8")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_wrong_program_pipeline_or_option_is_refused_with_its_message(
    path: Path, tmp_path: Path, update_golden: bool
) -> None:
    (tmp_path / "folder.onnx").mkdir()
    first = path.read_text("utf-8", "replace").partition("\n")[0]
    run = RunLine.read(first) or RunLine("opt %s --bundles %t/bundles", 1)
    check(run.run(path, tmp_path), run.code, path.with_suffix(".expected"), update_golden)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.onnx"]


@pytest.mark.parametrize("name", MODELS)
def test_a_wrong_onnx_model_is_refused_with_its_message(
    name: str, tmp_path: Path, update_golden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").write_bytes(MODELS[name]())
    check(optc("opt", "model.onnx", "--quiet"), 1, FOLDER / f"onnx_{name}.expected", update_golden)


def test_every_message_belongs_to_a_case() -> None:
    cases = {path.stem for path in TEXTS} | {f"onnx_{name}" for name in MODELS}
    assert {path.stem for path in FOLDER.glob("*.expected")} == cases
