import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from optc.formats.onnx.reader import program_of
from optc.ir.block import Program
from optc.ir.interpreter import interpret

RNG = np.random.default_rng(0)


def gemm(c_shape: tuple[int, ...] | None, elem_type: int = TensorProto.FLOAT, **attributes: float) -> Program:
    """A program read from one Gemm node of a [2, 3] by a [3, 4] matrix, either of them stored transposed."""
    a = (3, 2) if attributes.get("transA") else (2, 3)
    b = (4, 3) if attributes.get("transB") else (3, 4)
    shapes = {"a": a, "b": b} | ({} if c_shape is None else {"c": c_shape})
    node = helper.make_node("Gemm", list(shapes), ["y"], **attributes)
    inputs = [helper.make_tensor_value_info(name, elem_type, shape) for name, shape in shapes.items()]
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", elem_type, (2, 4))])
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    return program_of(model)


def names(program: Program) -> list[str]:
    return [op.name for op in program.main.body.ops if op.name != "const"]


@pytest.mark.parametrize("c_shape", [None, (), (1,), (4,), (1, 4), (2, 1), (2, 4)])
@pytest.mark.parametrize("flipped", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("factors", [(1.0, 1.0), (0.5, 1.0), (1.0, 2.0), (2.0, 0.0)])
def test_gemm_is_read_as_what_it_computes(
    c_shape: tuple[int, ...] | None, flipped: tuple[int, int], factors: tuple[float, float]
) -> None:
    (trans_a, trans_b), (alpha, beta) = flipped, factors
    program = gemm(c_shape, transA=trans_a, transB=trans_b, alpha=alpha, beta=beta)
    inputs = {
        name: RNG.integers(-8, 9, kind.static_shape).astype(np.float32)  # type: ignore[union-attr]  # all are tensors
        for name, kind in program.main.inputs.items()
    }
    a, b = (inputs[k].T if flip else inputs[k] for k, flip in (("a", trans_a), ("b", trans_b)))
    expected = alpha * (a @ b) + beta * inputs.get("c", np.float32(0))
    np.testing.assert_array_equal(interpret(program, inputs)["y"], expected)


def test_gemm_of_a_dense_layer_is_linear() -> None:
    assert names(gemm((4,), transB=1)) == ["linear"]
    assert names(gemm(None, transB=1)) == ["linear"]


def test_gemm_of_a_plain_product_is_matmul() -> None:
    assert names(gemm(None)) == ["matmul"]
    assert names(gemm((4,))) == ["matmul", "add"]


def test_gemm_of_integers_with_a_fractional_factor_is_carried_opaque() -> None:
    assert names(gemm((4,), TensorProto.INT32)) == ["matmul", "add"]
    assert names(gemm((4,), TensorProto.INT32, transB=1)) == ["einsum", "add"]
    assert names(gemm((4,), TensorProto.INT32, alpha=0.5)) == ["opaque"]
