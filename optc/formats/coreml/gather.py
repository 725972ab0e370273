"""Gathers and scatters in MIL."""

from collections.abc import Mapping
from typing import Any

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.targets import IOS16
from optc.ir.dtypes import DType
from optc.ir.value import Value
from optc.ops import gather, scatter
from optc.ops.cast import Cast

_MODES = {"update": "none", "add": "add", "mul": "mul", "max": "max", "min": "min"}
_NAMES = {ours: theirs for theirs, ours in _MODES.items()}


def _import_gather(o: Operation) -> Imported:
    if o.integer("batch_dims", 0):
        return None
    return o.add(gather.Gather(o.value("x"), _indices(o), o.axis("axis", o.kind_of().rank, 0)))


def _import_gather_along(o: Operation) -> Imported:
    return o.add(gather.GatherElements(o.value("x"), _indices(o), o.axis("axis", o.kind_of().rank, 0)))


def _import_gather_nd(o: Operation) -> Imported:
    return o.add(gather.GatherND(o.value("x"), _indices(o), o.integer("batch_dims", 0)))


def _import_scatter_along(o: Operation) -> Imported:
    mode = _MODES.get(o.text("mode", "add"))
    if mode is None:
        return None
    axis = o.axis("axis", o.kind_of("data").rank, 0)
    return o.add(scatter.ScatterElements(o.value("data"), _indices(o), o.value("updates"), mode, axis))


def _import_scatter_nd(o: Operation) -> Imported:
    mode = _MODES.get(o.text("mode", "add"))
    if mode is None:
        return None
    return o.add(scatter.ScatterND(o.value("data"), _indices(o), o.value("updates"), mode))


IMPORTERS: Mapping[str, Importer] = {
    "gather": _import_gather,
    "gather_along_axis": _import_gather_along,
    "gather_nd": _import_gather_nd,
    "scatter_along_axis": _import_scatter_along,
    "scatter_nd": _import_scatter_nd,
}


def _indices(o: Operation) -> Any:
    """The operand; whether it is checked against the size changes no valid result."""
    o.flag("validate_indices", False)
    value = o.value("indices")
    return value if value.tensor.dtype in (DType.I32, DType.I64) else o.add(Cast(value, DType.I32))


def _places(op: Any, b: Body) -> Value:
    """The indices, of a narrower type where they were but cast for this."""
    return b.absorbed.get(op.indices, op.indices)  # type: ignore[no-any-return]  # of one of three ops


def _export_gather(op: gather.Gather, b: Body) -> None:
    """One constant place is a slice whose axis is dropped, as other tools write it."""
    place, x = b.tensor(op.indices), op.x.tensor
    if place is not None and place.shape == () and x.rank > 1 and not b.is_constant(op.x):
        index = int(place.array())
        begin = [0] * x.rank
        end = [0] * x.rank
        others = tuple(i != op.axis for i in range(x.rank))
        begin[op.axis], end[op.axis] = index, index + 1 if index != -1 else 0
        b.emit(
            op, "slice_by_index", x=op.x, begin=tuple(begin), end=tuple(end), begin_mask=others,
            end_mask=others if index != -1 else (True,) * x.rank, squeeze_mask=tuple(not m for m in others),
        )  # fmt: skip
        return
    b.emit(op, "gather", x=op.x, indices=_places(op, b), axis=op.axis)


def _export_gather_elements(op: gather.GatherElements, b: Body) -> None:
    """MIL wants as many indices as there are elements along the other axes: what has none is cut off first."""
    x, own, picked = op.x, op.x.tensor.shape, op.indices.tensor.shape
    sizes = tuple(d if i == op.axis else p for i, (d, p) in enumerate(zip(own, picked, strict=True)))
    if sizes != own:
        if not all(isinstance(d, int) for d in (*own, *picked)):
            raise OptcError("not-in-coreml", op.describe(), "sizes of data and indices", "the same", op.indices.type)
        x = b.make("slice_by_index", x.tensor.with_shape(sizes), x=x, begin=(0,) * len(own), end=sizes)
    b.emit(op, "gather_along_axis", x=x, indices=_places(op, b), axis=op.axis)


def _export_gather_nd(op: gather.GatherND, b: Body) -> None:
    if op.batch_dims:
        b.require(IOS16, op.describe())
    b.emit(op, "gather_nd", x=op.x, indices=_places(op, b), batch_dims=op.batch_dims or None)


def _covers(op: scatter.ScatterElements) -> bool:
    """Whether there are as many indices as elements along the other axes."""
    sizes = zip(op.x.tensor.shape, op.indices.tensor.shape, strict=True)
    return all(own == picked for axis, (own, picked) in enumerate(sizes) if axis != op.axis)


def _export_scatter(kind: str, *attributes: str) -> Any:
    def run(op: Any, b: Body) -> None:
        if isinstance(op, scatter.ScatterElements) and not _covers(op):
            raise OptcError("not-in-coreml", op.describe(), "sizes of data and indices", "the same", op.indices.type)
        if op.reduction not in _NAMES:
            raise OptcError("not-in-coreml", op.describe(), "attribute reduction", "one of MIL's", op.reduction)
        given = {name: getattr(op, name) for name in attributes}
        b.emit(op, kind, data=op.x, indices=op.indices, updates=op.updates, mode=_NAMES[op.reduction], **given)

    return run


EXPORTERS: Exporters = {
    gather.Gather: _export_gather,
    gather.GatherElements: _export_gather_elements,
    gather.GatherND: _export_gather_nd,
    scatter.ScatterElements: _export_scatter("scatter_along_axis", "axis"),
    scatter.ScatterND: _export_scatter("scatter_nd"),
}
