"""Control flow in ONNX: If, Loop, and Identity, by which blocks hand on values that they do not compute."""

from collections.abc import Mapping

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.ir.block import Block
from optc.ir.dtypes import DType
from optc.ir.types import TensorType, Type, type_refines
from optc.ops.control import Cond, WhileLoop, joined


def _import_if(n: Node) -> Imported:
    then, else_ = n.block("then_branch"), n.block("else_branch")
    pairs = list(zip(then.results, else_.results, strict=True))
    if any(joined(a.type, b.type) is None for a, b in pairs) or n.tensor(0).rank:
        return None
    return n.all(Cond(n.input(0), then, else_))


def _import_loop(n: Node) -> Imported:
    """A size that the body changes is unknown in the carried value; a type that it changes cannot be carried."""
    initial = tuple(n.input(i) for i in range(2, len(n.inputs)))
    scalars = [v for v in (n.optional(0), n.optional(1)) if v is not None]
    if any(v.tensor.rank for v in scalars):
        return None
    types: list[Type] = [v.type for v in initial]
    body = _loop_body(n, types)
    while not _is_stable(body, types):
        wider = [joined(t, v.type) for t, v in zip(types, body.results[1:], strict=False)]
        if len(wider) < len(types):
            return None
        types = [t for t in wider if t is not None]
        if len(types) < len(wider):
            return None
        body = _loop_body(n, types)
    if not all(isinstance(v.type, TensorType) for v in body.results):
        return None
    return n.all(WhileLoop(body, n.optional(0), n.optional(1), initial))


def _loop_body(n: Node, carried: list[Type]) -> Block:
    return n.block("body", (TensorType(DType.I64), TensorType(DType.BOOL), *carried))


def _is_stable(body: Block, types: list[Type]) -> bool:
    results = body.results[1 : 1 + len(types)]
    return len(results) == len(types) and all(type_refines(v.type, t) for v, t in zip(results, types, strict=True))


def _export_cond(op: Cond, g: Graph) -> None:
    branches = {"then_branch": g.nested(op.then), "else_branch": g.nested(op.else_)}
    g.emit(op, "If", [op.condition], **branches)


def _export_loop(op: WhileLoop, g: Graph) -> None:
    g.emit(op, "Loop", [op.trip_count, op.condition, *op.initial], body=g.nested(op.body))
    written = g.nodes[-1].input
    written.extend([""] * (2 - len(written)))  # ONNX wants the first two inputs even where they are empty


IMPORTERS: Mapping[str, Importer] = {
    "If": _import_if,
    "Loop": _import_loop,
    "Identity": lambda n: n.input(0),
}
EXPORTERS: Exporters = {Cond: _export_cond, WhileLoop: _export_loop}
