"""Compressed weights in MIL.

Until iOS 17 they are one operation whose parameters are attributes, with packed bytes for indices and masks; from
iOS 18 on parameters are inputs, and one operation may take what another expands.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.targets import IOS16, IOS18
from optc.ir.dtypes import UNSIGNED_INDEX, DType
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops import constexpr as c

_OLD_BITS = (1, 2, 4, 6, 8)
_FLOAT_NAMES = {"fp16": DType.F16, "fp32": DType.F32}


def _given(o: Operation, name: str) -> Tensor:
    tensor = o.tensor(name)
    if tensor is None:
        raise OptcError("missing-input", f"MIL operation {o.kind}", f"input {name}", "given")
    return tensor


def _packed(o: Operation, name: str, dtype: DType) -> Value:
    """Packed bytes as the elements that they are, of the shape that the operation gives."""
    packed, shape = _given(o, name), o.integers("shape")
    needed = dtype.packed_bytes(int(np.prod(shape, dtype=object)))
    if packed.dtype is not DType.U8 or packed.shape != (needed,) or min(shape, default=0) < 0:
        raise OptcError("packed-size", f"MIL operation {o.kind}", name, f"{needed} bytes", f"{packed.shape}")
    return o.builder.const(Tensor(dtype, shape, packed.storage), o.given(name)[0].name)


def _import_affine(o: Operation) -> Imported:
    """Scale and zero point, scalars or vectors along the axis, get the rank of the data."""
    data, rank = o.value("quantized_data"), o.kind_of("quantized_data").rank
    scale, zero = _given(o, "scale"), _given(o, "zero_point")
    axis = o.axis("axis", rank, 0)
    counts = max(scale.elements, zero.elements)
    full = tuple(counts if i == axis else 1 for i in range(rank))
    parts = []
    for name, tensor in (("scale", scale), ("zero_point", zero)):
        array = tensor.array().reshape(-1)
        if tensor.elements not in (1, counts) or tensor.array().ndim > 1:
            raise OptcError("scale-shape", f"MIL operation {o.kind}", name, "a scalar or a vector", tensor.shape)
        parts.append(
            o.builder.const(
                Tensor.of(np.broadcast_to(array, (counts,)).reshape(full), tensor.dtype), o.given(name)[0].name
            )
        )
    return o.add(c.ShiftScale(data, *parts))


def _import_lut(o: Operation) -> Imported:
    if o.has("shape"):
        lut = _given(o, "lut")
        bits = lut.elements.bit_length() - 1
        index = next((d for d in UNSIGNED_INDEX if d.bits == bits), None)
        if index is None or lut.elements != 1 << bits:
            raise OptcError(
                "lut-entries", f"MIL operation {o.kind}", "length of the table", "a power of 2 up to 256", lut.elements
            )
        indices = _packed(o, "indices", index)
        table = Tensor(lut.dtype, (*(1,) * indices.tensor.rank, lut.elements, 1), lut.storage)
        return o.add(c.LutToDense(indices, o.builder.const(table, o.given("lut")[0].name)))
    return o.add(c.LutToDense(o.value("indices"), o.value("lut"), _vector_axis(o, "indices")))


def _vector_axis(o: Operation, name: str) -> int | None:
    """Where vectors lie; of single elements there is nothing to say."""
    axis = o.axis("vector_axis", o.kind_of(name).rank, 0)
    return axis if o.kind_of("lut").shape[-1] != 1 else None


def _import_sparse(o: Operation) -> Imported:
    mask = _packed(o, "mask", DType.U1) if o.has("shape") else o.value("mask")
    return o.add(c.SparseToDense(mask, o.value("nonzero_data")))


def _import_lut_to_sparse(o: Operation) -> Imported:
    axis = _vector_axis(o, "indices_mask")
    op = c.LutToSparse(o.value("indices_mask"), o.value("indices_nonzero_data"), o.value("lut"), axis)
    o.add(op)
    return op.results


def _import_sparse_shift_scale(o: Operation) -> Imported:
    op = c.SparseShiftScale(o.value("data_mask"), o.value("nonzero_data"), o.value("scale"), o.optional("offset"))
    o.add(op)
    return op.results


IMPORTERS: Mapping[str, Importer] = {
    "constexpr_affine_dequantize": _import_affine,
    "constexpr_blockwise_shift_scale": lambda o: o.add(
        c.ShiftScale(o.value("data"), o.value("scale"), o.optional("offset"))
    ),
    "constexpr_lut_to_dense": _import_lut,
    "constexpr_sparse_to_dense": _import_sparse,
    "constexpr_lut_to_sparse": _import_lut_to_sparse,
    "constexpr_sparse_blockwise_shift_scale": _import_sparse_shift_scale,
    "constexpr_cast": lambda o: o.add(
        c.ConstexprCast(o.value("source_val"), _FLOAT_NAMES[o.text("output_dtype", "fp32")])
    ),
}


def _bytes(tensor: Tensor) -> Tensor:
    return Tensor(DType.U8, (tensor.stored_bytes,), tensor.storage)


def _shape(tensor: Tensor) -> Tensor:
    return Tensor.of(np.array(tensor.shape, np.uint32))


def _export_shift_scale(op: c.ShiftScale, b: Body) -> None:
    data, scale = b.tensor(op.data), b.tensor(op.scale)
    offset = None if op.offset is None else b.tensor(op.offset)
    if b.target >= IOS18:
        b.emit(op, "constexpr_blockwise_shift_scale", data=op.data, scale=op.scale, offset=op.offset)
        return
    many = [i for i, count in enumerate(op.scale.tensor.static_shape) if count != 1]
    whole = all(op.scale.tensor.static_shape[i] == op.data.tensor.static_shape[i] for i in many)
    simple = data is not None and scale is not None and (op.offset is None or offset is not None)
    if not simple or not whole or len(many) > 1 or op.data.tensor.dtype not in (DType.I8, DType.U8):
        b.require(IOS18, op.describe())
        return
    b.require(IOS16, op.describe())
    assert data is not None  # it is simple
    assert scale is not None
    zero = offset if offset is not None else Tensor.of(np.zeros(scale.shape, data.dtype.numpy), data.dtype)
    if zero.dtype is not data.dtype and zero.dtype is not DType.F32:
        zero = Tensor.of(zero.array().astype(np.float32))
    b.add_constexpr(
        op, "constexpr_affine_dequantize", quantized_data=data, zero_point=_vector(zero, many),
        scale=_vector(scale, many), axis=Tensor.of(np.int32(many[0] if many else 0)),
    )  # fmt: skip


def _vector(tensor: Tensor, many: list[int]) -> Tensor:
    return Tensor(tensor.dtype, (tensor.elements,) if many else (), tensor.storage)


def _export_lut(op: c.LutToDense, b: Body) -> None:
    if b.target >= IOS18:
        b.emit(op, "constexpr_lut_to_dense", indices=op.indices, lut=op.lut, vector_axis=op.vector_axis)
        return
    indices, lut = b.tensor(op.indices), b.tensor(op.lut)
    *groups, entries, vector = op.lut.tensor.static_shape
    old = set(groups) <= {1} and vector == 1 and op.indices.tensor.dtype.bits in _OLD_BITS
    if not old or indices is None or lut is None:
        b.require(IOS18, op.describe())
        return
    b.require(IOS16, op.describe())
    table = Tensor(lut.dtype, (entries,), lut.storage)
    b.add_constexpr(op, "constexpr_lut_to_dense", indices=_bytes(indices), lut=table, shape=_shape(indices))


def _export_sparse(op: c.SparseToDense, b: Body) -> None:
    if b.target >= IOS18:
        b.emit(op, "constexpr_sparse_to_dense", nonzero_data=op.values, mask=op.mask)
        return
    mask, values = b.tensor(op.mask), b.tensor(op.values)
    if mask is None or values is None or values.dtype not in (DType.I8, DType.U8, DType.F16, DType.F32):
        b.require(IOS18, op.describe())
        return
    b.require(IOS16, op.describe())
    b.add_constexpr(op, "constexpr_sparse_to_dense", nonzero_data=values, mask=_bytes(mask), shape=_shape(mask))


def _export_lut_to_sparse(op: c.LutToSparse, b: Body) -> None:
    b.require(IOS18, op.describe())
    given = {"indices_mask": op.mask, "indices_nonzero_data": op.indices, "lut": op.lut}
    b.emit(op, "constexpr_lut_to_sparse", vector_axis=op.vector_axis, **given)


def _export_sparse_shift_scale(op: c.SparseShiftScale, b: Body) -> None:
    b.require(IOS18, op.describe())
    given: dict[str, Any] = {"data_mask": op.mask, "nonzero_data": op.data, "scale": op.scale, "offset": op.offset}
    b.emit(op, "constexpr_sparse_blockwise_shift_scale", **given)


def _export_cast(op: c.ConstexprCast, b: Body) -> None:
    held = b.tensor(op.x)
    if held is not None and held.dtype in (DType.F8E4M3, DType.F8E5M2):
        expected = "of integers or float16, as Core ML expands no others"
        hint = "quantize to int8, or write an .onnx file"
        raise OptcError("not-in-coreml", op.describe(), "weight of 8-bit floats", expected, held.dtype, hint)
    if held is None or held.dtype is not DType.F16 or op.to is not DType.F32:
        raise OptcError("not-in-coreml", op.describe(), "cast of a weight", "from f16 to f32", op.x.type)
    b.require(IOS16, op.describe())
    b.add_constexpr(op, "constexpr_cast", source_val=held, output_dtype=Tensor.of("fp32", DType.STR))


EXPORTERS: Exporters = {
    c.ShiftScale: _export_shift_scale,
    c.LutToDense: _export_lut,
    c.SparseToDense: _export_sparse,
    c.LutToSparse: _export_lut_to_sparse,
    c.SparseShiftScale: _export_sparse_shift_scale,
    c.ConstexprCast: _export_cast,
}
