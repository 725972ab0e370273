"""Wrong ONNX models, each made by a function that gives the bytes of the file."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper


def model(nodes: Sequence[NodeProto], initializers: Sequence[TensorProto] = (), opset: int = 21) -> ModelProto:
    """A model from x: f32[1,2] to y."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def relu(source: str = "x", **attributes: Any) -> NodeProto:
    return helper.make_node("Relu", [source], ["y"], name="relu", **attributes)


def with_weight(change: Callable[[TensorProto], None]) -> bytes:
    """A model that adds a weight, which is changed."""
    weight = numpy_helper.from_array(np.ones((1, 2), np.float32), "w")
    change(weight)
    return model([helper.make_node("Add", ["x", "w"], ["y"], name="add")], [weight]).SerializeToString()


def _truncated() -> bytes:
    weight = numpy_helper.from_array(np.ones((1, 2000), np.float32), "w")
    data = model([relu()], [weight]).SerializeToString()
    return data[: len(data) // 2]


def _negative_shape(weight: TensorProto) -> None:
    weight.dims[0] = -1


def _huge_shape(weight: TensorProto) -> None:
    weight.dims[0] = 1 << 60


def _short_data(weight: TensorProto) -> None:
    weight.raw_data = weight.raw_data[:-1]


def _unknown_type(weight: TensorProto) -> None:
    weight.data_type = 99


def _external(location: str, offset: str = "0") -> Callable[[TensorProto], None]:
    def change(weight: TensorProto) -> None:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset)):
            weight.external_data.add(key=key, value=value)

    return change


def _undefined() -> bytes:
    return model([relu("missing")]).SerializeToString()


def _broadcast() -> bytes:
    weight = numpy_helper.from_array(np.ones((1, 3), np.float32), "w")
    return model([helper.make_node("Add", ["x", "w"], ["y"], name="add")], [weight]).SerializeToString()


def _attribute() -> bytes:
    node = helper.make_node("Transpose", ["x"], ["y"], name="turn", perm=[0, 0])
    return model([node]).SerializeToString()


def _no_output_value() -> bytes:
    return model([helper.make_node("Relu", ["x"], ["z"], name="relu")]).SerializeToString()


MODELS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "garbage": lambda: bytes(range(255, 0, -1)) * 4,
    "truncated": _truncated,
    "text": lambda: b"this is a text, not a model\n",
    "old_opset": lambda: model([relu()], opset=7).SerializeToString(),
    "future_opset": lambda: model([relu()], opset=99).SerializeToString(),
    "undefined_value": _undefined,
    "undefined_output": _no_output_value,
    "broadcast": _broadcast,
    "attribute": _attribute,
    "negative_shape": lambda: with_weight(_negative_shape),
    "huge_shape": lambda: with_weight(_huge_shape),
    "short_data": lambda: with_weight(_short_data),
    "unknown_type": lambda: with_weight(_unknown_type),
    "external_outside": lambda: with_weight(_external("../model.onnx")),
    "external_absolute": lambda: with_weight(_external("/etc/hostname")),
    "external_missing": lambda: with_weight(_external("weights.bin")),
    "external_range": lambda: with_weight(_external("model.onnx", "1000000")),
}
"""The wrong models by name."""
