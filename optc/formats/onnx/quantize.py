"""Quantization in ONNX. A DequantizeLinear over constants is a compressed weight, see `constexpr`."""

from collections.abc import Mapping
from typing import Any

from optc.formats.onnx.constexpr import shift_scale_of
from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.tensors import dtype_of
from optc.ir.dtypes import DType
from optc.ir.value import Value
from optc.ops import quantize as q


def _granularity(n: Node) -> tuple[int, int] | None:
    """Axis and block size; None where the axis is out of range."""
    rank, scale = n.tensor(0).rank, n.tensor(1)
    axis, block_size = int(n.get("axis", 1)), int(n.get("block_size", 0))
    if scale.rank == 0:
        return (0, 0) if not block_size else None
    if not -rank <= axis < rank:
        return (0, 0) if scale.shape == (1,) and not block_size else None
    return axis % rank, block_size


def _scale_parts(n: Node, axis: int, block_size: int) -> list[Value | None] | None:
    """Scale and zero point as the ops take them: a scale of one element for a longer axis becomes a scalar."""
    parts = [n.input(1), n.optional(2)]
    shape = n.tensor(0).shape
    if block_size or n.tensor(1).shape != (1,) or (shape and shape[axis] == 1):
        return parts
    arrays = [n.constant(i) for i in (1, 2)]
    if arrays[0] is None or (n.has(2) and arrays[1] is None):
        return None
    return [
        n.const(a.reshape(()), v.tensor.dtype) if v and a is not None else None
        for v, a in zip(parts, arrays, strict=True)
    ]


def _import_quantize(n: Node) -> Imported:
    shared = _granularity(n)
    parts = _scale_parts(n, *shared) if shared else None
    zero = n.optional(2)
    number = int(n.get("output_dtype", 0))
    dtype = zero.tensor.dtype if zero else dtype_of(number, "QuantizeLinear") if number else DType.U8
    if shared is None or parts is None or parts[0] is None or dtype not in q.CODES or n.get("precision", 0):
        return None
    return n.add(q.Quantize(n.input(0), parts[0], parts[1], dtype, *shared))


def _import_dequantize(n: Node) -> Imported:
    shared = _granularity(n)
    if shared is None or n.get("output_dtype", 0):
        return None
    weight = shift_scale_of(n, *shared)
    if weight is not None:
        return weight
    parts = _scale_parts(n, *shared)
    if parts is None or parts[0] is None:
        return None
    return n.add(q.Dequantize(n.input(0), parts[0], parts[1], *shared))


def _placement(op: q.Quantize | q.Dequantize) -> dict[str, Any]:
    if op.scale.tensor.shape in ((), (1,)):
        return {"axis": op.axis}  # runtimes refuse blocks where there is one scale
    return {"axis": op.axis, "block_size": op.block_size or None}


def _export_quantize(op: q.Quantize, g: Graph) -> None:
    dtype = op.dtype if op.zero_point is None and op.dtype is not DType.U8 else None
    g.emit(op, "QuantizeLinear", [op.x, op.scale, op.zero_point], output_dtype=dtype, **_placement(op))


def _import_matmul_integer(n: Node) -> Imported:
    x_zero, y_zero = (n.optional(i) for i in (2, 3))
    if x_zero is not None and x_zero.tensor.shape == (1,) and (array := n.constant(2)) is not None:
        x_zero = n.const(array.reshape(()), x_zero.tensor.dtype)
    if any(v is not None and v.tensor.rank > most for v, most in ((x_zero, 0), (y_zero, 1))):
        return None
    if min(n.tensor(0).rank, n.tensor(1).rank) < 2:
        return None
    return n.add(q.MatmulInteger(n.input(0), n.input(1), x_zero, y_zero))


IMPORTERS: Mapping[str, Importer] = {
    "QuantizeLinear": _import_quantize,
    "DequantizeLinear": _import_dequantize,
    "DynamicQuantizeLinear": lambda n: n.all(q.DynamicQuantize(n.input(0))),
    "MatMulInteger": _import_matmul_integer,
}
EXPORTERS: Exporters = {
    q.Quantize: _export_quantize,
    q.Dequantize: lambda op, g: g.emit(op, "DequantizeLinear", [op.x, op.scale, op.zero_point], **_placement(op)),
    q.DynamicQuantize: lambda op, g: g.emit(op, "DynamicQuantizeLinear", [op.x]),
    q.MatmulInteger: lambda op, g: g.emit(op, "MatMulInteger", [op.x, op.y, op.x_zero, op.y_zero]),
}
