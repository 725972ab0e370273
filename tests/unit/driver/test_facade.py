"""The Python facade: what the design shows of it, and what `import optc` says when its packages are shadowed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import optc
from optc.ops.weights import weights_of
from tests.unit.driver.small_model import inputs, write_model


def test_the_facade_does_what_the_design_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)

    program = optc.load("model.onnx")
    small = optc.compress(program, optc.Palettize(bits=4))
    plan = optc.plan(small, device="iphone14pro")
    optc.save(small, "small.onnx")
    assert program == optc.parse(str(program))
    assert small == optc.parse(str(small))
    other = optc.Pipeline.parse("fold-constants,palettize{bits=4},dead-code").run(program)
    outputs = optc.run(program, inputs(), engine="reference")

    assert Path("small.onnx").stat().st_size < Path("model.onnx").stat().st_size / 4
    assert {decision.name for decision in plan.decisions} == {"first", "second"}
    assert sum(op.name == "constexpr.lut_to_dense" for op in other.walk()) == 2
    assert outputs["y"].shape == (3, 64)
    again = optc.run(optc.load("small.onnx"), inputs())
    assert np.array_equal(again["y"], optc.run(small, inputs())["y"])


def test_the_earlier_form_of_a_joint_one_is_not_left_in_the_program(tmp_path: Path) -> None:
    program = optc.load(write_model(tmp_path / "model.onnx"))
    made = optc.compress(program, optc.Sparsify(), optc.Palettize(joint=True), optc.Quantize(joint=True))
    held = {id(op) for weight in weights_of(made) for op in weight.chain}
    assert all(id(op) in held for op in made.walk() if op.constant)


def test_every_name_of_the_facade_is_there_and_no_other() -> None:
    for name in dir(optc):
        assert getattr(optc, name) is not None
    assert set(dir(optc)) >= {"load", "save", "parse", "compress", "plan", "run", "Pipeline", "Palettize", "Quantize"}
    with pytest.raises(AttributeError, match="module 'optc' has no attribute 'loda'"):
        optc.loda  # type: ignore[attr-defined]  # noqa: B018 - the point of it


def test_wrong_usage_is_an_optc_error_with_a_slug() -> None:
    program = optc.parse("func @main(%x: f32[n]) -> (y: f32[n]) {\n  return %x\n}\n")
    with pytest.raises(optc.UsageError, match=r"engine must be reference or onnxruntime \(got tvm\)") as engine:
        optc.run(program, {}, engine="tvm")
    assert engine.value.slug == "no-such-engine"
    with pytest.raises(optc.UsageError, match="did you mean iphone14pro") as device:
        optc.plan(program, device="iphone14")
    assert device.value.slug == "no-such-device"
    with pytest.raises(optc.UsageError, match=r"\(got m\); known are n") as size:
        optc.plan(program, device="iphone14pro", sizes={"m": 2})
    assert size.value.slug == "no-such-dimension"
    with pytest.raises(optc.OptcError, match="text: line 1 column 1"):
        optc.parse("program")


def test_sizes_of_symbolic_dimensions_count() -> None:
    program = optc.parse(
        "func @main(%x: f32[n,8]) -> (y: f32[n,8]) {\n  %y = softmax(%x) {axis = 1} : f32[n,8]\n  return %y\n}\n"
    )
    one, many = (optc.plan(program, "iphone14pro", sizes=sizes).totals for sizes in (None, {"n": 1000}))
    assert many.peak_bytes == 1000 * one.peak_bytes


@pytest.mark.parametrize("name", ["passes", "backends"])
def test_a_shadowed_package_is_told_in_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", "import optc"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    home = Path(optc.__file__).parent.parent
    assert message == (
        f"ImportError: optc: package {name} must be the one installed with optc in {home} "
        f"(got {tmp_path / name / '__init__.py'}); take the other package off the path"
    )
