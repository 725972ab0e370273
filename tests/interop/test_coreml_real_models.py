"""Published networks through Core ML: to a package, which coremltools checks, and back to what ONNX Runtime runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optc.driver.facade import Pipeline, compress, load, save
from optc.formats.coreml.reader import read_coreml
from optc.formats.coreml.writer import write_coreml
from optc.formats.interface import restored
from optc.ir.block import Program
from optc.ir.interpreter import interpret
from optc.ir.opaque import Opaque
from optc.ops.weights import weights_of
from passes.compress.float16 import Float16
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from tests.interop.coreml_programs import differences, loaded
from tests.interop.test_real_models import MODELS, assert_near, inputs_for, run_onnxruntime

PACKAGES = ("crepe_tiny.mlpackage", "efficientnet_lite0_fp16.mlpackage")
SETTLED = "dead-code,fixpoint(canonicalize,fold-constants,dead-code)"
# How far rounding to float16 moves an output, relative to its largest value. FastestDet's greatest value is one of
# 41,140, and steep.
HALF_TOLERANCE = {"fastestdet": 0.1}


def through_coreml(program: Program, folder: Path, target: str = "ios16") -> Program:
    path = folder / "model.mlpackage"
    write_coreml(program, path, target)
    return read_coreml(path)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_network_goes_to_core_ml_and_back_computing_the_same(name: str, shared_models: Path, tmp_path: Path) -> None:
    path = shared_models / f"{name}.onnx"
    program = load(path)
    inputs = inputs_for(program, name)
    theirs = run_onnxruntime(str(path), inputs)
    back = through_coreml(Pipeline.parse(SETTLED).run(program), tmp_path)
    assert not [op for op in back.walk() if isinstance(op, Opaque)]
    save(back, tmp_path / "back.onnx")
    assert_near(run_onnxruntime(str(tmp_path / "back.onnx"), inputs), theirs, 1e-5)
    assert_near(list(interpret(restored(back), inputs).values()), theirs, 1e-5)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_network_in_float16_goes_to_core_ml_and_back_within_rounding(
    name: str, shared_models: Path, tmp_path: Path
) -> None:
    path = shared_models / f"{name}.onnx"
    program = load(path)
    inputs = inputs_for(program, name)
    half = Pipeline.parse(f"{SETTLED},float16,dead-code").run(program)
    assert sum(w.stored_bytes for w in weights_of(half)) < 0.55 * sum(w.stored_bytes for w in weights_of(program))
    back = through_coreml(half, tmp_path)
    save(back, tmp_path / "back.onnx")
    outputs = run_onnxruntime(str(tmp_path / "back.onnx"), inputs)
    assert_near(outputs, run_onnxruntime(str(path), inputs), HALF_TOLERANCE.get(name, 0.01))


@pytest.mark.filterwarnings("ignore")  # of coremltools
@pytest.mark.parametrize("target", ["ios15", "ios18"])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_coremltools_finds_every_op_of_a_network_valid(
    name: str, target: str, shared_models: Path, tmp_path: Path
) -> None:
    pytest.importorskip("coremltools", reason="coremltools is not installed")
    program = Pipeline.parse(SETTLED).run(load(shared_models / f"{name}.onnx"))
    for number, made in enumerate((program, Float16().run(program, _context()))):
        path = tmp_path / f"{number}.mlpackage"
        write_coreml(made, path, target)
        assert loaded(path).functions["main"]


def _context() -> Any:
    from optc.pipeline.passes import PassContext

    return PassContext(Float16())


@pytest.mark.filterwarnings("ignore")  # of coremltools
@pytest.mark.parametrize("scheme", [Palettize(bits=4), Palettize(bits=6), Quantize(), Quantize(dtype="int4")], ids=str)
def test_coremltools_expands_what_optc_compressed_to_the_same_bits(
    scheme: Any, shared_models: Path, tmp_path: Path
) -> None:
    coremltools = pytest.importorskip("coremltools", reason="coremltools is not installed")
    small = compress(load(shared_models / "fastestdet.onnx"), scheme)
    for made in (small, Float16().run(small, _context())):
        path, dense = tmp_path / "small.mlpackage", tmp_path / "dense.mlpackage"
        write_coreml(made, path, "ios18" if scheme == Quantize(dtype="int4") else "ios16")
        model = coremltools.models.MLModel(str(path), skip_model_load=True)
        coremltools.optimize.coreml.decompress_weights(model).save(str(dense))
        theirs = {w.name: w.expanded() for w in weights_of(read_coreml(dense))}
        ours = {w.name: w for w in weights_of(read_coreml(path))}
        assert any(w.scheme != "dense" for w in ours.values())
        assert set(ours) == set(theirs)
        for name, weight in ours.items():
            assert weight.expanded().tobytes() == np.ascontiguousarray(theirs[name]).tobytes()


@pytest.mark.parametrize("name", PACKAGES)
def test_a_published_package_computes_in_onnxruntime_what_the_interpreter_computes(
    name: str, shared_models: Path, tmp_path: Path
) -> None:
    program = load(shared_models / name)
    assert not [op for op in program.walk() if isinstance(op, Opaque)]
    rng = np.random.default_rng(0)
    param = program.main.body.params[0]
    shape = [d if isinstance(d, int) else 2 for d in param.tensor.shape]
    inputs = {param.name: (rng.standard_normal(shape) * 0.5).astype(param.tensor.dtype.numpy)}
    save(program, tmp_path / "model.onnx")
    theirs = run_onnxruntime(str(tmp_path / "model.onnx"), inputs)
    assert_near(list(interpret(program, inputs).values()), theirs, 0.02)


@pytest.mark.filterwarnings("ignore")  # of coremltools
@pytest.mark.parametrize("name", PACKAGES)
def test_a_published_package_that_was_read_and_written_is_the_same_program_to_coremltools(
    name: str, shared_models: Path, tmp_path: Path
) -> None:
    pytest.importorskip("coremltools", reason="coremltools is not installed")
    program = load(shared_models / name)
    save(program, tmp_path / name)
    assert load(tmp_path / name) == program
    assert differences(loaded(shared_models / name), loaded(tmp_path / name)) == []
