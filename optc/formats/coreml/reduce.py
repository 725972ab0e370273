"""Reductions in MIL, and what orders elements."""

from collections.abc import Callable, Mapping

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporter, Exporters
from optc.formats.coreml.cast import NAMES
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.targets import IOS16
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ops import order
from optc.ops import reduce as r
from optc.ops.cast import Cast
from optc.ops.unary import Log

TABLE: Mapping[str, type[Op]] = {
    "reduce_sum": r.ReduceSum, "reduce_mean": r.ReduceMean, "reduce_max": r.ReduceMax, "reduce_min": r.ReduceMin,
    "reduce_prod": r.ReduceProd, "reduce_l1_norm": r.ReduceL1, "reduce_l2_norm": r.ReduceL2,
    "reduce_sum_square": r.ReduceSumSquare, "reduce_log_sum_exp": r.ReduceLogSumExp,
}  # fmt: skip


def _importer(op: type[Op]) -> Importer:
    build: Callable[..., Op] = op

    def run(o: Operation) -> Imported:
        x = o.value("x")
        return o.add(build(x, axes=o.axes("axes", o.kind_of().rank), keepdims=o.flag("keep_dims", False)))

    return run


def _log_sum(o: Operation) -> Imported:
    total = _importer(r.ReduceSum)(o)
    return o.add(Log(total))  # type: ignore[arg-type]  # it gives one value


def _arg_importer(op: type[Op]) -> Importer:
    build: Callable[..., Op] = op

    def run(o: Operation) -> Imported:
        x = o.value("x")
        found = o.add(build(x, axis=o.axis("axis", o.kind_of().rank, -1), keepdims=o.flag("keep_dims", True)))
        return o.add(Cast(found, NAMES[o.text("output_dtype", "int32")]))

    return run


def _import_cumsum(o: Operation) -> Imported:
    x = o.value("x")
    axis = o.axis("axis", o.kind_of().rank, 0)
    return o.add(order.Cumsum(x, axis, o.flag("exclusive", False), o.flag("reverse", False)))


def _import_topk(o: Operation) -> Imported:
    """With indices, and sorted; `ascending` gives the least."""
    if not o.flag("sort", True) or not o.flag("return_indices", True):
        return None
    axis = o.axis("axis", o.kind_of().rank, -1)
    k = o.integer("k", 1)
    if k < 0:
        return None
    op = order.TopK(o.value("x"), k, axis, largest=not o.flag("ascending", False))
    o.add(op)
    return op.results[0], o.add(Cast(op.results[1], NAMES[o.text("output_indices_dtype", "int32")]))


def _import_argsort(o: Operation) -> Imported:
    """All elements in order: those of `top_k` of as many as there are."""
    kind = o.kind_of()
    axis = o.axis("axis", kind.rank, -1)
    size = kind.shape[axis]
    if not isinstance(size, int):
        return None
    op = order.TopK(o.value("x"), size, axis, largest=not o.flag("ascending", False))
    o.add(op)
    return o.add(Cast(op.results[1], DType.I32))


IMPORTERS: Mapping[str, Importer] = {
    **{name: _importer(op) for name, op in TABLE.items()},
    "reduce_log_sum": _log_sum,
    "reduce_argmax": _arg_importer(order.ArgMax),
    "reduce_argmin": _arg_importer(order.ArgMin),
    "cumsum": _import_cumsum,
    "topk": _import_topk,
    "argsort": _import_argsort,
}


def _exporter(kind: str) -> Exporter:
    def run(op: r.Reduce, b: Body) -> None:
        if not op.axes:
            raise OptcError("not-in-coreml", op.describe(), "axes", "given", "none")
        b.emit(op, kind, x=op.x, axes=op.axes, keep_dims=op.keepdims)

    return run


def _arg_exporter(kind: str) -> Exporter:
    def run(op: order.ArgMax | order.ArgMin, b: Body) -> None:
        if op.select_last_index:
            raise OptcError("not-in-coreml", op.describe(), "attribute select_last_index", "false", "true")
        b.emit(op, kind, x=op.x, axis=op.axis, keep_dims=op.keepdims)

    return run


def _export_topk(op: order.TopK, b: Body) -> None:
    late = {"sort": True, "return_indices": True} if b.target >= IOS16 else {}
    b.emit(op, "topk", x=op.x, k=op.k, axis=op.axis, ascending=not op.largest, **late)


def _export_cumsum(op: order.Cumsum, b: Body) -> None:
    b.emit(op, "cumsum", x=op.x, axis=op.axis, exclusive=op.exclusive, reverse=op.reverse)


EXPORTERS: Exporters = {
    **{op: _exporter(name) for name, op in TABLE.items()},
    order.ArgMax: _arg_exporter("reduce_argmax"),
    order.ArgMin: _arg_exporter("reduce_argmin"),
    order.TopK: _export_topk,
    order.Cumsum: _export_cumsum,
}
