"""Reductions in ONNX: axes are an attribute in old opsets, an input in new ones."""

from collections.abc import Callable, Mapping

from optc.formats.onnx.graph import Exporter, Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import add_settled, integers, positive, wide
from optc.ir.dtypes import FLOATS
from optc.ops import dynamic_reduce as d
from optc.ops import reduce as r
from optc.ops.unary import Log

DYNAMIC: Mapping[str, type[d.DynamicReduce]] = {
    "ReduceSum": d.DynamicReduceSum, "ReduceMean": d.DynamicReduceMean, "ReduceMax": d.DynamicReduceMax,
    "ReduceMin": d.DynamicReduceMin, "ReduceProd": d.DynamicReduceProd, "ReduceL1": d.DynamicReduceL1,
    "ReduceL2": d.DynamicReduceL2, "ReduceSumSquare": d.DynamicReduceSumSquare,
    "ReduceLogSumExp": d.DynamicReduceLogSumExp,
}  # fmt: skip
_SAME_WITHOUT_AXES = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")


def _reduce(dynamic: type[d.DynamicReduce]) -> Importer:
    build: Callable[..., r.Reduce] = dynamic.twin

    def run(n: Node) -> Imported:
        rank = n.tensor(0).rank
        keepdims = bool(n.get("keepdims", 1))
        if not n.has(1) or n.tensor(1).shape == (0,):
            if n.get("noop_with_empty_axes", 0) and not n.get("axes", ()) and rank:
                return n.input(0) if n.op_type in _SAME_WITHOUT_AXES else None
            axes = n.get("axes", ()) or range(rank)
            return n.add(build(n.input(0), tuple(sorted(positive(axis, rank) for axis in axes)), keepdims))
        if n.get("noop_with_empty_axes", 0) and not isinstance(n.tensor(1).elements, int):
            return None
        return add_settled(n, dynamic, n.input(0), n.input(1), keepdims)

    return run


def _log_sum(n: Node) -> Imported:
    if n.tensor(0).dtype not in FLOATS:
        return None
    if n.get("noop_with_empty_axes", 0) and not n.has(1) and not n.get("axes", ()):
        return n.add(Log(n.input(0)))
    total = _reduce(d.DynamicReduceSum)(n)
    return None if total is None else n.add(Log(total if not isinstance(total, tuple) else total[0]))


IMPORTERS: Mapping[str, Importer] = {
    **{name: _reduce(op) for name, op in DYNAMIC.items()},
    "ReduceLogSum": _log_sum,
}


def _static(op_type: str) -> Exporter:
    """A scalar has no axes to name, and ONNX takes that for all of them."""

    def run(op: r.Reduce, g: Graph) -> None:
        axes = integers(g, op.axes) if op.axes else None
        g.emit(op, op_type, [op.x, axes], keepdims=op.keepdims)

    return run


def _dynamic(op_type: str) -> Exporter:
    return lambda op, g: g.emit(op, op_type, [op.x, wide(g, op.axes)], keepdims=op.keepdims)


EXPORTERS: Exporters = {
    **{op.twin: _static(name) for name, op in DYNAMIC.items()},
    **{op: _dynamic(name) for name, op in DYNAMIC.items()},
}
