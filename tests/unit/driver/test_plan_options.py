"""Options of plans: pins by pattern, and what is asked of two devices, or two models, at once."""

import json
from pathlib import Path
from typing import Any

import pytest

import optc as facade
from tests.command_line import optc
from tests.unit.driver.small_model import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of two compressed weights, `first` and `second`."""
    program = facade.load(write_model(tmp_path / "dense.onnx"))
    facade.save(facade.compress(program, facade.Palettize(bits=4)), tmp_path / "small.onnx")
    return tmp_path / "small.onnx"


def planned(*arguments: object) -> dict[str, Any]:
    result = optc("plan", *arguments, "--json")
    assert result.code == 0, result.err
    return dict(json.loads(result.out))


def choices(plan: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {d["name"]: (d["choice"], d["reason"]) for d in plan["weights"]}


def test_a_pattern_pins_all_that_match_and_a_name_counts_before_it(model: Path) -> None:
    on = (model, "--device", "x86-server")
    assert set(choices(planned(*on, "--pin", "*=predict")).values()) == {("predict", "pinned")}
    made = choices(planned(*on, "--pin", "*=predict", "--pin", "first=load"))
    assert made == {"first": ("load", "pinned"), "second": ("predict", "pinned")}
    assert choices(planned(*on, "--pin", "f*=predict"))["second"][1] != "pinned"
    program = facade.load(model)
    assert facade.plan(program, "x86-server", pins={"s?cond": "predict"}).request.pins == {"second": "predict"}


def test_patterns_that_say_the_same_of_a_weight_do_not_contradict_each_other(model: Path) -> None:
    made = choices(planned(model, "--device", "x86-server", "--pin", "*=predict", "--pin", "f*=predict"))
    assert made["first"] == ("predict", "pinned")


def test_weights_that_cannot_follow_a_pattern_share_a_line(model: Path) -> None:
    out = optc("plan", model, "--device", "iphone14pro", "--units", "cpu", "--pin", "*=predict").out
    assert "not pinned: first, second, as they cannot be expanded at predict on the cpu (folds-on-unit)" in out


def test_each_of_two_devices_takes_the_settings_that_it_has(model: Path) -> None:
    arguments = (model, "--device", "iphone14pro", "--against-device", "nvidia-h100", "--size", "batch=64")
    before, after = planned(*arguments), planned(*arguments, "--set", "npu.activation_gbps=0.01")
    assert after["a"]["totals"] != before["a"]["totals"]
    assert after["b"]["totals"] == before["b"]["totals"]


def test_each_of_two_devices_uses_those_of_the_units_that_it_has(model: Path) -> None:
    data = planned(model, "--device", "iphone14pro", "--against-device", "nvidia-h100", "--units", "cpu+npu")
    assert set(data["a"]["units"]) == {"cpu", "npu"}
    assert set(data["b"]["units"]) == {"cpu"}


def test_a_report_on_two_devices_does_the_same(model: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    devices = ("--device", "iphone14pro", "--device", "nvidia-h100")
    result = optc("report", model, *devices, "--units", "cpu+npu", "--set", "npu.weight_gbps=60", "-o", page)
    assert result.code == 0, result.err
    assert page.is_file()


def test_each_of_two_models_takes_the_sizes_that_it_has(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.optc"
    other.write_text("func @main(%x: f32[n]) -> (y: f32[n]) {\n  %y = relu(%x) : f32[n]\n  return %y\n}\n")
    arguments = (model, "--device", "iphone14pro", "--against", other, "--size", "n=7", "--size", "batch=64")
    data = planned(*arguments)
    assert (data["a"]["sizes"], data["b"]["sizes"]) == ({"batch": 64}, {"n": 7})
    assert "size must be of a symbolic dimension of the model (got m)" in optc("plan", *arguments, "--size", "m=1").err


def test_repeats_that_say_the_same_are_one(model: Path) -> None:
    assert optc("plan", model, "--device", "iphone14pro", "--size", "batch=2", "--size", "batch=2").code == 0
