"""`optc simulate` and `optc.simulate`: times, traces, and outputs held against the reference."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import optc
from optc.driver.simulating import made_up_inputs, sizes_of_inputs
from tests.command_line import optc as command
from tests.unit.driver.small_model import inputs, write_model

DEVICE = ("--device", "iphone14pro")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx")


@pytest.fixture
def x(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", inputs()["x"])
    return tmp_path / "x.npy"


def test_without_inputs_the_command_shows_resources_steps_and_totals(model: Path) -> None:
    done = command("simulate", model, *DEVICE)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].split() == ["unit", "resource", "busy", "ms", "of", "the", "time"]
    assert lines[-1].startswith("iPhone 14 Pro (A16 Bionic): load ")
    assert "resident" in lines[-1]
    assert "output" not in done.out


def test_as_data_the_totals_are_those_of_the_resources_and_the_plan(model: Path) -> None:
    found = json.loads(command("simulate", model, *DEVICE, "--json").out)
    planned = json.loads(command("plan", model, *DEVICE, "--json").out)
    assert found["device"] == "iphone14pro"
    assert found["outputs"] == []
    totals = {**planned["totals"], "planned_predict_ms": planned["totals"]["predict_ms"]}
    for key in ("load_ms", "planned_predict_ms", "resident_bytes", "peak_bytes"):
        assert found["totals"][key] == pytest.approx(totals[key])
    for row in found["resources"]:
        assert row["busy_ms"] == pytest.approx(row["utilisation"] * found["totals"]["predict_ms"])
    assert [step["ms"] for step in found["longest"]] == sorted((s["ms"] for s in found["longest"]), reverse=True)


def test_outputs_differ_from_the_reference_by_the_rounding_of_the_unit(model: Path, x: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    device = ("--device", "macbook-m1", "--units", "cpu+gpu", "--set", "cpu.op_us=1000000")
    found = json.loads(command("simulate", model, *device, "--input", f"x={x}", "-o", out, "--json").out)
    (row,) = found["outputs"]
    assert row["name"] == "y"
    assert 50 < row["snr_db"] < 80
    assert not row["exact"]
    with np.load(out) as arrays:
        y = arrays["y"]
    assert (y == y.astype(np.float16)).all()
    reference = optc.run(optc.load(model), inputs())["y"]
    assert row["max_error"] == pytest.approx(float(np.abs(y - reference).max()))


def test_at_reference_precision_outputs_are_those_of_run(model: Path, x: Path, tmp_path: Path) -> None:
    simulated, run = tmp_path / "simulated.npz", tmp_path / "run.npz"
    asked = ("--input", f"x={x}", "--precision", "reference", "-o", simulated)
    assert "the same as the reference" in command("simulate", model, *DEVICE, *asked).out
    command("run", model, "--input", f"x={x}", "-o", run)
    with np.load(simulated) as a, np.load(run) as b:
        assert a["y"].tobytes() == b["y"].tobytes()


def test_the_trace_is_json_whose_last_slice_ends_with_the_prediction(model: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    totals = json.loads(command("simulate", model, *DEVICE, "--trace", trace, "--json").out)["totals"]
    events = [event for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] == "X"]
    end = max(event["ts"] + event["dur"] for event in events)
    assert end == pytest.approx((totals["load_ms"] + totals["predict_ms"]) * 1e3, abs=2e-3)
    first = trace.read_bytes()
    command("simulate", model, *DEVICE, "--trace", trace)
    assert trace.read_bytes() == first


def test_a_batch_of_three_is_three_times_the_arithmetic_whether_it_is_said_or_given(model: Path, x: Path) -> None:
    def arithmetic_ms(*asked: str) -> float:
        rows = json.loads(command("simulate", model, *DEVICE, *asked, "--json").out)["resources"]
        return math.fsum(row["busy_ms"] for row in rows if row["resource"] == "arithmetic")

    assert arithmetic_ms("--size", "batch=3") == pytest.approx(3 * arithmetic_ms())
    assert arithmetic_ms("--input", f"x={x}") == arithmetic_ms("--size", "batch=3")


def test_made_up_inputs_are_the_same_for_the_same_seed_and_of_the_sizes_asked_for(model: Path) -> None:
    program = optc.load(model)
    first, again, other = (made_up_inputs(program, seed, {"batch": 5})["x"] for seed in (1, 1, 2))
    assert first.shape == (5, 64)
    assert first.dtype == np.float32
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert sizes_of_inputs(program, {"x": first}) == {"batch": 5}
    rows = json.loads(command("simulate", model, *DEVICE, "--made-up", 1, "--size", "batch=5", "--json").out)["outputs"]
    assert [row["name"] for row in rows] == ["y"]


def test_a_size_that_an_input_contradicts_is_refused_and_one_that_agrees_is_not(model: Path, x: Path) -> None:
    given = ("simulate", model, *DEVICE, "--input", f"x={x}", "--size")
    done = command(*given, "batch=5")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: optc simulate: size of dimension batch must be 3, as the inputs have it (got 5); "
        "leave it out, or give an input of that size\n"
    )
    assert command(*given, "batch=3").code == 0
    with pytest.raises(optc.UsageError, match="batch must be 3") as refused:
        optc.simulate(optc.load(model), "iphone14pro", inputs(), sizes={"batch": 5})
    assert refused.value.slug == "size-conflict"


def test_outputs_without_inputs_are_refused_before_anything_is_written(model: Path, tmp_path: Path) -> None:
    done = command("simulate", model, *DEVICE, "-o", tmp_path / "out.npz")
    assert done.code == 2
    assert done.err == (
        "error: optc simulate: outputs must be computed from inputs (got no inputs); give --input or --made-up\n"
    )
    assert not (tmp_path / "out.npz").exists()


def test_a_text_input_is_not_made_up() -> None:
    program = optc.parse("func @main(%words: str[2]) -> (words: str[2]) {\n  return %words\n}\n")
    with pytest.raises(optc.OptcError, match="input words must be of numbers to be made up"):
        made_up_inputs(program, 0, {})


def test_the_facade_gives_outputs_and_times(model: Path) -> None:
    program = optc.load(model)
    found = optc.simulate(program, "iphone14pro", inputs())
    assert isinstance(found, optc.Simulation)
    assert found.outputs is not None
    assert found.outputs["y"].shape == (3, 64)
    assert found.predict_ms == optc.simulate(program, "iphone14pro", sizes={"batch": 3}).predict_ms
    exact = optc.simulate(program, "iphone14pro", inputs(), precision="reference").outputs
    assert exact is not None
    assert exact["y"].tobytes() == optc.run(program, inputs())["y"].tobytes()
