"""Matrix products and einsum in ONNX."""

from collections.abc import Mapping

import numpy as np

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.ir.value import Value
from optc.ops.einsum import Einsum
from optc.ops.elementwise import Add, Mul
from optc.ops.matmul import Linear, MatMul


def import_matmul(node: Node) -> Imported:
    """`MatMul`."""
    return node.add(MatMul(node.input(0), node.input(1)))


def import_einsum(node: Node) -> Imported:
    """`Einsum`."""
    operands = tuple(node.input(i) for i in range(len(node.inputs)))
    return node.add(Einsum(operands, node.get("equation", "")))


def import_gemm(node: Node) -> Imported:
    """`Gemm`, `alpha * A' @ B' + beta * C`: a linear op where it is one, else what it is made of."""
    a, b, c = node.input(0), node.input(1), node.optional(2)
    alpha, beta = float(node.get("alpha", 1.0)), float(node.get("beta", 1.0))
    if a.tensor.rank != 2 or b.tensor.rank != 2 or ((alpha, beta) != (1, 1) and not a.tensor.dtype.is_float):
        return None
    flipped = bool(node.get("transA", 0)), bool(node.get("transB", 0))
    if beta == 0:
        c = None
    fits = c is None or c.tensor.shape == b.tensor.shape[:1]
    if fits and flipped == (False, True) and (alpha, beta) == (1, 1) and a.tensor.dtype.is_float:
        return node.add(Linear(a, b, c))
    product = _scaled(node, _product(node, a, b, flipped), alpha)
    return product if c is None else node.add(Add(product, _scaled(node, c, beta)))


def _product(node: Node, a: Value, b: Value, flipped: tuple[bool, bool]) -> Value:
    if flipped == (False, False):
        return node.add(MatMul(a, b))
    if flipped == (False, True) and a.tensor.dtype.is_float:
        return node.add(Linear(a, b))
    left, right = "ki" if flipped[0] else "ik", "jk" if flipped[1] else "kj"
    return node.add(Einsum((a, b), f"{left},{right}->ij"))


def _scaled(node: Node, value: Value, factor: float) -> Value:
    return value if factor == 1 else node.add(Mul(value, node.const(np.float32(factor), value.tensor.dtype)))


def export_matmul(op: MatMul, graph: Graph) -> None:
    """`MatMul`."""
    graph.emit(op, "MatMul", (op.x, op.y))


def export_linear(op: Linear, graph: Graph) -> None:
    """`Gemm` for a matrix, otherwise `MatMul` with the transposed weight."""
    if op.x.tensor.rank == 2:
        graph.emit(op, "Gemm", (op.x, op.w, op.bias), transB=1)
        return
    transposed = graph.node("Transpose", [graph.name(op.w)], perm=[1, 0])
    if op.bias is None:
        graph.emit(op, "MatMul", (op.x, transposed))
        return
    product = graph.node("MatMul", [graph.name(op.x), transposed])
    graph.emit(op, "Add", (product, op.bias))


def export_einsum(op: Einsum, graph: Graph) -> None:
    """`Einsum`."""
    graph.emit(op, "Einsum", op.xs, equation=op.equation)


IMPORTERS: Mapping[str, Importer] = {"MatMul": import_matmul, "Gemm": import_gemm, "Einsum": import_einsum}
EXPORTERS: Exporters = {MatMul: export_matmul, Linear: export_linear, Einsum: export_einsum}
