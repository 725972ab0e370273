from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from optc.formats.onnx.reader import program_of
from optc.ir.interpreter import interpret
from optc.ir.op import Op

X = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 9)


def model_of_node(op_type: str, outputs: tuple[str, ...] = ("y",), **attributes: Any) -> onnx.ModelProto:
    """A model of one node on a [1, 1, 9] input, with a kernel [1, 1, 2] if it is a convolution."""
    inputs = {"x": (1, 1, 9)} | ({"w": (1, 1, 2)} if op_type.startswith("Conv") else {})
    node = helper.make_node(op_type, list(inputs), outputs, **attributes)
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [onnx.ValueInfoProto(name=outputs[0])],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def read(op_type: str, **attributes: Any) -> Any:
    (op,) = program_of(model_of_node(op_type, **attributes)).main.body.ops
    return op


def assert_as_onnxruntime(op_type: str, **attributes: Any) -> None:
    model = model_of_node(op_type, **attributes)
    program = program_of(model)
    inputs = {"x": X, "w": np.float32([[[1, 10]]])}
    inputs = {name: inputs[name] for name in program.main.inputs}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(interpret(program, inputs)["y"], session.run(None, inputs)[0])


def test_attributes_that_say_the_default_are_left_empty() -> None:
    op = read("Conv", strides=[1], dilations=[1], pads=[0, 0], auto_pad="NOTSET", group=1, kernel_shape=[2])
    assert (op.strides, op.dilations, op.pads, op.groups, op.pad_mode) == ((), (), (), 1, "explicit")


@pytest.mark.parametrize("auto_pad", ["VALID", "SAME_UPPER", "SAME_LOWER"])
def test_pads_beside_a_pad_mode_mean_nothing(auto_pad: str) -> None:
    op = read("Conv", pads=[1, 1], auto_pad=auto_pad)
    assert (op.pads, op.pad_mode) == ((), auto_pad.lower())


def test_an_unknown_pad_mode_is_carried_opaque() -> None:
    assert read("Conv", auto_pad="SAME").name == "opaque"
    assert read("MaxPool", auto_pad="SAME", kernel_shape=[2]).name == "opaque"


def test_max_pool_with_indices_is_carried_opaque() -> None:
    assert read("MaxPool", outputs=("y", "indices"), kernel_shape=[2]).name == "opaque"
    assert read("MaxPool", outputs=("y", ""), kernel_shape=[2]).name == "max_pool"


@pytest.mark.parametrize("auto_pad", ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"])
def test_ceil_mode_means_what_it_means_to_onnxruntime(auto_pad: str) -> None:
    assert_as_onnxruntime("MaxPool", kernel_shape=[2], strides=[2], auto_pad=auto_pad, ceil_mode=1)
    assert_as_onnxruntime("AveragePool", kernel_shape=[4], strides=[3], auto_pad=auto_pad, ceil_mode=1)


@pytest.mark.parametrize("size", [15, 17, 18, 19])
@pytest.mark.parametrize("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER"])
def test_output_shape_means_what_it_means_to_onnxruntime(size: int, auto_pad: str) -> None:
    assert_as_onnxruntime("ConvTranspose", strides=[2], output_shape=[size], auto_pad=auto_pad)


def test_output_shape_may_name_all_axes_and_overrules_pads() -> None:
    op = read("ConvTranspose", strides=[2], output_shape=[1, 1, 17], pads=[1, 1])
    assert (op.output_shape, op.pads) == ((17,), ())


def test_an_op_has_the_type_that_its_import_says() -> None:
    op: Op = read("ConvTranspose", strides=[2])
    assert str(op.result.tensor) == "f32[1,1,18]"
