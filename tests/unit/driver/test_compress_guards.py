"""What `compress` never does: store what expands to infinity, put remarks over a model, count a weight twice."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optc as facade
from optc.driver.models import save
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.matmul import Linear
from tests.command_line import optc
from tests.unit.driver.small_model import write_model


def one_weight(path: Path, values: np.ndarray, dtype: DType) -> Path:
    b = Builder()
    w = b.const(values.astype(dtype.numpy), "w", dtype)
    save(b.program(y=b.add(Linear(b.param(TensorType(dtype, (1, values.shape[1])), "x"), w))), path)
    return path


@pytest.mark.parametrize(
    "options",
    [
        ["--quantize", "int8"], ["--quantize", "float8e4m3"], ["--quantize", "int4", "--mode", "asymmetric"],
        ["--palettize", 4, "--table", "int8"], ["--palettize", 4, "--table", "uint8"],
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", [DType.F16, DType.F32])
def test_weights_at_the_end_of_their_range_stay_finite_or_as_they_were(
    tmp_path: Path, options: list[Any], dtype: DType
) -> None:
    most = float(np.finfo(dtype.numpy).max)
    values = np.where(np.tri(64, 64), 0.0, -most)
    model, out = one_weight(tmp_path / "m.onnx", values, dtype), tmp_path / "o.onnx"
    done = optc("compress", model, *options, "-o", out, "--json")
    assert done.code == 0
    (remark,) = (r for r in json.loads(done.out)["remarks"] if r["weight"] == "w")
    dense = facade.weights(facade.load(out))["w"].value
    assert np.isfinite(dense.astype(np.float64)).all()
    if remark["decision"] != "done":
        assert remark["reason"] == "not-finite"
        assert (dense == values.astype(dtype.numpy)).all()


def test_an_infinite_value_refuses_its_weight_and_not_the_run(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((64, 64))
    values[3, 3] = -np.inf
    model = one_weight(tmp_path / "m.onnx", values, DType.F32)
    for options in (["--table", "uint8"], ["--per-channel-scale"], ["--table", "int8", "--cluster-dim", 2]):
        done = optc("compress", model, "--palettize", 4, *options, "-o", tmp_path / "o.onnx")
        assert (done.code, done.err) == (0, "")
        assert "not-finite" in done.out


@pytest.mark.parametrize("name", ["model.onnx", "small.onnx", "small.mlpackage/remarks.json"])
def test_remarks_overwrite_no_model(tmp_path: Path, name: str) -> None:
    model = write_model(tmp_path / "model.onnx")
    before = model.read_bytes()
    out = tmp_path / name.split("/")[0] if "small" in name else tmp_path / "small.onnx"
    if out.suffix == ".mlpackage":
        assert optc("convert", model, "-o", out).code == 0
    done = optc("compress", model, "--palettize", 4, "-o", out, "--remarks", tmp_path / name)
    assert done.code == 2
    assert "--remarks must be another file than those that are read and written" in done.err
    assert model.read_bytes() == before


def test_a_weight_of_a_joint_form_is_counted_once(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx")
    done = optc("compress", model, "--sparsify", 0.5, "--quantize", "int8", "-o", tmp_path / "o.onnx")
    assert "1 weight left dense: too-few-elements" in done.out
    assert done.out.count("left dense") == 1


def test_weights_without_elements_are_left_even_by_force(tmp_path: Path) -> None:
    model = one_weight(tmp_path / "m.optc", np.zeros((0, 64)), DType.F32)
    done = optc("compress", model, "--quantize", "int8", "--min-elements", 0, "--force", "-o", tmp_path / "o.optc")
    assert done.code == 0
    assert "1 weight left dense: too-few-elements" in done.out


def test_what_is_no_scheme_is_said() -> None:
    program = facade.parse("func @main(%x: f32[2]) -> (y: f32[2]) {\n  return %x\n}")
    with pytest.raises(facade.UsageError, match="each scheme must be a pass or a Configuration"):
        facade.compress(program, "palettize")  # type: ignore[arg-type]


def test_the_first_positional_option_of_a_pass_is_its_own() -> None:
    assert facade.Palettize(6).bits == 6
    assert facade.Quantize("int4").dtype == "int4"
    assert facade.Sparsify(0.25).sparsity == 0.25
