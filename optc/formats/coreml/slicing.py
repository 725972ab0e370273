"""Slices in MIL."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.vectors import spread
from optc.ops import shape
from optc.ops import slice as cut
from optc.ops.compare import Select
from optc.ops.gather import Gather


def _import_slice(o: Operation) -> Imported:
    """Positions to squeeze are slices of one element; a single one, if it is all, is a gather."""
    x, rank = o.value("x"), o.kind_of().rank
    begin_mask, end_mask, squeeze_mask = (o.flags(f"{n}_mask", rank) for n in ("begin", "end", "squeeze"))
    steps = o.integers("stride", (1,) * rank)
    squeezed = tuple(i for i, s in enumerate(squeeze_mask) if s)
    if not o.is_constant("begin") or not o.is_constant("end"):
        return None if squeezed else _import_dynamic_slice(o, begin_mask, end_mask, steps)
    rows = []
    for axis, (begin, end, step) in enumerate(zip(o.integers("begin"), o.integers("end"), steps, strict=True)):
        if squeeze_mask[axis]:
            rows.append((axis, begin, begin + 1 if begin != -1 else cut.BEYOND, 1))
            continue
        first = begin if not begin_mask[axis] else 0 if step > 0 else cut.BEYOND
        last = end if not end_mask[axis] else cut.BEYOND if step > 0 else -cut.BEYOND
        if (first, last, step) != (0, cut.BEYOND, 1):
            rows.append((axis, first, last, step))
    if len(rows) == len(squeezed) == 1:
        return o.add(Gather(x, o.const(np.int32(rows[0][1])), rows[0][0]))
    axes, starts, ends, strides = zip(*rows, strict=True) if rows else ((), (), (), ())
    value = o.add(cut.Slice(x, starts, ends, axes, strides)) if rows else x
    return o.add(shape.Squeeze(value, squeezed)) if squeezed else value


def _import_dynamic_slice(
    o: Operation, begin_mask: tuple[bool, ...], end_mask: tuple[bool, ...], steps: tuple[int, ...]
) -> Imported:
    rank = o.kind_of().rank
    bounds = []
    for name, mask, ends in (("begin", begin_mask, (0, cut.BEYOND)), ("end", end_mask, (cut.BEYOND, -cut.BEYOND))):
        value = o.value(name)
        if any(mask):
            whole = np.array([ends[step < 0] for step in steps], value.tensor.dtype.numpy)
            value = o.add(Select(o.const(np.array(mask)), o.const(whole), value))
        bounds.append(value)
    strides = o.const(np.array(steps, np.int32)) if any(s != 1 for s in steps) else None
    return o.add(cut.DynamicSlice(o.value("x"), bounds[0], bounds[1], tuple(range(rank)), strides))


def _import_slice_by_size(o: Operation) -> Imported:
    """-1 elements are all that are left."""
    if not (o.is_constant("begin") and o.is_constant("size")):
        return None
    starts, sizes = o.integers("begin"), o.integers("size")
    ends = [cut.BEYOND if n == -1 else b + n for b, n in zip(starts, sizes, strict=True)]
    axes = tuple(range(o.kind_of().rank))
    return o.add(cut.Slice(o.value("x"), starts, tuple(ends), axes, (1,) * len(axes)))


def _import_reverse(o: Operation) -> Imported:
    axes = o.axes("axes", o.kind_of().rank)
    many = len(axes)
    return o.add(cut.Slice(o.value("x"), (-1,) * many, (-cut.BEYOND,) * many, axes, (-1,) * many))


IMPORTERS: Mapping[str, Importer] = {
    "slice_by_index": _import_slice,
    "slice_by_size": _import_slice_by_size,
    "reverse": _import_reverse,
}


def _export_slice(op: cut.Slice, b: Body) -> None:
    """Bounds from the start where the size is known; a mask where there is none."""
    rank = op.x.tensor.rank
    begin, end, stride = [0] * rank, [0] * rank, [1] * rank
    begin_mask, end_mask = [True] * rank, [True] * rank
    for axis, start, stop, step in zip(op.axes, op.starts, op.ends, op.steps, strict=True):
        dim = op.x.tensor.shape[axis]
        stride[axis] = step
        if isinstance(dim, int):
            places = cut.taken(dim, start, stop, step)
            start, stop = places.start, places.stop
            last = stop < 0 or (step > 0 and stop >= dim)
        else:
            last = abs(stop) >= cut.BEYOND
        if step > 0 and 0 <= stop <= start and not last:
            raise OptcError("coreml-shape", op.describe(), f"slice of axis {axis}", "not empty", (start, stop))
        begin[axis], begin_mask[axis] = (0, True) if abs(start) >= cut.BEYOND else (start, False)
        end[axis], end_mask[axis] = (0, True) if last else (stop, False)
    b.emit(
        op, "slice_by_index", x=op.x, begin=tuple(begin), end=tuple(end), stride=tuple(stride),
        begin_mask=tuple(begin_mask), end_mask=tuple(end_mask),
    )  # fmt: skip


def _export_dynamic_slice(op: cut.DynamicSlice, b: Body) -> None:
    """Bounds of all axes, those that are not cut being masked."""
    rank = op.x.tensor.rank
    places = tuple(op.axes.index(i) if i in op.axes else len(op.axes) for i in range(rank))
    masked = tuple(i not in op.axes for i in range(rank))
    stride: Any = (1,) * rank
    if op.steps is not None:
        held = b.tensor(op.steps)
        if held is None:
            raise OptcError("not-in-coreml", op.describe(), "steps", "constants")
        stride = tuple((*held.array().reshape(-1).tolist(), 1)[p] for p in places)
    bounds = [spread(v, places, b) for v in (op.starts, op.ends)]
    b.emit(
        op, "slice_by_index", x=op.x, begin=bounds[0], end=bounds[1], stride=stride, begin_mask=masked, end_mask=masked
    )  # fmt: skip


EXPORTERS: Exporters = {
    cut.Slice: _export_slice,
    cut.DynamicSlice: _export_dynamic_slice,
}
