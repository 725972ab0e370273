"""Extremes, top k and running sums in ONNX."""

from collections.abc import Callable, Mapping

import numpy as np

from optc.formats.onnx.graph import Exporter, Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import add_settled, integers, positive, wide
from optc.ir.dtypes import DType
from optc.ir.value import Value
from optc.ops import order as o


def _arg_reduce(op: type[o.ArgMax] | type[o.ArgMin]) -> Importer:
    build: Callable[..., o.ArgMax | o.ArgMin] = op

    def run(n: Node) -> Imported:
        axis = positive(n.get("axis", 0), n.tensor(0).rank)
        return n.add(build(n.input(0), axis, bool(n.get("keepdims", 1)), bool(n.get("select_last_index", 0))))

    return run


def _top_k(n: Node) -> Imported:
    """ONNX leaves the order open where `sorted` is 0: sorted is one of the orders."""
    axis = positive(n.get("axis", -1), n.tensor(0).rank)
    return add_settled(n, o.DynamicTopK, n.input(0), n.input(1), axis, bool(n.get("largest", 1)))


def _cumsum(n: Node) -> Imported:
    exclusive, reverse = bool(n.get("exclusive", 0)), bool(n.get("reverse", 0))
    return add_settled(n, o.DynamicCumsum, n.input(0), n.input(1), exclusive, reverse)


IMPORTERS: Mapping[str, Importer] = {
    "ArgMax": _arg_reduce(o.ArgMax),
    "ArgMin": _arg_reduce(o.ArgMin),
    "TopK": _top_k,
    "CumSum": _cumsum,
}


def _export_arg_reduce(op_type: str) -> Exporter:
    return lambda op, g: g.emit(op, op_type, op.operands, **op.attribute_values())


def _export_top_k(op: o.TopK | o.DynamicTopK, g: Graph, k: str) -> None:
    g.emit(op, "TopK", [op.x, k], axis=op.axis, largest=op.largest, sorted=1)


def _vector(g: Graph, value: Value) -> str:
    """The name of an i64 vector of the one element of a value."""
    name = wide(g, value)
    return name if value.tensor.rank else g.node("Reshape", [name, integers(g, [1])])


def _export_cumsum(op: o.Cumsum | o.DynamicCumsum, g: Graph, axis: str) -> None:
    g.emit(op, "CumSum", [op.x, axis], exclusive=op.exclusive, reverse=op.reverse)


EXPORTERS: Exporters = {
    o.ArgMax: _export_arg_reduce("ArgMax"),
    o.ArgMin: _export_arg_reduce("ArgMin"),
    o.TopK: lambda op, g: _export_top_k(op, g, integers(g, [op.k])),
    o.DynamicTopK: lambda op, g: _export_top_k(op, g, _vector(g, op.k)),
    o.Cumsum: lambda op, g: _export_cumsum(op, g, g.constant(np.array(op.axis, np.int64), DType.I64)),
    o.DynamicCumsum: lambda op, g: _export_cumsum(op, g, g.name(op.axis)),
}
