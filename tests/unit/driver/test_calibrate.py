"""`optc calibrate`: what it writes, prints and refuses, with times that are given instead of measured."""

import json
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

import backends.cpu.measure
from backends.cpu.jobs import arithmetic
from backends.cpu.timing import Sample
from backends.device_files import load_device
from optc.driver.machine import processor
from tests.command_line import optc
from tests.unit.backends.cpu.observed import NAMES, observed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nothing is measured; the seconds that were asked for."""
    seconds: list[float] = []
    seen = observed(without=(arithmetic("bf16"),))
    unsteady = attrs.evolve(seen, samples={**seen.samples, arithmetic("f32"): Sample((1e-3, 2e-3, 3e-3))})

    def measure(time: float, *_: Any) -> Any:
        seconds.append(time)
        return unsteady

    monkeypatch.setattr(backends.cpu.measure, "measure", measure)
    return seconds


def test_the_table_can_be_planned_with_and_is_named_after_its_file(tmp_path: Path, asked: list[float]) -> None:
    result = optc("calibrate", "-o", tmp_path / "my-machine.toml", "--seconds", 7)
    assert (result.code, result.err) == (0, "")
    device = load_device(str(tmp_path / "my-machine.toml"))
    assert device.name == "my-machine"
    assert list(device.units) == ["cpu"]
    assert asked == [7.0]


def test_the_name_can_be_given(tmp_path: Path, asked: list[float]) -> None:
    optc("calibrate", "-o", tmp_path / "a.toml", "--name", "my server")
    assert load_device(str(tmp_path / "a.toml")).name == "my server"


def test_one_core_is_said_in_the_title_and_in_sources(tmp_path: Path, asked: list[float]) -> None:
    optc("calibrate", "-o", tmp_path / "a.toml", "--one-core")
    device = load_device(str(tmp_path / "a.toml"))
    assert device.title.endswith(", 1 core")
    assert device.units["cpu"].weight_gbps.source.endswith(", 1 core")


def test_what_was_measured_is_printed_with_its_spread_and_what_was_not_with_its_reason(
    tmp_path: Path, asked: list[float]
) -> None:
    out = optc("calibrate", "-o", tmp_path / "a.toml").out
    assert all(name in out for name in NAMES)
    assert f"not measured: {arithmetic('bf16')}: it cannot" in out
    assert "1 of 40 times have a spread above 10%: something else ran" in out
    assert "cpu.schemes.sparse_quantized.decode_gweights_per_s" in out


def test_json_has_figures_times_and_refusals(tmp_path: Path, asked: list[float]) -> None:
    data = json.loads(optc("calibrate", "-o", tmp_path / "a.toml", "--json").out)
    (unsteady,) = [row for row in data["times"] if row["what"] == arithmetic("f32")]
    assert (unsteady["ms"], unsteady["median_ms"], unsteady["spread"]) == (1.5, 2.0, 0.5)
    assert data["refused"] == [{"what": arithmetic("bf16"), "why": "it cannot"}]
    assert {"disk_gbps", "cpu.launch_ms"} <= {row["path"] for row in data["figures"]}


def test_without_onnxruntime_there_is_one_clear_error_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = optc("calibrate", "-o", tmp_path / "a.toml")
    assert result.err == "error: calibrate: package onnxruntime must be installed; pip install 'optc[run]'\n"
    assert (result.code, list(tmp_path.iterdir())) == (2, [])


def test_another_suffix_and_a_missing_folder_are_refused_before_measuring(tmp_path: Path, asked: list[float]) -> None:
    assert "suffix must be .toml (got .yaml)" in optc("calibrate", "-o", tmp_path / "a.yaml").err
    assert "output file must be writable" in optc("calibrate", "-o", tmp_path / "none" / "a.toml").err
    assert asked == []


def test_a_measurement_that_fails_leaves_the_old_table(
    tmp_path: Path, asked: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    optc("calibrate", "-o", tmp_path / "a.toml")
    old = (tmp_path / "a.toml").read_text()

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(backends.cpu.measure, "measure", interrupted)
    assert optc("calibrate", "-o", tmp_path / "a.toml").code == 130
    assert (tmp_path / "a.toml").read_text() == old


def test_the_processor_is_what_the_system_calls_it_and_never_empty(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A chip: 9\nmodel name\t: Another\n")
    assert processor(tmp_path / "cpuinfo") == "A chip: 9"
    assert processor(tmp_path / "none")
