"""Operators on shapes in ONNX."""

from collections.abc import Mapping

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import add_settled, integers, positive, wide
from optc.ops import shape as s


def _reshape(n: Node) -> Imported:
    return add_settled(n, s.DynamicReshape, n.input(0), n.input(1), bool(n.get("allowzero", 0)))


def _flatten(n: Node) -> Imported:
    return n.add(s.Flatten(n.input(0), positive(n.get("axis", 1), n.tensor(0).rank)))


def _squeeze(n: Node) -> Imported:
    """Axes are an attribute up to opset 12; without any, all sizes that are 1 go."""
    own = n.tensor(0).shape
    if n.has(1):
        return add_settled(n, s.DynamicSqueeze, n.input(0), n.input(1))
    axes = n.get("axes", None)
    if axes is None:
        if not all(isinstance(d, int) for d in own):
            return None
        axes = tuple(i for i, d in enumerate(own) if d == 1)
    return n.add(s.Squeeze(n.input(0), tuple(sorted(positive(i, len(own)) for i in axes))))


def _unsqueeze(n: Node) -> Imported:
    """Axes are an attribute up to opset 12."""
    axes = n.get("axes", None)
    if axes is None:
        return add_settled(n, s.DynamicUnsqueeze, n.input(0), n.input(1))
    rank = n.tensor(0).rank + len(axes)
    return n.add(s.Unsqueeze(n.input(0), tuple(sorted(positive(i, rank) for i in axes))))


def _transpose(n: Node) -> Imported:
    return n.add(s.Transpose(n.input(0), n.get("perm", tuple(reversed(range(n.tensor(0).rank))))))


def _shape(n: Node) -> Imported:
    """Bounds count from the back if negative, and are cut to the rank."""
    rank = n.tensor(0).rank
    start, end, _ = slice(n.get("start", 0), n.get("end", rank)).indices(rank)
    return n.add(s.ShapeOf(n.input(0), start, None if end == rank else max(start, end)))


IMPORTERS: Mapping[str, Importer] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Expand": lambda n: add_settled(n, s.DynamicExpand, n.input(0), n.input(1)),
    "Shape": _shape,
    "Size": lambda n: n.add(s.Size(n.input(0))),
}


def _export_reshape(op: s.Reshape, g: Graph) -> None:
    g.emit(op, "Reshape", [op.x, integers(g, op.shape)], allowzero=op.allowzero or None)


def _export_shape(op: s.ShapeOf, g: Graph) -> None:
    g.emit(op, "Shape", [op.x], start=op.start or None, end=op.end)


def _export_squeeze(op: s.Squeeze | s.DynamicSqueeze, g: Graph) -> None:
    """No axes at all would mean every axis of size 1 to runtimes."""
    none = op.axes.tensor.shape == (0,) if isinstance(op, s.DynamicSqueeze) else not op.axes
    if none:
        g.emit(op, "Identity", [op.x])
    else:
        axes = wide(g, op.axes) if isinstance(op, s.DynamicSqueeze) else integers(g, op.axes)
        g.emit(op, "Squeeze", [op.x, axes])


EXPORTERS: Exporters = {
    s.Reshape: _export_reshape,
    s.Flatten: lambda op, g: g.emit(op, "Flatten", [op.x], axis=op.axis),
    s.Squeeze: _export_squeeze,
    s.Unsqueeze: lambda op, g: g.emit(op, "Unsqueeze", [op.x, integers(g, op.axes)]),
    s.Transpose: lambda op, g: g.emit(op, "Transpose", [op.x], perm=op.perm or None),
    s.Expand: lambda op, g: g.emit(op, "Expand", [op.x, integers(g, op.shape)]),
    s.ShapeOf: _export_shape,
    s.Size: lambda op, g: g.emit(op, "Size", [op.x]),
    s.DynamicReshape: lambda op, g: g.emit(op, "Reshape", [op.x, wide(g, op.shape)], allowzero=op.allowzero or None),
    s.DynamicSqueeze: _export_squeeze,
    s.DynamicUnsqueeze: lambda op, g: g.emit(op, "Unsqueeze", [op.x, wide(g, op.axes)]),
    s.DynamicExpand: lambda op, g: g.emit(op, "Expand", [op.x, wide(g, op.shape)]),
}
