"""`optc bench`: what it runs, what it predicts, and what it says; not how fast things are."""

import json
import sys
from pathlib import Path

import pytest

import optc as facade
from backends.cpu.engine import operators_of
from backends.cpu.sample_programs import linear, product
from backends.cpu.sample_weights import FORMS, dense, rows_of_integers
from optc.driver import planning
from optc.driver.benching import keeps
from optc.ir.dtypes import DType
from optc.ops.weights import weights_of
from tests.command_line import optc
from tests.unit.driver.small_model import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with weights of int8, which ONNX Runtime keeps."""
    program = facade.load(write_model(tmp_path / "dense.onnx"))
    facade.save(facade.compress(program, facade.Quantize(dtype="int8")), tmp_path / "small.onnx")
    return tmp_path / "small.onnx"


@pytest.mark.parametrize("name", FORMS)
def test_what_is_said_to_be_kept_is_what_onnx_runtime_keeps(name: str) -> None:
    program = product(1, 64, FORMS[name].make)
    kept = operators_of(program) != ["MatMul"]  # the product with what was worked out at load
    assert keeps(weights_of(program)[0]) == kept


def test_a_weight_of_a_linear_op_is_kept_beside_it() -> None:
    program = linear(1, 64, rows_of_integers(DType.I8))
    assert operators_of(program) == ["DequantizeLinear", "Gemm"]
    assert keeps(weights_of(program)[0])


def test_a_dense_weight_is_not_kept_compressed() -> None:
    assert not keeps(weights_of(product(1, 64, dense))[0])


def test_measured_and_predicted_stand_side_by_side(model: Path) -> None:
    data = json.loads(optc("bench", model, "--seconds", 0, "--size", "batch=2", "--json").out)
    load, predict = data["sides"]
    assert (load["choice"], predict["choice"]) == ("load", "predict")
    assert (load["kept"], predict["kept"]) == (0, 2)
    assert load["file_bytes"] > 2 * predict["file_bytes"]
    for side in data["sides"]:
        assert min(side[key] for key in ("ms", "best_ms", "load_ms", "predicted_ms", "predicted_load_ms")) > 0


def test_predictions_are_those_of_plans_with_all_weights_pinned(model: Path) -> None:
    data = json.loads(optc("bench", model, "--seconds", 0, "--device", "iphone14pro", "--json").out)
    program = facade.load(model)
    names = [weight.name for weight in weights_of(program) if weight.scheme != "dense"]
    for side in data["sides"]:
        free = {d.name for d in planning.plan(program, "iphone14pro", "cpu").decisions if d.is_free}
        pins = {name: side["choice"] for name in names if name in free}
        totals = planning.plan(program, "iphone14pro", "cpu", pins).totals
        assert (side["predicted_ms"], side["predicted_load_ms"]) == (totals.predict_ms, totals.load_ms)


def test_weights_that_onnx_runtime_expands_at_load_anyway_are_counted(tmp_path: Path) -> None:
    program = facade.load(write_model(tmp_path / "dense.onnx"))
    facade.save(facade.compress(program, facade.Palettize(bits=4)), tmp_path / "small.onnx")
    out = optc("bench", tmp_path / "small.onnx", "--seconds", 0).out
    assert "2 of 2 compressed weights are expanded by ONNX Runtime at load in both rows" in out


def test_a_model_without_compressed_weights_says_so(tmp_path: Path) -> None:
    out = optc("bench", write_model(tmp_path / "dense.onnx"), "--seconds", 0).out
    assert "no weight is compressed: both rows run the same model" in out
    assert "measured ms" in out


def test_what_is_wrong_is_said_before_anything_runs(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "did you mean batch?" in optc("bench", model, "--size", "batc=2").err
    assert optc("bench", model, "--device", "x86-sever").code == 2
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = optc("bench", model)
    assert result.err == "error: bench: package onnxruntime must be installed; pip install 'optc[run]'\n"
    assert result.code == 2
