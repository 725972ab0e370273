"""`optc demo`: what it says is true, and what it tells to type runs."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import attrs
import pytest

import optc
from optc.driver.demo.journey import SETTINGS
from optc.driver.demo.schemes import SCHEMES, Subject, measure, smallest_as_good
from optc.driver.demo.shipped import demo_data, demo_model
from tests.command_line import Result
from tests.command_line import optc as run_optc

FILES = {"digits.onnx", "digits_held_out.npz", "clean.onnx", "small.onnx", "small.mlpackage", "report.html"}


@attrs.frozen
class Journey:
    """What the command gave, and the folder that it filled."""

    data: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    folder = tmp_path_factory.mktemp("journey") / "a new folder" / "digits"
    result = run_optc("demo", "-o", folder, "--json")
    assert (result.code, result.err) == (0, "")
    return Journey(json.loads(result.out), folder)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject.shipped("reference")


def chosen(journey: Journey) -> dict[str, Any]:
    (row,) = (row for row in journey.data["schemes"] if row["options"] == journey.data["chosen"])
    return row


def test_it_ends_with_these_files_and_leaves_no_others(journey: Journey) -> None:
    assert {path.name for path in journey.folder.iterdir()} == FILES
    files = {Path(file["path"]): file["bytes"] for file in journey.data["files"]}
    assert set(files) == set(journey.folder.iterdir())
    assert files[journey.folder / "small.onnx"] == (journey.folder / "small.onnx").stat().st_size


@pytest.mark.parametrize("name", ["digits.onnx", "clean.onnx", "small.onnx", "small.mlpackage"])
def test_the_files_recognise_the_pictures_that_it_says(journey: Journey, name: str) -> None:
    pictures, digits = demo_data()
    (logits,) = optc.run(optc.load(journey.folder / name), {"picture": pictures}).values()
    (said,) = (file["right"] for file in journey.data["files"] if Path(file["path"]).name == name)
    assert int((logits.argmax(1) == digits).sum()) == said


def test_what_is_written_is_the_scheme_that_it_names(journey: Journey) -> None:
    small = journey.folder / "small.onnx"
    assert small.stat().st_size == chosen(journey)["bytes"]
    program = optc.load(small)
    (original,) = (row for row in SCHEMES if row.options == journey.data["chosen"])
    assert program == optc.Pipeline.parse(original.pipeline).run(optc.load(demo_model()))


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.options)
def test_the_options_that_are_shown_make_a_file_of_the_size_that_is_shown(
    journey: Journey, tmp_path: Path, scheme: Any
) -> None:
    made = tmp_path / "made.onnx"
    assert run_optc("compress", demo_model(), *scheme.options.split(), "-o", made).code == 0
    (row,) = (row for row in journey.data["schemes"] if row["options"] == scheme.options)
    assert made.stat().st_size == row["bytes"]


def test_more_bits_are_more_bytes_and_less_noise(journey: Journey) -> None:
    rows = {row["options"]: row for row in journey.data["schemes"]}
    palettes = [rows[f"--palettize {bits}"] for bits in (2, 4, 6, 8)]
    for key in ("bytes", "snr_db_weights", "snr_db_outputs"):
        values = [row[key] for row in palettes]
        assert values == sorted(values)
        assert len(set(values)) == len(values)


def test_the_chosen_scheme_loses_no_picture_and_no_smaller_one_does_as_well(journey: Journey) -> None:
    right = journey.data["before"]["right"]
    row = chosen(journey)
    assert row["right"] >= right
    assert all(other["bytes"] >= row["bytes"] for other in journey.data["schemes"] if other["right"] >= right)


def test_if_all_lose_pictures_the_one_that_loses_fewest_is_chosen(subject: Subject) -> None:
    tried = list(measure(subject, [s for s in SCHEMES if s.options in ("--palettize 2", "--sparsify 0.5")]))
    assert all(row.right < subject.right for row in tried)
    assert smallest_as_good(subject, tried).right == max(row.right for row in tried)


def test_the_reference_recognises_as_many_as_onnxruntime(subject: Subject) -> None:
    pytest.importorskip("onnxruntime")
    assert subject.right == Subject.shipped("onnxruntime").right


def test_without_onnxruntime_the_reference_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optc.driver.demo.schemes.find_spec", lambda name: None)
    assert Subject.shipped().engine == "reference"


def test_three_devices_differ_in_when_they_expand_and_each_decision_has_its_numbers(journey: Journey) -> None:
    plans = journey.data["plans"]
    assert len({plan["device"] for plan in plans}) == 3
    decided = [[(w["choice"], w["reason"]) for w in plan["weights"] if w["scheme"] != "dense"] for plan in plans]
    assert {choice for plan in decided for choice, _ in plan} == {"load", "predict"}
    assert len({str(plan) for plan in decided}) >= 3
    for plan in plans:
        assert all(w["predict_ms_if_load"] > 0 and w["predict_ms_if_predict"] > 0 for w in plan["weights"])


def test_the_report_is_of_both_networks_and_asks_for_nothing_outside(journey: Journey) -> None:
    page = (journey.folder / "report.html").read_text("utf-8")
    assert all(name in page for name in ("small.onnx", "clean.onnx", "6.weight", "iPhone 14 Pro", "NVIDIA H100"))
    assert 'src="http' not in page


def test_what_was_lost_is_noise_of_compression_alone(journey: Journey) -> None:
    line = next(line for line in journey.data["next"] if line.startswith("optc diff"))
    found = json.loads(run_optc(*shlex.split(line)[1:], "--json").out)["weights"]
    changed = {row["name"]: row["snr_db"] for row in found if not row["exact"]}
    assert set(changed) == {"3.weight", "6.weight", "11.weight"}
    assert min(changed.values()) == pytest.approx(chosen(journey)["snr_db_weights"])


def test_what_it_says_to_type_runs(journey: Journey) -> None:
    own = [line for line in journey.data["next"] if "YOUR_MODEL" not in line]
    assert len(own) >= 3
    for line in own:
        program, *words = shlex.split(line)
        assert program == "optc"
        assert run_optc(*words).code == 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journey of two schemes."""
    monkeypatch.setattr("optc.driver.demo.schemes.measure.__defaults__", (SCHEMES[2:4],))


def demo(*arguments: object) -> Result:
    return run_optc("demo", *arguments)


@pytest.mark.usefixtures("quick")
def test_in_a_pipe_it_writes_plain_text_with_each_file_and_each_weight(tmp_path: Path) -> None:
    result = demo("-o", tmp_path / "out")
    assert (result.code, result.err) == (0, "")
    assert "\x1b" not in result.out
    assert all(name in result.out for name in (*FILES, "3.weight", "6.weight", "11.weight", "Next:"))


@pytest.mark.parametrize("folder", ["my digits' folder", "-digits"])
@pytest.mark.usefixtures("quick")
def test_each_command_that_it_prints_runs_where_it_was_started(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = demo(f"--output={folder}").out
    lines = [line.strip() for line in printed.splitlines() if re.search(r"\boptc [a-z]+ ", line)]
    assert len(lines) == 1 + len(SETTINGS) + 5
    plans = [line for line in lines if line.startswith("optc plan") and "--against" not in line]
    for line in plans:
        said = run_optc(*shlex.split(line)[1:], "--json")
        assert said.code == 0
        us = f"{json.loads(said.out)['totals']['predict_ms'] * 1e3:.3g} us"
        assert us in printed.partition(f"{line}\n")[2].partition("\n")[0]
    before = (tmp_path / folder / "small.onnx").read_bytes()
    for line in set(lines) - set(plans):
        if "YOUR_MODEL" not in line:
            assert run_optc(*shlex.split(line)[1:]).code == 0
    assert (tmp_path / folder / "small.onnx").read_bytes() == before


@pytest.mark.usefixtures("quick")
def test_run_again_it_replaces_its_files_and_leaves_others(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "small.onnx").write_text("old")
    assert demo("-o", tmp_path, "--json").code == 0
    assert (tmp_path / "mine.txt").read_text() == "mine"
    optc.load(tmp_path / "small.onnx")
    assert demo("-o", tmp_path, "--json").code == 0
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "mine.txt"}


def test_a_place_that_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optc.driver.demo.schemes.measure", lambda *_: pytest.fail("the work was begun"))
    file = tmp_path / "file"
    file.write_text("")
    for place in (file, file / "below"):
        result = demo("-o", place)
        assert result.code == 1
        assert f"{place}: output file must be writable" in result.err
    taken = tmp_path / "taken"
    (taken / "small.mlpackage").mkdir(parents=True)
    (taken / "small.mlpackage" / "thesis.txt").write_text("mine")
    assert demo("-o", taken).code == 1
    assert (taken / "small.mlpackage" / "thesis.txt").read_text() == "mine"


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    result = demo("--engine", "tensorrt", "-o", tmp_path)
    assert result.code == 2
    assert "reference or onnxruntime" in result.err
