"""Variants of ONNX's elementwise operators and reductions that our own writer does not make, old opsets first."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from optc.errors import OptcError
from optc.formats.onnx.reader import program_of
from optc.ir.block import Program
from optc.ir.interpreter import interpret

X = np.float32([[[1, -2, 3], [0.5, 0, -1]], [[2, 2, -4], [1, 1, 1]]])


def model(op_type: str, opset: int, count: int = 1, constants: tuple[Any, ...] = (), **attributes: Any) -> Any:
    """One node on `count` inputs like X and some constants (None: left out)."""
    names = [f"x{i}" for i in range(count)]
    kept = [numpy_helper.from_array(c, f"c{i}") for i, c in enumerate(constants) if c is not None]
    given = names + ["" if c is None else f"c{i}" for i, c in enumerate(constants)]
    graph = helper.make_graph(
        [helper.make_node(op_type, given, ["y"], **attributes)], "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, X.shape) for n in names],
        [helper.make_empty_tensor_value_info("y")], kept,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)


def imported(*arguments: Any, **attributes: Any) -> Program:
    return program_of(model(*arguments, **attributes))


def ops(program: Program) -> list[str]:
    return [op.name for op in program.walk() if op.name != "const"]


VARIANTS = [
    (("Softmax", 11), {"axis": 1}),
    (("Softmax", 11), {}),
    (("LogSoftmax", 12), {"axis": 1}),
    (("LogSoftmax", 12), {"axis": 2}),
    (("Softmax", 13), {}),
    (("ReduceMean", 17), {"axes": [-1, 0], "keepdims": 0}),
    (("ReduceSum", 12), {"axes": [1]}),
    (("ReduceSum", 13, 1, (np.array([-1]),)), {"keepdims": 0}),
    (("ReduceSum", 13), {"noop_with_empty_axes": 1}),
    (("ReduceMax", 17), {}),
    (("ReduceLogSum", 17), {"axes": [0, 1, 2]}),
    (("Min", 13, 3), {}),
    (("Max", 13), {}),
    (("Sum", 13, 3), {}),
    (("Mean", 13, 3), {}),
    (("Clip", 13, 1, (np.float32(-1),)), {}),
    (("Clip", 13, 1, (None, np.float32(1))), {}),
    (("CumSum", 14, 1, (np.array(-2),)), {"reverse": 1}),
    (("TopK", 11, 1, (np.array([2]),)), {"largest": 0}),
    (("ArgMax", 13), {"axis": -1, "select_last_index": 1}),
    (("CastLike", 15, 1, (np.int64([0]),)), {}),
    (("Cast", 13), {"to": TensorProto.INT32}),
]


def _label(value: Any) -> str:
    return f"{value[0]}-{value[1]}" if isinstance(value, tuple) else ",".join(value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("arguments", "attributes"), VARIANTS, ids=_label)
def test_a_variant_computes_what_onnxruntime_computes(arguments: Any, attributes: Any) -> None:
    proto = model(*arguments, **attributes)
    if arguments[0] == "TopK":
        proto.graph.node[0].output.append("indices")
    program = program_of(proto)
    assert "opaque" not in ops(program)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    inputs = {name: X - index for index, name in enumerate(program.main.inputs)}
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(interpret(program, inputs)["y"], session.run(["y"], inputs)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "attributes", "expected"),
    [
        (("Clip", 13, 1, (np.float32(0), np.float32(6))), {}, ["clip"]),
        (("ReduceSum", 13, 1, (np.array([0]),)), {}, ["reduce_sum"]),
        (("ReduceL1", 18), {"noop_with_empty_axes": 1}, ["opaque"]),
        (("Swish", 24), {}, ["silu"]),
        (("Swish", 24), {"alpha": 0.5}, ["mul", "sigmoid", "mul"]),
        (("Cast", 13), {"to": TensorProto.STRING}, ["opaque"]),
    ],
)
def test_a_variant_becomes_these_ops(arguments: Any, attributes: Any, expected: list[str]) -> None:
    assert ops(imported(*arguments, **attributes)) == expected


@pytest.mark.parametrize(
    ("arguments", "attributes", "slug"),
    [
        (("Clip", 13, 3), {}, "operand-shape"),
        (("Softmax", 13), {"axis": 3}, "axis"),
        (("Softmax", 11), {"axis": -4}, "axis"),
        (("ReduceMax", 13), {"axes": [0, -3]}, "axes-order"),
        (("Add", 13), {}, "missing-input"),
        (("Cast", 13), {"to": TensorProto.COMPLEX64}, "onnx-dtype"),
        (("Gelu", 20), {"approximate": "x"}, "attribute-choice"),
        (("Softmax", 13), {"axis": "x"}, "onnx-node"),
    ],
)
def test_a_malformed_node_is_refused(arguments: Any, attributes: Any, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        imported(*arguments, **attributes)
    assert caught.value.slug == slug
