"""Gathers and scatters in ONNX."""

from collections.abc import Mapping

from optc.formats.onnx.graph import Exporters
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import positive, wide
from optc.ir.value import Value
from optc.ops.gather import Gather, GatherElements, GatherND
from optc.ops.scatter import ScatterElements, ScatterND


def _axis(n: Node) -> int:
    return positive(n.get("axis", 0), n.tensor(0).rank)


def _unknown_positions(indices: Value) -> bool:
    """Whether the number of coordinates in each position, and so the rank of what it points to, is not known."""
    shape = indices.tensor.shape
    return bool(shape) and not isinstance(shape[-1], int)


def _gather_nd(n: Node) -> Imported:
    if _unknown_positions(n.input(1)):
        return None
    return n.add(GatherND(n.input(0), n.input(1), n.get("batch_dims", 0)))


def _scatter_nd(n: Node) -> Imported:
    if _unknown_positions(n.input(1)):
        return None
    return n.add(ScatterND(n.input(0), n.input(1), n.input(2), n.get("reduction", "none")))


def _scatter_elements(n: Node) -> Imported:
    return n.add(ScatterElements(n.input(0), n.input(1), n.input(2), n.get("reduction", "none"), _axis(n)))


IMPORTERS: Mapping[str, Importer] = {
    "Gather": lambda n: n.add(Gather(n.input(0), n.input(1), _axis(n))),
    "GatherElements": lambda n: n.add(GatherElements(n.input(0), n.input(1), _axis(n))),
    "GatherND": _gather_nd,
    "Scatter": _scatter_elements,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
}
EXPORTERS: Exporters = {
    Gather: lambda op, g: g.emit(op, "Gather", [op.x, op.indices], axis=op.axis),
    GatherElements: lambda op, g: g.emit(op, "GatherElements", [op.x, op.indices], axis=op.axis),
    GatherND: lambda op, g: g.emit(op, "GatherND", [op.x, wide(g, op.indices)], batch_dims=op.batch_dims),
    ScatterElements: lambda op, g: g.emit(
        op, "ScatterElements", [op.x, op.indices, op.updates], axis=op.axis, reduction=op.reduction
    ),
    ScatterND: lambda op, g: g.emit(op, "ScatterND", [op.x, wide(g, op.indices), op.updates], reduction=op.reduction),
}
