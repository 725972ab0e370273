"""Constants in a file beside the model: written when one file would be too large, and read back."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from optc.driver.models import bytes_on_disk, load, save
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.interpreter import interpret
from optc.ir.types import TensorType
from optc.ops.elementwise import Add
from optc.ops.matmul import MatMul

SEED = np.random.default_rng(7)
LARGE = SEED.standard_normal((40, 50)).astype(np.float32)
SMALL = SEED.standard_normal(50).astype(np.float32)
X = SEED.standard_normal((3, 40)).astype(np.float32)


@pytest.fixture
def model() -> Program:
    builder = Builder()
    x = builder.param(TensorType(DType.F32, (3, 40)), "x")
    product = builder.add(MatMul(x, builder.const(LARGE, "large")), "product")
    again = builder.add(MatMul(x, builder.const(LARGE * 2, "other")), "again")
    total = builder.add(Add(builder.add(Add(product, again)), builder.const(SMALL, "small")))
    return builder.program(y=total)


@pytest.fixture
def no_room_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optc.formats.onnx.external.MOST_INSIDE", 100)


def test_a_model_that_fits_is_one_file(model: Program, tmp_path: Path) -> None:
    assert save(model, tmp_path / "m.onnx") == (tmp_path / "m.onnx",)
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


@pytest.mark.usefixtures("no_room_inside")
def test_large_constants_lie_page_aligned_beside_the_model_and_small_ones_in_it(model: Program, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    assert save(model, path) == (path, tmp_path / "m.onnx.data")
    held = {t.name: t for t in onnx.load(str(path), load_external_data=False).graph.initializer}
    assert {name for name, t in held.items() if t.external_data} == {"large", "other"}
    where = {entry.key: entry.value for entry in held["other"].external_data}
    assert where == {"location": "m.onnx.data", "offset": str(8192), "length": str(LARGE.nbytes)}
    assert path.stat().st_size < SMALL.nbytes + 2000


@pytest.mark.usefixtures("no_room_inside")
def test_a_model_of_two_files_reads_back_and_runs_elsewhere(model: Program, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    written = save(model, path)
    onnx.checker.check_model(str(path))
    again = load(path)
    expected = interpret(model, {"x": X})["y"]
    assert np.array_equal(interpret(again, {"x": X})["y"], expected)
    assert bytes_on_disk(again, path) == sum(file.stat().st_size for file in written)
    (actual,) = onnxruntime.InferenceSession(str(path)).run(None, {"x": X})
    assert np.allclose(actual, expected, atol=1e-4)


@pytest.mark.usefixtures("no_room_inside")
def test_a_model_can_take_the_place_of_the_one_it_was_read_from(model: Program, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    save(model, path)
    before = (tmp_path / "m.onnx.data").read_bytes()
    save(load(path), path)
    assert (tmp_path / "m.onnx.data").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.onnx", "m.onnx.data"]


@pytest.mark.usefixtures("no_room_inside")
def test_what_cannot_be_written_leaves_both_files_as_they_were(
    model: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.onnx"
    save(model, path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("optc.formats.onnx.external.ExternalData.write", full)
    with pytest.raises(Exception, match="No space left"):
        save(model, path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
