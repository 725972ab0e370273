"""The commands one after another on an ONNX model; ONNX Runtime judges what they write."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from optc.driver.models import load
from optc.ir.interpreter import interpret
from optc.numerics.distance import snr_db
from tests.command_line import optc
from tests.unit.driver.small_model import inputs, write_model

REMARK = {"weight", "pass", "decision", "reason", "scheme", "bytes_before", "bytes_after", "snr_db"}
PLANNED_WEIGHT = {
    "name", "unit", "choice", "reason", "predict_ms_if_load", "predict_ms_if_predict", "load_ms_if_load",
    "load_ms_if_predict", "resident_bytes_if_load", "resident_bytes_if_predict", "break_even",
}  # fmt: skip
PLANNED_OP = {"name", "op", "unit", "ms", "bound", "reason"}
TOTALS = {"load_ms", "predict_ms", "disk_bytes", "resident_bytes", "peak_bytes"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx")


def run_with_onnxruntime(path: Path, as_written: bool = False) -> np.ndarray:
    """The output; `as_written` keeps ONNX Runtime from fusing, which may round the inputs of quantized products."""
    options = onnxruntime.SessionOptions()
    if as_written:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, inputs())
    return np.asarray(y)


@pytest.mark.parametrize(
    ("options", "largest", "least_db"),
    [
        (["--palettize", 8], 0.36, 35.0),
        (["--palettize", 4], 0.22, 14.0),
        (["--quantize", "int8"], 0.34, 35.0),
        (["--quantize", "uint8"], 0.34, 35.0),
        (["--quantize", "int4"], 0.22, 14.0),
        (["--pipeline", "@cleanup,palettize{bits=6}"], 0.28, 25.0),
    ],
    ids=str,
)
def test_what_compress_writes_runs_in_onnxruntime_and_is_small_and_close(
    model: Path, options: list[Any], largest: float, least_db: float
) -> None:
    small = model.with_name("small.onnx")
    done = optc("compress", model, *options, "-o", small)
    assert (done.code, done.err) == (0, "")
    assert small.stat().st_size < largest * model.stat().st_size
    assert snr_db(run_with_onnxruntime(model), run_with_onnxruntime(small)) > least_db
    ours = interpret(load(small), inputs())["y"]
    np.testing.assert_allclose(ours, run_with_onnxruntime(small, as_written=True), rtol=1e-4, atol=1e-4)


def test_the_remarks_tell_of_each_weight_once(model: Path) -> None:
    remarks = model.with_name("remarks.json")
    done = optc("compress", model, "--palettize", 8, "-o", model.with_name("small.onnx"), "--remarks", remarks)
    assert done.code == 0
    found = [r for r in json.loads(remarks.read_text())["remarks"] if r["pass"] == "palettize"]
    assert all(set(remark) >= REMARK for remark in found)
    assert {r["weight"]: (r["decision"], r["reason"]) for r in found} == {
        "first": ("done", "compressed"),
        "bias": ("skipped", "too-few-elements"),
        "second": ("done", "compressed"),
    }
    first = next(r for r in found if r["weight"] == "first")
    assert (first["bytes_before"], first["bytes_after"]) == (64 * 96 * 4, 64 * 96 + 256 * 4)
    assert first["snr_db"] > 35
    assert len(found) == 3


def test_a_joint_form_is_one_row_with_the_error_against_the_weight_that_was_given(model: Path) -> None:
    small = model.with_name("small.onnx")
    done = optc("compress", model, "--sparsify", 0.5, "--palettize", 4, "-o", small)
    (row,) = (line.split() for line in done.out.splitlines() if line.startswith("first"))
    found = json.loads(optc("diff", model, small, "--json").out)["weights"]
    error = next(weight["snr_db"] for weight in found if weight["name"] == "first")
    assert row[:5] == ["first", "done", "sparse,", "palettized", "4-bit"]
    assert row[5] == f"{64 * 96 * 4:,}"
    assert row[7] == f"{error:.1f}"


def test_sizes_that_were_taken_in_place_of_others_are_said_on_the_screen(model: Path) -> None:
    done = optc("compress", model, "--palettize", 4, "--group-size", 7, "-o", model.with_name("small.onnx"))
    assert "2 weights: size 8 instead of 7, which does not divide" in done.out.splitlines()


@pytest.mark.parametrize(("dtype", "bits"), [("int5", 5), ("uint3", 3), ("int4", 0), ("float8e4m3", 0)])
def test_codes_that_are_stored_in_more_bits_are_said_to_be_so(
    model: Path, tmp_path: Path, dtype: str, bits: int
) -> None:
    remarks = tmp_path / "remarks.json"
    done = optc("compress", model, "--quantize", dtype, "-o", tmp_path / "small.onnx", "--remarks", remarks)
    assert (f"2 weights: codes of {bits} bits, stored in more" in done.out.splitlines()) is bool(bits)
    assert ("stored in more" in done.out) is bool(bits)
    made = [r["numbers"] for r in json.loads(remarks.read_text("utf-8"))["remarks"] if r["decision"] == "done"]
    assert [numbers.get("code_bits", 0) for numbers in made] == [bits, bits]


@pytest.mark.parametrize(
    "scheme", [("--quantize", "float8e4m3"), ("--sparsify", 0.5, "--quantize", "int8", "--target", "ios16")]
)
def test_what_core_ml_does_not_express_is_refused_with_the_name_of_the_weight(model: Path, scheme: Any) -> None:
    done = optc("compress", model, *scheme, "-o", model.with_name("small.mlpackage"))
    assert done.code == 1
    assert " of %first." in done.err


def test_json_is_the_remarks_and_the_sizes_of_the_files(model: Path) -> None:
    small = model.with_name("small.onnx")
    data = json.loads(optc("compress", model, "--quantize", "int8", "-o", small, "--json").out)
    assert data["totals"] == {"bytes_before": model.stat().st_size, "bytes_after": small.stat().st_size}
    assert all(set(remark) >= REMARK for remark in data["remarks"])


def test_a_model_may_be_compressed_in_its_own_place(model: Path) -> None:
    before = model.stat().st_size
    done = optc("compress", model, "--palettize", 8, "-o", model)
    assert done.code == 0
    assert f"of {before:,}" in done.out
    assert model.stat().st_size < before / 2
    assert run_with_onnxruntime(model).shape == (3, 64)


def test_the_plan_has_the_keys_that_scripts_rely_on_and_its_totals_add_up(model: Path) -> None:
    small = model.with_name("small.onnx")
    optc("compress", model, "--palettize", 8, "-o", small)
    plan = json.loads(optc("plan", small, "--device", "iphone14pro", "--json").out)
    assert plan["device"] == "iphone14pro"
    assert set(plan["totals"]) >= TOTALS
    assert sum(plan["shares"].values()) == pytest.approx(1.0)
    assert {w["name"] for w in plan["weights"]} == {"first", "second"}
    for weight in plan["weights"]:
        assert set(weight) >= PLANNED_WEIGHT
        assert weight["choice"] in ("load", "predict")
    for op in plan["ops"]:
        assert set(op) >= PLANNED_OP
    resident = sum(w[f"resident_bytes_if_{w['choice']}"] for w in plan["weights"])
    assert plan["totals"]["resident_bytes"] == resident


@pytest.mark.parametrize("choice", ["load", "predict"])
def test_a_lowered_program_loads_then_predicts_the_same_bits(model: Path, choice: str) -> None:
    small, lowered = model.with_name("small.onnx"), model.with_name("lowered.optc")
    optc("compress", model, "--palettize", 4, "-o", small)
    pins = [word for name in ("first", "second") for word in ("--pin", f"{name}={choice}")]
    done = optc("plan", small, "--device", "iphone14pro", *pins, "--lowered", lowered)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("pinned") == 2
    program = load(lowered)
    resident = interpret(program, {}, "load")
    assert len(resident) == (2 if choice == "load" else 0)
    given = {**resident, **inputs()}
    predicted = interpret(program, given, "predict")
    assert np.array_equal(predicted["y"], interpret(load(small), inputs())["y"])


def test_opt_writes_what_it_would_print_and_reads_it_back(model: Path) -> None:
    text, back = model.with_name("model.optc"), model.with_name("back.onnx")
    printed = optc("opt", model, "--pipeline", "@cleanup")
    assert optc("opt", model, "--pipeline", "@cleanup", "-o", text).out == ""
    assert text.read_text() == printed.out
    assert optc("opt", text, "-o", back).code == 0
    assert np.array_equal(interpret(load(back), inputs())["y"], interpret(load(text), inputs())["y"])
    np.testing.assert_allclose(run_with_onnxruntime(back), run_with_onnxruntime(model), rtol=1e-5, atol=1e-5)


def test_opt_can_print_times_counters_and_remarks_as_json(model: Path) -> None:
    done = optc("opt", model, "--pipeline", "dead-code,quantize,dead-code", "--stop-after", 2, "--json")
    data = json.loads(done.out)
    assert [record["pass"] for record in data["passes"]] == ["dead-code", "quantize"]
    assert data["stopped_before"] == "dead-code"
    assert data["statistics"]["quantize.compressed"] == 2
    assert len(data["remarks"]) == 3


def test_opt_shows_times_and_peaks_on_standard_error(model: Path) -> None:
    done = optc("opt", model, "--pipeline", "dead-code", "--timing", "--memory", "--quiet")
    assert done.out == ""
    assert done.err.splitlines()[0].split() == ["pass", "ms", "peak", "bytes", "changed"]
    assert done.err.splitlines()[1].split()[:2] == ["1", "dead-code"]
