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


def test_predictions_are_those_of_plans_with_all_weights_pinned(tmp_path: Path) -> None:
    program = product(1, 64, FORMS["int8 per channel"].make)
    facade.save(program, tmp_path / "small.onnx")
    data = json.loads(optc("bench", tmp_path / "small.onnx", "--seconds", 0, "--json").out)
    for side in data["sides"]:
        totals = planning.plan(program, "x86-server", "cpu", {"w": side["choice"]}).totals
        assert (side["predicted_ms"], side["predicted_load_ms"]) == (totals.predict_ms, totals.load_ms)


def test_a_weight_that_is_kept_in_front_of_its_op_costs_its_expansion_at_each_prediction(tmp_path: Path) -> None:
    side, program = 256, linear(1, 256, rows_of_integers(DType.I8))
    facade.save(program, tmp_path / "small.onnx")
    made = planning.plan(program, "x86-server", "cpu")
    (weight,) = made.decisions
    assert (weight.expansion, weight.reason, weight.choice) == ("folds", "axis-on-unit", "load")
    load, kept = json.loads(optc("bench", tmp_path / "small.onnx", "--seconds", 0, "--json").out)["sides"]
    assert load["predicted_ms"] == made.totals.predict_ms
    unit = made.device.units["cpu"]
    rate, near = unit.schemes["quantized"].buffer_gweights_per_s, unit.weight_cache_gbps.value
    assert rate is not None
    written = 4e-6 * side**2 / unit.activation_gbps.value
    read = max((side**2 + 4 * side) * 1e-6 / near, 1e-6 * side**2 / rate.value)
    assert kept["predicted_ms"] - load["predicted_ms"] == pytest.approx(read + written)
    assert kept["predicted_load_ms"] < load["predicted_load_ms"]


def test_kept_weights_of_convolutions_are_said_to_be_slower_than_predicted(tmp_path: Path) -> None:
    small = facade.compress(facade.load(facade.demo_model()), facade.Quantize(dtype="int8"))
    facade.save(small, tmp_path / "small.onnx")
    out = optc("bench", tmp_path / "small.onnx", "--seconds", 0).out
    assert "2 kept weights of convolutions: ONNX Runtime lays out ahead only constant ones" in out


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
