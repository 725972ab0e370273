"""Quantization: each type of codes in the formats, ranges of least squared error, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from optc.errors import OptcError, UsageError
from optc.formats.coreml.reader import read_coreml
from optc.formats.coreml.writer import write_coreml
from optc.formats.onnx.reader import program_of
from optc.formats.onnx.writer import model_of
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import FLOAT8S, Array, DType
from optc.ir.types import TensorType
from optc.ops.conv import Conv
from optc.ops.recurrent import Gru, Lstm, Recurrent
from optc.ops.weights import weights_of
from optc.pipeline.passes import Pass, PassContext
from passes.compress.palettize import Palettize
from passes.compress.quantize import CODES, Quantize
from passes.compress.sparsify import Sparsify
from passes.compress.stored import stored

FLOATS = (DType.F16, DType.F32)


def network(dtype: DType = DType.F32) -> Program:
    b = Builder()
    x = b.param(TensorType(dtype, (1, 32, 4, 4)), "x")
    values = np.random.default_rng(0).standard_t(4, (12, 32, 3, 3))
    return b.program(y=b.add(Conv(x, b.const(values.astype(dtype.numpy), "w"))))


def compressed(program: Program, *passes: Pass, importance: Array | None = None) -> Program:
    for running in passes:
        cx = PassContext(running, importance=None if importance is None else {"w": importance})
        program = running.run(program, cx)
        (remark,) = cx.ledger
        assert remark.decision == "done"
    return program


def expanded(program: Program) -> Array:
    return weights_of(program)[0].expanded()


def by_onnxruntime(model: onnx.ModelProto, fold: bool) -> Array:
    """The weights of the convolution, as ONNX Runtime expands them."""
    (conv,) = (node for node in model.graph.node if node.op_type == "Conv")
    dtype = model.graph.input[0].type.tensor_type.elem_type
    model.graph.output.append(helper.make_tensor_value_info(conv.input[1], dtype, None))
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if fold else levels.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    x = np.zeros((1, 32, 4, 4), helper.tensor_dtype_to_np_dtype(dtype))
    weights: Array = session.run([conv.input[1]], {"x": x})[0]
    return weights


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("first", [None, Sparsify(sparsity=0.5), Palettize(bits=4)], ids=str)
@pytest.mark.parametrize("codes", CODES)
def test_plain_onnxruntime_expands_each_type_of_codes_to_the_bit_and_it_is_read_back(
    codes: str, first: Pass | None, dtype: DType
) -> None:
    passes = (*(() if first is None else (first,)), Quantize(dtype=codes, joint=True, force=True))
    program = compressed(network(dtype), *passes)
    model = model_of(program)
    back = weights_of(program_of(model))[0]
    assert back.expanded().tobytes() == expanded(program).tobytes()
    assert stored(back) is not None
    for fold in (True, False):
        assert by_onnxruntime(model_of(program), fold).tobytes() == expanded(program).tobytes()


@pytest.mark.parametrize("mode", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("codes", [name for name, dtype in CODES.items() if dtype not in FLOAT8S])
def test_codes_keep_to_their_range_and_are_stored_in_4_or_8_bits(codes: str, mode: str) -> None:
    program = compressed(network(), Quantize(dtype=codes, mode=mode))
    (data,) = (op.value for op in weights_of(program)[0].chain[:1])
    bits, least = int(codes.lstrip("uint")), -(1 << int(codes[-1]) - 1) if codes[0] == "i" else 0
    lost = mode == "symmetric"
    assert data.dtype.bits == (4 if bits <= 4 else 8)
    assert least + (lost and least < 0) <= int(data.array().min())
    assert int(data.array().max()) <= least + (1 << bits) - 1 - (lost and least == 0)


def test_core_ml_takes_narrow_integers_and_refuses_floats_of_8_bits_by_name(tmp_path: Path) -> None:
    for codes, dtype in CODES.items():
        program = compressed(network(DType.F16), Quantize(dtype=codes))
        path = tmp_path / f"{codes}.mlpackage"
        if dtype in FLOAT8S:
            with pytest.raises(OptcError, match=str(dtype)) as caught:
                write_coreml(program, path)
            assert caught.value.slug == "not-in-coreml"
        else:
            write_coreml(program, path)
            assert expanded(read_coreml(path)).tobytes() == expanded(program).tobytes()


@pytest.mark.parametrize("options", [{"mode": "asymmetric"}, {"range": "mse"}])
def test_what_floats_of_8_bits_do_not_have_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        Quantize(dtype="float8e4m3", **options)
    assert caught.value.slug == "float8-option"


@pytest.mark.parametrize("codes", ["int4", "uint3", "int8"])
@pytest.mark.parametrize("mode", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("first", [None, Sparsify(sparsity=0.5), Palettize(bits=6)], ids=str)
def test_least_squared_error_is_less_than_that_of_the_extremes(first: Pass | None, mode: str, codes: str) -> None:
    program = network() if first is None else compressed(network(), first)
    importance = np.random.default_rng(1).random((12, 1, 3, 3))

    def error(reach: str, given: Array | None) -> float:
        running = Quantize(dtype=codes, mode=mode, range=reach, joint=True)
        after = compressed(program, running, importance=given)
        weights = 1.0 if given is None else given
        return float((weights * np.square(expanded(program).astype(np.float64) - expanded(after))).sum())

    assert error("mse", None) < error("minmax", None)
    assert error("mse", importance) < error("minmax", importance)


def test_what_is_not_important_does_not_count() -> None:
    importance = np.zeros((12, 32, 3, 3))
    importance[:, :2] = 1.0
    running = Quantize(dtype="int4", range="mse")
    program = network()
    all_alike, few = (expanded(compressed(program, running, importance=given)) for given in (None, importance))
    apart = [np.square(expanded(program) - dense)[:, :2].sum() for dense in (all_alike, few)]
    assert apart[1] < apart[0]


@pytest.mark.parametrize("kind", [Lstm, Gru])
@pytest.mark.parametrize(
    ("running", "name", "shape"),
    [
        (Quantize(), "scale", (1, 1, 0)),
        (Quantize(dtype="int4", granularity="per_block", block_size=8), "scale", (1, 1, 8)),
        (Palettize(group_size=8), "lut", (1, 8, 0)),
        (Palettize(per_channel_scale=True, bits=2), "scale", (1, 1, 0)),
    ],
)
def test_the_channels_of_recurrent_layers_are_their_rows_and_inputs_what_these_multiply(
    kind: type[Recurrent], running: Pass, name: str, shape: tuple[int, ...]
) -> None:
    rows = kind.gates * 32
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, 1, 24)), "x")
    weight = b.const(np.random.default_rng(0).standard_normal((1, rows, 24)).astype(np.float32), "w")
    b.append(op := kind(x, weight, b.param(TensorType(DType.F32, (1, rows, 32)), "r")))
    made = weights_of(compressed(b.program(y=op.results[0]), running))[0]
    (found,) = (v for part in made.chain for v in part.results if v.name == f"w.{name}")
    wanted = (dim // (size or dim) for dim, size in zip((1, rows, 24), shape, strict=True))
    assert found.tensor.static_shape[:3] == tuple(wanted)
