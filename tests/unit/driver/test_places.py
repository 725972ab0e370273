"""What a command writes beside its result never overwrites what it reads, nor another result."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest

import optc
from optc.driver.output import check_places
from tests.command_line import optc as command
from tests.unit.driver.small_model import inputs, write_model

DEVICE = ("--device", "iphone14pro")
WRITTEN = "another file than those that are read and written"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    optc.save(optc.load(write_model(tmp_path / "m.onnx")), tmp_path / "m.optc")
    np.savez("in.npz", **inputs())
    np.savez("importance.npz", first=np.ones(1, np.float32))
    (tmp_path / "config.yaml").write_text("default: palettize{bits=8}\n")
    os.symlink("m.onnx", "link.onnx")
    os.link("m.onnx", "hard.onnx")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "m.onnx", *DEVICE, "--remarks", "m.onnx"),
        ("plan", "m.onnx", *DEVICE, "--remarks", "./link.onnx"),
        ("plan", "m.onnx", *DEVICE, "--remarks", "hard.onnx"),
        ("plan", "m.onnx", *DEVICE, "--against", "m.optc", "--remarks", "m.optc.safetensors"),
        ("plan", "m.optc", *DEVICE, "--lowered", "m.optc"),
        ("opt", "m.onnx", "--pipeline", "dead-code", "--remarks", "m.onnx"),
        ("opt", "m.onnx", "--pipeline", "dead-code", "-o", "new.optc", "--remarks", "new.optc"),
        ("simulate", "m.onnx", *DEVICE, "--trace", "m.onnx"),
        ("simulate", "m.onnx", *DEVICE, "--input", "in.npz", "--trace", "in.npz"),
        ("simulate", "m.onnx", *DEVICE, "--made-up", 0, "-o", "new.npz", "--trace", "new.npz"),
        ("run", "m.onnx", "--input", "in.npz", "-o", "in.npz"),
        ("compress", "m.onnx", "--config", "config.yaml", "--remarks", "config.yaml", "-o", "new.onnx"),
        ("compress", "m.onnx", "--palettize", 4, "--importance", "importance.npz", "--remarks", "importance.npz", "-o",
         "new.onnx"),
    ],
    ids=lambda words: "-".join(map(str, words)),
)  # fmt: skip
def test_no_side_output_overwrites_what_is_read_or_another_output(folder: Path, words: tuple[str, ...]) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = command(*words)
    assert (done.code, done.out) == (2, "")
    assert WRITTEN in done.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_external_data_of_a_model_are_not_overwritten_whatever_their_name(folder: Path) -> None:
    model = onnx.load("m.onnx")
    onnx.save(model, "big.onnx", save_as_external_data=True, location="weights.html", size_threshold=0)
    before = Path("weights.html").read_bytes()
    for words in (
        ("compress", "big.onnx", "--palettize", 4, "-o", "new.onnx", "--remarks", "weights.html"),
        ("opt", "big.onnx", "--pipeline", "dead-code", "--remarks", "weights.html"),
        ("plan", "big.onnx", *DEVICE, "--remarks", "weights.html"),
        ("plan", "m.onnx", *DEVICE, "--against", "big.onnx", "--remarks", "weights.html"),
        ("simulate", "big.onnx", *DEVICE, "--trace", "weights.html"),
        ("report", "m.onnx", "--against", "big.onnx", "-o", "weights.html"),
    ):
        done = command(*words)
        assert (done.code, WRITTEN in done.err) == (2, True)
        assert Path("weights.html").read_bytes() == before
    assert not Path("new.onnx").exists()


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there is no /dev/null")
def test_what_is_no_file_may_be_written_twice(folder: Path) -> None:
    places = {"--lowered": Path("/dev/null"), "--remarks": Path("/dev/null")}
    check_places("optc plan", places, ["m.onnx", "/dev/null"])


def test_a_link_that_goes_round_is_replaced(folder: Path) -> None:
    os.symlink("round.json", "round.json")
    done = command("plan", "m.onnx", *DEVICE, "--remarks", "round.json")
    assert (done.code, done.err) == (0, "")
    assert Path("round.json").is_file()


@pytest.mark.parametrize("words", [("run", "m.onnx"), ("simulate", "m.onnx", *DEVICE)], ids=lambda words: words[0])
def test_outputs_go_to_archives_only(folder: Path, words: tuple[str, ...]) -> None:
    done = command(*words, "--input", "in.npz", "-o", "out.txt")
    assert done.code == 2
    assert "suffix of the outputs must be .npz (got .txt)" in done.err
    assert not (folder / "out.txt").exists()


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_weights_beside_a_text_may_be_read_by_whom_the_text_may(folder: Path) -> None:
    for _ in range(2):
        optc.save(optc.load("m.onnx"), "m.optc")
        modes = {Path(name).stat().st_mode for name in ("m.optc", "m.optc.safetensors")}
        assert len(modes) == 1
