"""A model whose weights and activations ONNX Runtime's own tool quantized is read as codes and scales."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from optc.driver.facade import load, run, save
from optc.ir.opaque import Opaque
from optc.ops.quantize import Dequantize, Quantize
from optc.ops.weights import weights_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "digits.onnx"
pytestmark = pytest.mark.filterwarnings("ignore")  # of ONNX Runtime's tool


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network that ships with the project, int8 per channel, with quantized activations."""
    if not EXAMPLE.is_file():
        pytest.skip("the examples are not beside the tests")
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Pictures(CalibrationDataReader):  # type: ignore[misc]  # it has no types
        def __init__(self) -> None:
            self.rest = iter(range(4))

        def get_next(self) -> dict[str, Any] | None:
            seed = next(self.rest, None)
            return None if seed is None else {"picture": pictures(seed)}

    path = tmp_path_factory.mktemp("quantized") / "digits.onnx"
    quantize_static(
        str(EXAMPLE), str(path), Pictures(), quant_format=QuantFormat.QDQ, per_channel=True,
        weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8,
    )  # fmt: skip
    return path


def pictures(seed: int) -> Any:
    return np.random.default_rng(seed).random((2, 1, 8, 8)).astype(np.float32)


def test_weights_are_constant_expressions_and_activations_are_quantized(quantized: Path) -> None:
    program = load(quantized)
    assert not [op for op in program.walk() if isinstance(op, Opaque)]
    forms = [
        w.form
        for w in weights_of(program)
        if w.consumers[0].name in ("conv", "linear") and len(w.value.tensor.shape) > 1
    ]
    assert set(forms) == {"quantized int8 per-channel"}
    assert sum(isinstance(op, Quantize) for op in program.walk()) >= 5
    assert sum(isinstance(op, Dequantize) for op in program.walk()) >= 5
    (theirs,) = onnxruntime.InferenceSession(str(quantized)).run(None, {"picture": pictures(9)})
    for engine in ("reference", "onnxruntime"):
        (ours,) = run(program, {"picture": pictures(9)}, engine=engine).values()
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_it_goes_to_core_ml_which_has_such_activations_from_ios_17_on(quantized: Path, tmp_path: Path) -> None:
    program = load(quantized)
    save(program, tmp_path / "m.mlpackage")
    back = load(tmp_path / "m.mlpackage")
    assert dict(back.metadata)["coreml.target"] == "ios17"
    inputs = {"picture": pictures(9)}
    (before,), (after,) = run(program, inputs).values(), run(back, inputs).values()
    np.testing.assert_array_equal(before, after)
