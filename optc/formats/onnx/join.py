"""Concatenation, splitting, repetition, slices and padding in ONNX."""

from collections.abc import Mapping

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import add_settled, integers, positive, wide
from optc.ir.value import Value
from optc.ops import join as j
from optc.ops import pad as p
from optc.ops import slice as s


def _concat(n: Node) -> Imported:
    xs = tuple(n.input(i) for i in range(len(n.inputs)))
    return n.add(j.Concat(xs, positive(n.get("axis", None), n.tensor(0).rank)))


def _split(n: Node) -> Imported:
    """Sizes are an attribute up to opset 12, then an input; without any, the pieces are equal."""
    axis = positive(n.get("axis", 0), n.tensor(0).rank)
    if n.has(1):
        return add_settled(n, j.DynamicSplit, n.input(0), n.input(1), axis)
    sizes = n.get("split", ())
    if sizes:
        return n.all(j.Split(n.input(0), axis, sizes))
    even = j.Split(n.input(0), axis, parts=n.get("num_outputs", len(n.outputs)))
    dim = n.tensor(0).shape[axis]
    return n.all(j.Split(n.input(0), axis, even.pieces(dim)) if isinstance(dim, int) else even)


def _axes(n: Node, index: int, count: object) -> tuple[int, ...] | None:
    """The axes in input `index`, or the first `count` ones if it is absent; None if they are not known."""
    rank = n.tensor(0).rank
    if not n.has(index):
        return tuple(range(min(count, rank + 1))) if isinstance(count, int) else None
    listed = n.integers(index)
    return None if listed is None else tuple(positive(i, rank) for i in listed)


def _slice(n: Node) -> Imported:
    starts = n.tensor(1)
    axes = _axes(n, 3, starts.shape[0] if starts.rank == 1 else 0)
    return None if axes is None else add_settled(
        n, s.DynamicSlice, n.input(0), n.input(1), n.input(2), axes, n.optional(4)
    )  # fmt: skip


def _pad(n: Node) -> Imported:
    """Modes other than `constant` may not take elements away: what that would mean, ONNX does not say."""
    axes, mode = _axes(n, 3, n.tensor(0).rank), n.get("mode", "constant")
    pads = n.integers(1)
    if axes is None or mode not in p.MODES or (mode != "constant" and min(pads or (0,)) < 0):
        return None
    value = n.optional(2) if mode == "constant" else None
    return add_settled(n, p.DynamicPad, n.input(0), n.input(1), axes, value, mode)


IMPORTERS: Mapping[str, Importer] = {
    "Concat": _concat,
    "Split": _split,
    "Tile": lambda n: add_settled(n, j.DynamicTile, n.input(0), n.input(1)),
    "Slice": _slice,
    "Pad": _pad,
}


def _export_stack(op: j.Stack, g: Graph) -> None:
    axes = integers(g, [op.axis])
    g.emit(op, "Concat", [g.node("Unsqueeze", [g.name(x), axes]) for x in op.xs], axis=op.axis)


def _export_split(op: j.Split, g: Graph) -> None:
    if op.parts:
        g.emit(op, "Split", [op.x], axis=op.axis, num_outputs=op.parts)
    else:
        g.emit(op, "Split", [op.x, integers(g, op.sizes)], axis=op.axis)


def _export_slice(op: s.Slice, g: Graph) -> None:
    g.emit(op, "Slice", [op.x, *(integers(g, v) for v in (op.starts, op.ends, op.axes, op.steps))])


def _export_dynamic_slice(op: s.DynamicSlice, g: Graph) -> None:
    """All of starts, ends, axes and steps are of one integer type in ONNX."""
    if len({v.tensor.dtype for v in (op.starts, op.ends, op.steps) if v is not None}) == 1:
        index = op.starts.tensor.dtype
        g.emit(op, "Slice", [op.x, op.starts, op.ends, g.constant(list(op.axes), index), op.steps])
        return
    g.emit(op, "Slice", [op.x, wide(g, op.starts), wide(g, op.ends), integers(g, op.axes), wide(g, op.steps)])


def _export_pad(op: p.Pad, g: Graph) -> None:
    g.emit(op, "Pad", [op.x, integers(g, op.pads), _scalar(op.value, g)], mode=op.mode)


def _export_dynamic_pad(op: p.DynamicPad, g: Graph) -> None:
    g.emit(op, "Pad", [op.x, wide(g, op.pads), _scalar(op.value, g), integers(g, op.axes)], mode=op.mode)


def _scalar(value: Value | None, g: Graph) -> str:
    if value is None or not value.tensor.rank:
        return g.name(value)
    return g.node("Reshape", [g.name(value), integers(g, [])])


EXPORTERS: Exporters = {
    j.Concat: lambda op, g: g.emit(op, "Concat", op.xs, axis=op.axis),
    j.Stack: _export_stack,
    j.Split: _export_split,
    j.DynamicSplit: lambda op, g: g.emit(op, "Split", [op.x, wide(g, op.sizes)], axis=op.axis),
    j.Tile: lambda op, g: g.emit(op, "Tile", [op.x, integers(g, op.repeats)]),
    j.DynamicTile: lambda op, g: g.emit(op, "Tile", [op.x, wide(g, op.repeats)]),
    s.Slice: _export_slice,
    s.DynamicSlice: _export_dynamic_slice,
    p.Pad: _export_pad,
    p.DynamicPad: _export_dynamic_pad,
}
