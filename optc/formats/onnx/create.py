"""Ranges, fills, one-hot vectors, diagonals and the like in ONNX."""

from collections.abc import Mapping

import numpy as np

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import add_settled, integers, positive, wide
from optc.formats.onnx.tensors import dtype_of
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ops import create as c


def _fill(n: Node) -> Imported:
    value = n.get("value", None)
    zero = Tensor.of(np.zeros((), np.float32))
    return add_settled(n, c.DynamicFill, n.input(0), zero if value is None else value)


def _one_hot(n: Node) -> Imported:
    axis = positive(n.get("axis", -1), n.tensor(0).rank + 1)
    return add_settled(n, c.DynamicOneHot, n.input(0), n.input(1), n.input(2), axis)


def _eye_like(n: Node) -> Imported:
    dtype = n.get("dtype", None)
    kind = None if dtype is None else dtype_of(dtype, "operator EyeLike")
    return n.add(c.EyeLike(n.input(0), n.get("k", 0), kind))


def _trilu(n: Node) -> Imported:
    upper = bool(n.get("upper", 1))
    if not n.has(1):
        return n.add(c.Trilu(n.input(0), upper))
    return add_settled(n, c.DynamicTrilu, n.input(0), n.input(1), upper)


def _reverse_sequence(n: Node) -> Imported:
    return n.add(c.ReverseSequence(n.input(0), n.input(1), n.get("batch_axis", 1), n.get("time_axis", 0)))


IMPORTERS: Mapping[str, Importer] = {
    "Range": lambda n: add_settled(n, c.DynamicRange, n.input(0), n.input(1), n.input(2)),
    "ConstantOfShape": _fill,
    "OneHot": _one_hot,
    "EyeLike": _eye_like,
    "Trilu": _trilu,
    "NonZero": lambda n: n.add(c.NonZero(n.input(0))),
    "ReverseSequence": _reverse_sequence,
}


def _export_range(op: c.Range, g: Graph) -> None:
    """ONNX has it for a few element types, and says where it ends instead of how long it is."""
    dtype = op.dtype if op.dtype in c.COUNTED else DType.I64
    bounds = (op.start, op.start + op.step * op.count, op.step) if op.step else (0, op.count, 1)
    given = [g.constant(np.array(v, dtype.numpy), dtype) for v in bounds]
    if op.step and dtype is op.dtype:
        g.emit(op, "Range", given)
        return
    counted = g.node("Range", given)
    if not op.step:
        scaled = g.node("Mul", [counted, g.constant(np.array(0, dtype.numpy), dtype)])
        counted = g.node("Add", [scaled, g.constant(np.array(op.start, dtype.numpy), dtype)])
    g.emit(op, "Cast", [counted], to=op.dtype)


def _export_dynamic_range(op: c.DynamicRange, g: Graph) -> None:
    scalar = integers(g, [])
    given = [v if not v.tensor.rank else g.node("Reshape", [g.name(v), scalar]) for v in op.operands]
    g.emit(op, "Range", given)


def _one_value(value: Tensor) -> Tensor:
    return Tensor(value.dtype, (1,), value.storage)


def _export_one_hot(op: c.OneHot, g: Graph) -> None:
    g.emit(op, "OneHot", [wide(g, op.indices), integers(g, [op.depth]), op.values], axis=op.axis)


def _export_dynamic_one_hot(op: c.DynamicOneHot, g: Graph) -> None:
    g.emit(op, "OneHot", [wide(g, op.indices), wide(g, op.depth), op.values], axis=op.axis)


EXPORTERS: Exporters = {
    c.Range: _export_range,
    c.DynamicRange: _export_dynamic_range,
    c.Fill: lambda op, g: g.emit(op, "ConstantOfShape", [integers(g, op.shape)], value=_one_value(op.value)),
    c.DynamicFill: lambda op, g: g.emit(op, "ConstantOfShape", [wide(g, op.shape)], value=_one_value(op.value)),
    c.OneHot: _export_one_hot,
    c.DynamicOneHot: _export_dynamic_one_hot,
    c.EyeLike: lambda op, g: g.emit(op, "EyeLike", [op.x], k=op.k, dtype=op.dtype),
    c.Trilu: lambda op, g: g.emit(op, "Trilu", [op.x, g.constant(np.array(op.k, np.int64))], upper=op.upper),
    c.DynamicTrilu: lambda op, g: g.emit(op, "Trilu", [op.x, wide(g, op.k)], upper=op.upper),
    c.NonZero: lambda op, g: g.emit(op, "NonZero", [op.x]),
    c.ReverseSequence: lambda op, g: g.emit(
        op, "ReverseSequence", [op.x, op.lengths], batch_axis=op.batch_axis, time_axis=op.time_axis
    ),
}
