"""Pooling in ONNX."""

from collections.abc import Mapping
from typing import Any

from optc.formats.onnx.graph import Exporter, Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.windowed import export_input_window, import_window
from optc.ops.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, GlobalPool, LpPool, MaxPool, Pool
from optc.ops.window import MOST_AXES


def _pool(node: Node, op: Any, **attributes: Any) -> Imported:
    window = import_window(node)
    if window is None or "kernel_shape" not in node.attributes or node.tensor(0).rank > 2 + MOST_AXES:
        return None
    if len(node.outputs) > 1 and node.outputs[1]:
        return None  # the indices of MaxPool
    ceil_mode = bool(node.get("ceil_mode", 0))
    if ceil_mode and window["pad_mode"] == "valid":
        window["pad_mode"] = "explicit"  # no padding either way, but only here may the last window be partial
    ceil_mode = ceil_mode and window["pad_mode"] == "explicit"
    kernel = node.attributes["kernel_shape"]
    return node.add(op(node.input(0), kernel, ceil_mode=ceil_mode, **window, **attributes))


def import_max_pool(node: Node) -> Imported:
    """`MaxPool` without its second output."""
    return _pool(node, MaxPool)


def import_avg_pool(node: Node) -> Imported:
    """`AveragePool`."""
    return _pool(node, AvgPool, count_include_pad=bool(node.get("count_include_pad", 0)))


def import_lp_pool(node: Node) -> Imported:
    """`LpPool`."""
    return _pool(node, LpPool, p=node.get("p", 2))


def _global(op: type[GlobalPool]) -> Importer:
    build: Any = op
    return lambda node: node.add(build(node.input(0)))


def _export(op: Pool, graph: Graph, op_type: str, **attributes: Any) -> None:
    graph.emit(
        op, op_type, (op.x,), kernel_shape=op.kernel_shape, ceil_mode=op.ceil_mode or None,
        **export_input_window(op, op.window), **attributes,
    )  # fmt: skip


def export_max_pool(op: MaxPool, graph: Graph) -> None:
    """`MaxPool`."""
    _export(op, graph, "MaxPool")


def export_avg_pool(op: AvgPool, graph: Graph) -> None:
    """`AveragePool`."""
    _export(op, graph, "AveragePool", count_include_pad=op.count_include_pad or None)


def export_lp_pool(op: LpPool, graph: Graph) -> None:
    """`LpPool`."""
    _export(op, graph, "LpPool", p=op.p)


def _export_global(op_type: str) -> Exporter:
    return lambda op, graph: graph.emit(op, op_type, (op.x,))


IMPORTERS: Mapping[str, Importer] = {
    "MaxPool": import_max_pool,
    "AveragePool": import_avg_pool,
    "LpPool": import_lp_pool,
    "GlobalAveragePool": _global(GlobalAvgPool),
    "GlobalMaxPool": _global(GlobalMaxPool),
}
EXPORTERS: Exporters = {
    MaxPool: export_max_pool,
    AvgPool: export_avg_pool,
    LpPool: export_lp_pool,
    GlobalAvgPool: _export_global("GlobalAveragePool"),
    GlobalMaxPool: _export_global("GlobalMaxPool"),
}
