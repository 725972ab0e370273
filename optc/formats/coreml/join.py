"""Concatenation, splitting and copies in MIL."""

from collections.abc import Mapping
from typing import Any

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.ops import join


def _import_tile(o: Operation) -> Imported:
    if o.is_constant("reps"):
        return o.add(join.Tile(o.value("x"), o.integers("reps")))
    return o.add(join.DynamicTile(o.value("x"), o.value("reps")))


def _import_concat(o: Operation) -> Imported:
    values = o.values("values")
    if o.flag("interleave", False):
        return None
    return o.add(join.Concat(values, o.axis("axis", values[0].tensor.rank, 0)))


def _import_stack(o: Operation) -> Imported:
    values = o.values("values")
    return o.add(join.Stack(values, o.axis("axis", values[0].tensor.rank + 1, 0)))


def _import_split(o: Operation) -> Imported:
    axis = o.axis("axis", o.kind_of().rank, 0)
    given = {"sizes": o.integers("split_sizes")} if o.has("split_sizes") else {"parts": o.integer("num_splits", 1)}
    op = join.Split(o.value("x"), axis, **given)
    o.asked.add("num_splits")
    o.add(op)
    return op.results


IMPORTERS: Mapping[str, Importer] = {
    "tile": _import_tile,
    "concat": _import_concat,
    "stack": _import_stack,
    "split": _import_split,
}


def _export_tile(op: join.Tile, b: Body) -> None:
    if 0 in op.repeats:
        raise OptcError("not-in-coreml", op.describe(), "each of repeats", "at least 1", op.repeats)
    b.emit(op, "tile", x=op.x, reps=op.repeats)


def _export_split(op: join.Split, b: Body) -> None:
    sizes: tuple[Any, ...] = op.sizes or tuple(v.tensor.shape[op.axis] for v in op.results)
    if not all(isinstance(s, int) for s in sizes):
        b.emit(op, "split", x=op.x, num_splits=op.parts, axis=op.axis)
        return
    b.emit(op, "split", x=op.x, split_sizes=sizes, axis=op.axis)


EXPORTERS: Exporters = {
    join.Concat: lambda op, b: b.emit(op, "concat", values=op.xs, axis=op.axis, interleave=False),
    join.Stack: lambda op, b: b.emit(op, "stack", values=op.xs, axis=op.axis),
    join.Split: _export_split,
    join.Tile: _export_tile,
    join.DynamicTile: lambda op, b: b.emit(op, "tile", x=op.x, reps=op.repeats),
}
