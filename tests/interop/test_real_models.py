"""Published networks as their exporters wrote them: read, held against ONNX Runtime, compressed, lowered, written."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from backends.kernels import kernels_of
from backends.lowered_run import run_lowered
from backends.lowered_verifier import verify_lowered
from backends.lowering import EXPANSIONS, Expansion, lower
from backends.uses import decided_weights
from optc.driver.facade import compress, load, save
from optc.driver.facade import parse as parse_text
from optc.formats.onnx.writer import model_of
from optc.ir.block import Program
from optc.ir.interpreter import interpret
from optc.ir.opaque import Opaque
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize

MODELS = {
    "aidreams260k_llama": 16, "crepe_tiny": 2, "efficientnet_lite0": 1, "fastestdet": 1, "minilm_l6_trimvocab": 16,
    "ppocrv4_rec": 1, "silero_vad_16k_seq": 4,
}  # fmt: skip
"""What symbolic dimensions are taken to be; ppocrv4_rec reads pictures of 48 rows, and has a size of its own below."""


@pytest.fixture(params=sorted(MODELS))
def model(request: pytest.FixtureRequest, shared_models: Path) -> Path:
    return shared_models / f"{request.param}.onnx"


def inputs_for(program: Program, name: str) -> dict[str, Any]:
    """Seeded inputs; those of the picture model are 48 by 64."""
    rng = np.random.default_rng(0)
    out = {}
    for param in program.main.body.params:
        kind = param.tensor
        shape = [d if isinstance(d, int) else MODELS[name] for d in kind.shape]
        if name == "ppocrv4_rec":
            shape = [1, 3, 48, 64]
        if kind.dtype.is_integer:
            most = 2 if "mask" in param.name else 100
            out[param.name] = rng.integers(0, most, shape).astype(kind.dtype.numpy)
        else:
            out[param.name] = (rng.standard_normal(shape) * 0.5).astype(kind.dtype.numpy)
    return out


def run_onnxruntime(model: "str | bytes", inputs: dict[str, Any]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def assert_near(ours: list[Any], theirs: list[Any], relative: float) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert np.abs(a.astype(np.float64) - b).max() <= relative * max(1.0, float(np.abs(b).max()))


def test_nothing_is_opaque_and_text_is_an_exact_inverse(model: Path) -> None:
    program = load(model)
    assert not [op for op in program.walk() if isinstance(op, Opaque)]
    assert parse_text(str(program)) == program


def test_the_interpreter_and_the_written_model_agree_with_onnxruntime_on_the_original(model: Path) -> None:
    program = load(model)
    inputs = inputs_for(program, model.stem)
    theirs = run_onnxruntime(str(model), inputs)
    assert_near(list(interpret(program, inputs).values()), theirs, 1e-5)
    assert_near(run_onnxruntime(model_of(program).SerializeToString(), inputs), theirs, 1e-5)


def test_cleanup_keeps_what_the_model_computes(model: Path) -> None:
    program = load(model)
    inputs = inputs_for(program, model.stem)
    assert_near(list(interpret(compress(program), inputs).values()), list(interpret(program, inputs).values()), 1e-5)


def test_efficientnet_quantized_is_about_a_quarter_and_plain_onnxruntime_runs_it(
    shared_models: Path, tmp_path: Path
) -> None:
    before = shared_models / "efficientnet_lite0.onnx"
    after = tmp_path / "small.onnx"
    program = load(before)
    small = compress(program, Quantize(dtype="int8"))
    save(small, after)
    assert after.stat().st_size < 0.27 * before.stat().st_size
    inputs = inputs_for(program, "efficientnet_lite0")
    assert_near(run_onnxruntime(str(after), inputs), list(interpret(small, inputs).values()), 1e-5)
    assert load(after) == small


@pytest.mark.parametrize("expansion", EXPANSIONS)
def test_load_then_predict_gives_the_bits_of_a_palettized_network(shared_models: Path, expansion: Expansion) -> None:
    small = compress(load(shared_models / "fastestdet.onnx"), Palettize(bits=4, min_elements=512))
    weights = decided_weights(small)
    assert len([w for w in weights if w.scheme == "palettized"]) > 10
    kernels = kernels_of(small.main.body)
    units = [("cpu", "gpu", "npu")[number // 5 % 3] for number in range(len(kernels))]
    lowered = lower(small, kernels, units, weights, {(w.name, unit): expansion for w in weights for unit in set(units)})
    verify_lowered(lowered.program)
    inputs = inputs_for(small, "fastestdet")
    outputs = run_lowered(lowered.program, inputs)
    for name, array in interpret(small, inputs).items():
        assert outputs[name].tobytes() == array.tobytes()
