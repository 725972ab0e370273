"""A small network, written as an ONNX file."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save


def write_model(path: Path) -> Path:
    """A network of two linear layers: `x: f32[batch,64]` to `y: f32[batch,64]`; its weights are `first`, `second`."""
    random = np.random.default_rng(1)
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in (("first", (64, 96)), ("bias", (96,)), ("second", (96, 64)))
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "first", "bias"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "second"], ["y"]),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 64]) for name in ("x", "y"))
    graph = helper.make_graph(nodes, "g", [x], [y], weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def inputs() -> dict[str, np.ndarray]:
    """Inputs for the network."""
    return {"x": np.random.default_rng(2).standard_normal((3, 64)).astype(np.float32)}
