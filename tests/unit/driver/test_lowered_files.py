"""Lowered programs in `.optc` files: written, read, run and refused like any other."""

from pathlib import Path

import numpy as np
import pytest

import optc
from backends.kernels import kernels_of
from backends.lowering import lower
from backends.uses import decided_weights
from optc.errors import OptcError
from optc.ir.block import Program
from tests.command_line import optc as command
from tests.unit.driver.small_model import inputs, write_model


@pytest.fixture
def small(tmp_path: Path) -> Program:
    """Two palettized products with a sum and an activation function between them."""
    return optc.compress(optc.load(write_model(tmp_path / "model.onnx")), optc.Palettize(bits=4))


@pytest.fixture
def lowered(small: Program) -> Program:
    """The same on two units, one weight expanded at load and one at each prediction."""
    kernels = kernels_of(small.main.body)
    return lower(small, kernels, ["npu", "cpu", "npu"], decided_weights(small), {("first", "npu"): "fused"}).program


def test_a_lowered_program_is_read_back_from_text_and_file(lowered: Program, tmp_path: Path) -> None:
    optc.save(lowered, tmp_path / "lowered.optc")
    assert optc.load(tmp_path / "lowered.optc") == lowered
    assert optc.parse(str(lowered)) == lowered


def test_running_it_is_loading_and_then_predicting(small: Program, lowered: Program, tmp_path: Path) -> None:
    expected = optc.run(small, inputs())["y"]
    assert optc.run(lowered, inputs())["y"].tobytes() == expected.tobytes()
    optc.save(lowered, tmp_path / "lowered.optc")
    np.savez(tmp_path / "inputs.npz", **inputs())
    done = command("run", tmp_path / "lowered.optc", "--input", tmp_path / "inputs.npz", "-o", tmp_path / "out.npz")
    assert (done.code, done.err) == (0, "")
    assert np.load(tmp_path / "out.npz")["y"].tobytes() == expected.tobytes()
    done = command("run", tmp_path / "lowered.optc", "--input", "z=z.npy")
    assert (done.code, done.err) == (2, "error: optc run: input must be one of x (got z)\n")


def test_cleaning_up_a_lowered_program_leaves_one(lowered: Program, small: Program) -> None:
    after = optc.Pipeline.parse("@cleanup").run(lowered)
    assert optc.run(after, inputs())["y"].tobytes() == optc.run(small, inputs())["y"].tobytes()
    assert [op.name for op in after.walk() if "kernel" in op.name] == ["npu.kernel", "cpu.kernel", "npu.kernel"]


def test_a_file_whose_values_are_on_the_wrong_unit_is_refused(lowered: Program, tmp_path: Path) -> None:
    text = str(lowered).replace("cpu.kernel", "gpu.kernel")
    path = tmp_path / "wrong.optc"
    path.write_text(text)
    with pytest.raises(OptcError) as caught:
        optc.load(path)
    assert caught.value.slug == "residence"
    assert str(caught.value).startswith(f"{path}: op %r = gpu.kernel in @predict: value %")


@pytest.mark.parametrize("name", ["l.txt", "l.onnx", "l.mlpackage", "l"])
def test_other_files_than_those_of_text_are_refused_before_the_model_is_read(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    done = command("plan", tmp_path / "none.onnx", "--device", "iphone14pro", "--lowered", place)
    said = f"error: {place}: suffix must be .optc for --lowered (got {place.suffix or 'none'})\n"
    assert (done.code, done.err) == (2, said)
