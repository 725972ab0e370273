"""Variants of ONNX's normalization, attention and recurrent operators that our own writer does not make."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from optc.formats.onnx.reader import program_of
from optc.formats.onnx.writer import model_of
from optc.ir.interpreter import interpret

RNG = np.random.default_rng(11)


def normal(*shape: int) -> Any:
    return (RNG.standard_normal(shape) / 2).astype(np.float32)


Case = tuple[onnx.ModelProto, dict[str, Any]]


def case(
    operator: tuple[str, int], arrays: dict[str, Any], constants: str = "", outputs: str = "y", shapes: Any = None,
    **attributes: Any,
) -> Case:  # fmt: skip
    """A model of one node, and its inputs; arrays named in `constants` are initializers, outputs `_` left out."""
    kept = [numpy_helper.from_array(arrays[name], name) for name in constants]
    feed = {name: array for name, array in arrays.items() if name not in constants}
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), (shapes or {}).get(name, a.shape))
        for name, a in feed.items()
    ]
    given = ["" if name == "_" else name for name in outputs]
    results = [onnx.ValueInfoProto(name=name) for name in given if name]
    node = helper.make_node(operator[0], list(arrays), given, **attributes)
    graph = helper.make_graph([node], "g", inputs, results, kept)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", operator[1])], ir_version=10)
    return onnx.shape_inference.infer_shapes(made), feed


def run(made: onnx.ModelProto, feed: dict[str, Any]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feed))


def names(made: onnx.ModelProto) -> list[str]:
    return [op.name for op in program_of(made).walk() if op.name != "const"]


X, SIX = normal(2, 6, 4, 3), {"s": normal(6), "b": normal(6)}
STATISTICS = {"m": normal(6), "v": normal(6) ** 2}
Q, K, V = normal(2, 4, 3, 8), normal(2, 4, 5, 8), normal(2, 4, 5, 6)
QKV = {"q": Q, "k": K, "v": V}
MASK = np.arange(30).reshape(2, 1, 3, 5) % 3 > 0
MASK[0, 0, 1] = False
SYMBOLIC = {"q": ("b", 4, "l", "e"), "k": ("b", 4, "s", "e"), "v": ("b", 4, "s", 6)}
LSTM = {"x": normal(4, 3, 2), "w": normal(2, 20, 2), "r": normal(2, 20, 5)}
GRU = {"x": normal(4, 3, 2), "w": normal(1, 15, 2), "r": normal(1, 15, 5)}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("batch_norm", case(("BatchNormalization", 11), {"x": X, **SIX, **STATISTICS})),
        ("instance_norm", case(("InstanceNormalization", 11), {"x": X, **SIX}, epsilon=0.5)),
        ("group_norm", case(("GroupNormalization", 18), {"x": X, "s": normal(3), "b": normal(3)}, "sb", num_groups=3)),
        ("group_norm", case(("GroupNormalization", 18), {"x": X, **SIX}, num_groups=6)),
        ("layer_norm", case(("LayerNormalization", 17), {"x": X, "s": normal(4, 3)}, axis=-2)),
        ("rms_norm", case(("RMSNormalization", 23), {"x": X, "s": normal(3)})),
        ("rms_norm", case(("SimplifiedLayerNormalization", 18), {"x": X, "s": normal(4, 3)}, axis=2)),
        ("lp_normalize", case(("LpNormalization", 11), {"x": X}, axis=-2, p=1)),
        ("scaled_dot_product_attention", case(("Attention", 23), QKV, scale=0.5)),
        ("scaled_dot_product_attention", case(("Attention", 24), QKV, is_causal=1)),
        ("scaled_dot_product_attention", case(("Attention", 23), QKV | {"m": MASK}, is_causal=1)),
        ("scaled_dot_product_attention", case(("Attention", 23), QKV | {"m": normal(3, 5)}, shapes=SYMBOLIC)),
        ("scaled_dot_product_attention", case(("Attention", 23), QKV, shapes=SYMBOLIC, is_causal=1)),
        ("scaled_dot_product_attention", case(("Attention", 23), QKV | {"k": K[:, :1], "v": V[:, :1]})),
        ("lstm", case(("LSTM", 14), LSTM, "wr", "yhc", hidden_size=5, direction="bidirectional")),
        ("lstm", case(("LSTM", 17), LSTM, "wr", "__c", hidden_size=5, direction="bidirectional")),
        ("gru", case(("GRU", 14), GRU, "wr", "_h", activations=["sigmoid", "Tanh"], hidden_size=5)),
        ("gru", case(("GRU", 22), GRU, "r", "yh", linear_before_reset=1, hidden_size=5, direction="reverse")),
    ],
)
def test_a_variant_is_read_as_what_it_computes_and_written_so(name: str, found: Case) -> None:
    made, feed = found
    program = program_of(made)
    assert names(made) == [name]
    written = model_of(program)
    onnx.checker.check_model(written, full_check=True)
    expected = run(made, feed)
    for ours, theirs, again in zip(interpret(program, feed).values(), expected, run(written, feed), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(again, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "found",
    [
        case(("BatchNormalization", 15), {"x": X, **SIX, **STATISTICS}, outputs="yab", training_mode=1),
        case(("BatchNormalization", 15), {n: normal(1) for n in "xsbmv"}),
        case(("GroupNormalization", 18), {"x": X, "s": normal(3), "b": normal(3)}, num_groups=3),
        case(("LayerNormalization", 17), {"x": X, "s": normal(1, 3)}, axis=2),
        case(("LayerNormalization", 17), {"x": X, "s": normal(3)}, outputs="ym"),
        case(("RMSNormalization", 23), {"x": X, "s": normal(3)}, axis=2),
        case(("Attention", 23), QKV, softcap=2.0),
        case(("Attention", 23), QKV, outputs="y__s"),
        case(("Attention", 23), dict.fromkeys("qkv", normal(2, 3, 8)), q_num_heads=2, kv_num_heads=2),
        case(("Attention", 23), QKV | {"k": K[:, :2], "v": V[:, :2]}),
        case(("Attention", 24), QKV | {"m": MASK[..., :4]}),
        case(("LSTM", 14), LSTM, hidden_size=5, direction="bidirectional", clip=1.0),
        case(("LSTM", 14), LSTM, hidden_size=5, direction="bidirectional", input_forget=1),
        case(("LSTM", 14), LSTM, hidden_size=5, direction="bidirectional", activations=["Relu", "Tanh", "Tanh"] * 2),
        case(("GRU", 14), {"x": normal(3, 4, 2), "w": GRU["w"], "r": GRU["r"]}, hidden_size=5, layout=1),
    ],
)
def test_a_variant_that_the_catalog_lacks_is_carried_opaque(found: Case) -> None:
    assert names(found[0]) == ["opaque"]
