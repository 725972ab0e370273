"""Tensors that MIL makes from parameters."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.domains import takes
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ops import create
from optc.ops.cast import Cast
from optc.ops.shape import ShapeOf, Transpose


def _import_fill(o: Operation) -> Imported:
    if o.is_constant("shape"):
        return o.add(create.Fill(o.integers("shape"), _filling(o)))
    return o.add(create.DynamicFill(o.value("shape"), _filling(o)))


def _import_range(o: Operation) -> Imported:
    return o.add(create.DynamicRange(o.value("start"), o.value("end"), o.value("step")))


def _import_one_hot(o: Operation) -> Imported:
    on, off = o.array("on_value"), o.array("off_value")
    values = np.array([0 if off is None else off, 1 if on is None else on]).reshape(2)
    depth = o.integer("one_hot_vector_size", 0)
    axis = o.axis("axis", o.kind_of("indices").rank + 1, -1)
    dtype = None if on is not None or off is not None else DType.I32
    return o.add(create.OneHot(o.value("indices"), o.const(values, dtype), depth, axis))


def _import_non_zero(o: Operation) -> Imported:
    """MIL has a row for each element."""
    return o.add(Cast(o.add(Transpose(o.add(create.NonZero(o.value("x"))), (1, 0))), DType.I32))


def _import_band_part(o: Operation) -> Imported:
    """-1 keeps all diagonals of that side."""
    x, lower, upper = o.value("x"), o.integer("lower", -1), o.integer("upper", -1)
    if lower >= 0:
        x = o.add(create.Trilu(x, True, -lower))
    return o.add(create.Trilu(x, False, upper)) if upper >= 0 else x


def _import_fill_like(o: Operation) -> Imported:
    return o.add(create.DynamicFill(o.add(ShapeOf(o.value("ref_tensor"))), _filling(o)))


def _import_reverse_sequence(o: Operation) -> Imported:
    lengths = o.add(Cast(o.value("lengths"), DType.I64))
    axes = o.axis("batch_axis", o.kind_of().rank, 0), o.axis("seq_axis", o.kind_of().rank, 0)
    if set(axes) != {0, 1}:
        return None
    return o.add(create.ReverseSequence(o.value("x"), lengths, *axes))


IMPORTERS: Mapping[str, Importer] = {
    "fill": _import_fill,
    "fill_like": _import_fill_like,
    "range_1d": _import_range,
    "one_hot": _import_one_hot,
    "non_zero": _import_non_zero,
    "band_part": _import_band_part,
    "reverse_sequence": _import_reverse_sequence,
}


def _filling(o: Operation) -> Tensor:
    value = o.tensor("value")
    return Tensor.of(np.zeros(1, np.float32)) if value is None else Tensor(value.dtype, (1,), value.storage)


def _element(tensor: Tensor) -> Any:
    array = tensor.array().reshape(())
    return array.astype(np.int32) if array.dtype == np.int64 else array


def _export_one_hot(op: create.OneHot, b: Body) -> None:
    held = b.tensor(op.values)
    if held is None:
        raise OptcError("not-in-coreml", op.describe(), "operand values", "a constant")
    off, on = (held.array()[i] for i in (0, 1))
    if held.dtype is DType.I64:
        off, on = np.int32(off), np.int32(on)
    if not takes("fill", b.target, DType.I32 if held.dtype is DType.I64 else held.dtype):
        raise OptcError("not-in-coreml", op.describe(), "element type of the values", "one of fill's", held.dtype)
    b.emit(
        op, "one_hot", indices=op.indices, one_hot_vector_size=op.depth, axis=op.axis, on_value=np.asarray(on),
        off_value=np.asarray(off),
    )  # fmt: skip


def _export_trilu(op: create.Trilu, b: Body) -> None:
    """Bands on one side of the diagonal; without the diagonal a choice, by a constant, between elements and zeros."""
    kind = op.x.tensor
    k = -op.k if op.upper else op.k
    if k >= 0:
        bands = {"lower": k, "upper": -1} if op.upper else {"lower": -1, "upper": k}
        b.emit(op, "band_part", x=op.x, **bands)
        return
    rows, columns = kind.shape[-2:]
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise OptcError("not-in-coreml", op.describe(), "size of the matrices", "known", kind)
    below = np.tri(rows, columns, op.k - 1 if op.upper else op.k, np.bool_)
    zero = np.zeros((), DType.I32.numpy if kind.dtype is DType.I64 else kind.dtype.numpy)
    b.emit(op, "select", cond=~below if op.upper else below, a=op.x, b=zero)


def _export_nonzero(op: create.NonZero, b: Body) -> None:
    kind = op.results[0].tensor
    rows = b.make("non_zero", TensorType(DType.I32, tuple(reversed(kind.shape))), x=op.x)
    b.emit(op, "transpose", x=rows, perm=(1, 0))


def _export_range(op: create.Range, b: Body) -> None:
    """A constant."""
    b.hold(op.results[0], Tensor.of(op.evaluate(), op.dtype))


def _export_fill(op: create.Fill, b: Body) -> None:
    b.emit(op, "fill", shape=op.shape, value=_element(op.value))


EXPORTERS: Exporters = {
    create.Fill: _export_fill,
    create.DynamicFill: lambda op, b: b.emit(op, "fill", shape=op.shape, value=_element(op.value)),
    create.Range: _export_range,
    create.DynamicRange: lambda op, b: b.emit(op, "range_1d", start=op.start, end=op.limit, step=op.delta),
    create.OneHot: _export_one_hot,
    create.Trilu: _export_trilu,
    create.NonZero: _export_nonzero,
}
