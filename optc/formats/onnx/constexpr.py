"""Compressed weights in ONNX, written so that the file stays small and plain ONNX Runtime expands them.

| constexpr op | ONNX |
| --- | --- |
| shift_scale per tensor, per channel, in blocks along one axis | DequantizeLinear |
| shift_scale in blocks along several axes, or of floats | function ShiftScale (Scale without an offset) |
| lut_to_dense with one table of single values | Gather over the table, from the indices cast to int32 |
| lut_to_dense with several tables, or with vectors | function LutToDense |
| sparse_to_dense, lut_to_sparse, sparse_shift_scale | functions SparseToDense, LutToSparse, SparseShiftScale |
| cast | Cast |

Indices and masks of 1, 2, 3 and 6 bits are packed bytes that a function unpacks, see `optc.formats.onnx.functions`.
"""

from collections.abc import Mapping

import attrs
import numpy as np

from optc.errors import OptcError
from optc.formats.onnx.functions import DOMAIN, GROUP_BYTES, UNPACKED
from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.tensors import elem_type
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops import constexpr as c

Shape = tuple[int, ...]


@attrs.frozen
class LinearForm:
    """How DequantizeLinear says which elements share a scale."""

    scale: Shape
    axis: int | None
    block_size: int | None


def linear_form(shape: Shape, scale: Shape) -> LinearForm | None:
    """The form of a scale whose dimensions divide those of the tensor; None if DequantizeLinear has none for it."""
    many = [axis for axis, count in enumerate(scale) if count != 1]
    if not many:
        return LinearForm((), None, None)
    if len(many) == 1 and scale[many[0]] == shape[many[0]]:
        return LinearForm((scale[many[0]],), many[0], None)
    blocked = [axis for axis, (dim, count) in enumerate(zip(shape, scale, strict=True)) if dim != count]
    if len(blocked) > 1 or 0 in shape:
        return None
    axis = blocked[0] if blocked else 0
    return LinearForm(scale, axis, shape[axis] // scale[axis])


def full_shape(rank: int, scale: Shape, axis: int) -> Shape:
    """The shape of a scale with an axis for each one of the tensor; the inverse of `linear_form`."""
    if len(scale) == rank and rank != 1:
        return scale
    if len(scale) == 0 or scale == (1,):
        return (1,) * rank
    return tuple(scale[0] if a == axis else 1 for a in range(rank))


def _wide(dtype: DType) -> DType:
    """The type of bytes for 4-bit integers, with which few operators work; any other type itself."""
    return {DType.I4: DType.I8, DType.U4: DType.U8}.get(dtype, dtype)


def _layout(rank: int, vector: int, axis: int | None) -> tuple[Shape, Shape]:
    """The attributes `perm` and `stretch` of the functions with tables."""
    pairs = list(range(2 * rank))
    place = 2 * rank if axis is None else 2 * axis + 2
    perm = (*pairs[:place], 2 * rank, *pairs[place:])
    return perm, tuple(vector if a == axis else 1 for a in range(rank))


def _export_shift_scale(op: c.ShiftScale, g: Graph) -> None:
    data, scale, offset = op.data.tensor, op.scale.tensor, op.offset
    form = linear_form(data.static_shape, scale.static_shape)
    same_type = data.dtype in c.CODES and (offset is None or offset.tensor.dtype is data.dtype)
    if form is None or not same_type or g.tensor(op.scale) is None or (offset is not None and g.tensor(offset) is None):
        inputs = [g.name(op.data), g.name(op.scale), *([] if offset is None else [g.name(offset)])]
        g.call("Scale" if offset is None else "ShiftScale", inputs, g.outputs(op), to=scale.dtype)
        return
    parts = [g.reshaped(v, form.scale) for v in (op.scale, offset) if v is not None]
    g.node(
        "DequantizeLinear", [g.name(op.data), *parts], g.outputs(op), axis=form.axis, block_size=form.block_size
    )  # fmt: skip


def shift_scale_of(n: Node, axis: int, block_size: int) -> Imported:
    """The weights that a DequantizeLinear over constants expands; None if the catalog has no such weights."""
    data, scale = n.tensor(0), n.tensor(1)
    parts = [n.constant(i) for i in (1, 2)]
    made = n.defined.get(n.input(0))
    if made is None or not made.constant or parts[0] is None or (n.has(2) and parts[1] is None):
        return None
    if data.dtype not in c.CODES or scale.dtype not in c.SCALES or not data.rank or not data.is_static:
        return None
    full = full_shape(data.rank, scale.static_shape, axis)
    if not _shares(data.static_shape, full, axis, block_size):
        return None
    given = [n.const(p.reshape(full), d.dtype) for p, d in zip(parts, (scale, data), strict=True) if p is not None]
    return n.add(c.ShiftScale(n.input(0), *given))


def _shares(shape: Shape, scale: Shape, axis: int, block_size: int) -> bool:
    """Whether a scale of full rank is per tensor or channel, or in whole blocks of this size along the axis."""
    if not block_size:
        return scale in ((1,) * len(shape), full_shape(len(shape), (shape[axis],), axis))
    sizes = (block_size if a == axis else 1 for a in range(len(shape)))
    return shape == tuple(count * size for count, size in zip(scale, sizes, strict=True))


def _expect_types(n: Node, **expected: DType) -> None:
    """Check the attributes that say element types.

    Raises:
        OptcError: slug `onnx-node`.
    """
    for name, dtype in expected.items():
        if n.get(name, 0) != elem_type(dtype):
            raise OptcError(
                "onnx-node", f"ONNX node {n.op_type}", f"attribute {name}", f"that of {dtype}", n.get(name, 0)
            )


def _import_shift_scale(n: Node) -> Imported:
    _expect_types(n, to=n.tensor(1).dtype)
    return n.add(c.ShiftScale(*(n.input(i) for i in range(len(n.inputs)))))


def _export_lut(op: c.LutToDense, g: Graph) -> None:
    *groups, entries, vector = op.lut.tensor.static_shape
    if g.tensor(op.lut) is not None and vector == 1 and set(groups) == {1}:
        table = g.reshaped(op.lut, (entries,))
        codes = g.node("Cast", [g.name(op.indices)], to=DType.I32)
        g.node("Gather", [table, codes], g.outputs(op), axis=0)
        return
    perm, stretch = _layout(len(groups), vector, op.vector_axis)
    g.call("LutToDense", [g.name(op.indices), g.name(op.lut)], g.outputs(op), perm=perm, stretch=stretch)


def _vector_axis(n: Node, rank: int, lut: Value) -> int | None:
    """The vector axis that the attributes of a function with tables mean."""
    stretch = tuple(n.get("stretch", ()))
    vector = lut.tensor.static_shape[-1] if lut.tensor.rank else 1
    axis = stretch.index(vector) if vector != 1 and vector in stretch else None
    if (tuple(n.get("perm", ())), stretch) != _layout(rank, vector, axis):
        raise OptcError("onnx-node", f"ONNX node {n.op_type}", "attributes perm and stretch", "as optc writes them")
    return axis


def _import_lut(n: Node) -> Imported:
    indices, lut = n.input(0), n.input(1)
    return n.add(c.LutToDense(indices, lut, _vector_axis(n, indices.tensor.rank, lut)))


def _export_sparse(op: c.SparseToDense, g: Graph) -> None:
    dtype = op.values.tensor.dtype
    inputs = [g.name(op.mask), g.name(op.values)]
    g.call("SparseToDense", inputs, g.outputs(op), wide=_wide(dtype), to=dtype)


def _import_sparse(n: Node) -> Imported:
    dtype = n.tensor(1).dtype
    _expect_types(n, to=dtype, wide=_wide(dtype))
    return n.add(c.SparseToDense(n.input(0), n.input(1)))


def _export_lut_to_sparse(op: c.LutToSparse, g: Graph) -> None:
    *groups, _, vector = op.lut.tensor.static_shape
    perm, stretch = _layout(len(groups), vector, op.vector_axis)
    inputs = [g.name(v) for v in op.operands]
    g.call("LutToSparse", inputs, g.outputs(op), perm=perm, stretch=stretch)


def _import_lut_to_sparse(n: Node) -> Imported:
    mask, indices, lut = (n.input(i) for i in range(3))
    return n.all(c.LutToSparse(mask, indices, lut, _vector_axis(n, mask.tensor.rank, lut)))


def _export_sparse_shift_scale(op: c.SparseShiftScale, g: Graph) -> None:
    dtype = op.data.tensor.dtype
    function = "SparseScale" if op.offset is None else "SparseShiftScale"
    inputs = [g.name(v) for v in op.operands]
    g.call(function, inputs, g.outputs(op), wide=_wide(dtype), to=op.scale.tensor.dtype)


def _import_sparse_shift_scale(n: Node) -> Imported:
    _expect_types(n, to=n.tensor(2).dtype, wide=_wide(n.tensor(1).dtype))
    return n.all(c.SparseShiftScale(*(n.input(i) for i in range(len(n.inputs)))))


def _import_unpack(dtype: DType) -> Importer:
    def read(n: Node) -> Value:
        packed, shape = n.constant(0), n.integers(1)
        where = f"ONNX node {n.op_type}"
        if packed is None or shape is None or min(shape, default=0) < 0:
            raise OptcError("onnx-node", where, "packed bytes and shape", "constant")
        needed = dtype.packed_bytes(int(np.prod(shape, dtype=object)))
        if packed.dtype != np.uint8 or packed.size != needed + -needed % GROUP_BYTES[dtype]:
            raise OptcError("tensor-size", where, "packed data", f"{needed} bytes, padded", packed.size)
        data = np.ascontiguousarray(packed.reshape(-1)[:needed])
        return n.add(Const(Tensor.from_stored(dtype, shape, data)))

    return read


_OWN: Mapping[str, Importer] = {
    "ShiftScale": _import_shift_scale,
    "Scale": _import_shift_scale,
    "LutToDense": _import_lut,
    "SparseToDense": _import_sparse,
    "LutToSparse": _import_lut_to_sparse,
    "SparseScale": _import_sparse_shift_scale,
    "SparseShiftScale": _import_sparse_shift_scale,
    **{name: _import_unpack(dtype) for dtype, name in UNPACKED.items()},
}
IMPORTERS: Mapping[str, Importer] = {f"{DOMAIN}.{name}": entry for name, entry in _OWN.items()}
EXPORTERS: Exporters = {
    c.ShiftScale: _export_shift_scale,
    c.LutToDense: _export_lut,
    c.SparseToDense: _export_sparse,
    c.LutToSparse: _export_lut_to_sparse,
    c.SparseShiftScale: _export_sparse_shift_scale,
    c.ConstexprCast: lambda op, g: g.emit(op, "Cast", [op.x], to=op.to),
}
