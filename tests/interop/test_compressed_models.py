"""What `optc compress` writes of real networks runs elsewhere; `benchmarks/outputs.py` tries all schemes on all."""

from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from optc.driver.facade import load
from tests.command_line import optc
from tests.interop.coreml_programs import loaded
from tests.interop.test_coreml_real_models import PACKAGES
from tests.interop.test_real_models import MODELS, assert_near, inputs_for

pytestmark = pytest.mark.slow

SCHEMES = (
    "--palettize 8",
    "--quantize int8",
    "--palettize 4 --group-size 16",
    "--quantize int4 --block-size 32",
    "--sparsify 0.3 --palettize 6",
    "--palettize 3 --per-channel-scale",
    "--quantize uint8 --mode asymmetric",
    "--sparsify 0.3 --quantize int8",
    "--palettize 6 --table int8",
    "--quantize uint4 --mode asymmetric --block-size 32",
    "--sparsify 0.5",
    "--palettize 1",
    "--quantize int8 --granularity per_tensor",
)
EACH = 3
"""So many schemes are tried on each network, other ones on the next."""
NAMES = (*(f"{name}.onnx" for name in sorted(MODELS)), *PACKAGES)
CASES = [
    (name, SCHEMES[(EACH * place + step) % len(SCHEMES)]) for place, name in enumerate(NAMES) for step in range(EACH)
]
TOLERANCE, HALF_TOLERANCE = 1e-4, 4e-3
"""How far outputs may be apart, relative to the largest: fused operators round at other places."""


def run_unrounded(model: Path, inputs: dict[str, Any]) -> list[Any]:
    """What ONNX Runtime gives, told not to round the inputs of quantized products."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "0")
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def compressed(model: Path, scheme: str, out: Path) -> Path:
    target = ("--target", "ios18") if model.suffix == out.suffix == ".mlpackage" else ()
    done = optc("compress", model, *scheme.split(), "-o", out, *target)
    assert (done.code, done.err) == (0, "")
    return out


def test_every_scheme_is_tried_on_some_network() -> None:
    assert {scheme for _, scheme in CASES} == set(SCHEMES)


@pytest.mark.parametrize(("name", "scheme"), CASES)
def test_onnxruntime_gives_of_a_compressed_network_what_it_gives_of_the_decompressed_one(
    name: str, scheme: str, shared_models: Path, tmp_path: Path
) -> None:
    small = compressed(shared_models / name, scheme, tmp_path / "small.onnx")
    dense = tmp_path / "dense.onnx"
    assert optc("decompress", small, "-o", dense).code == 0
    assert small.stat().st_size < dense.stat().st_size
    inputs = inputs_for(load(dense), Path(name).stem)
    half = name in PACKAGES  # those are in float16
    assert_near(run_unrounded(small, inputs), run_unrounded(dense, inputs), HALF_TOLERANCE if half else TOLERANCE)


@pytest.mark.filterwarnings("ignore")  # of coremltools
@pytest.mark.parametrize(("name", "scheme"), CASES)
def test_coremltools_opens_a_compressed_network_and_finds_each_op_valid(
    name: str, scheme: str, shared_models: Path, tmp_path: Path
) -> None:
    coremltools = pytest.importorskip("coremltools", reason="coremltools is not installed")
    small = compressed(shared_models / name, scheme, tmp_path / "small.mlpackage")
    coremltools.models.MLModel(str(small), skip_model_load=True)
    operations = loaded(small).functions["main"].operations
    assert any(op.op_type.startswith("constexpr") for op in operations)
