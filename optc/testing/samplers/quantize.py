"""Samplers of the quantization of activations."""

from collections.abc import Mapping

from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops import quantize as q
from optc.testing.source import Sampler, Source

# Runtimes neither take 4-bit integers from NumPy nor hand them out: they are constants here, and never results.
_WHOLE_BYTES = tuple(d for d in q.CODES if not d.is_sub_byte)


def _scale(s: Source, dtype: DType, codes: DType, shape: tuple[int, ...]) -> tuple[Value, Value | None, int, int]:
    """Scale, zero point, axis and block size for a tensor of `shape`."""
    form = s.choice(("tensor", "axis", "block")) if shape else "tensor"
    axis = s.integer(0, len(shape) - 1) if form != "tensor" else 0
    block = s.integer(1, 4) if form == "block" else 0
    dims = {
        "tensor": (),
        "axis": shape[axis : axis + 1],
        "block": tuple(-(-d // block) if block and a == axis else d for a, d in enumerate(shape)),
    }[form]
    scale = s.constant(s.array(dtype, dims, 0.125, 2), dtype)
    zero = s.constant(s.array(codes, dims), codes) if s.boolean() else None
    return scale, zero, axis, block


def _quantize(s: Source) -> Op:
    x, codes = s.some(q.FLOATS), s.choice(_WHOLE_BYTES)
    scale, zero, axis, block = _scale(s, x.tensor.dtype, codes, x.tensor.static_shape)
    return q.Quantize(x, scale, zero, codes, axis, block)


def _dequantize(s: Source) -> Op:
    dtype = s.choice((*q.CODES, DType.I32))
    x = s.constant(s.array(dtype, s.shape(), -8, 7), dtype) if dtype.is_sub_byte else s.some((dtype,))
    scale, zero, axis, block = _scale(s, s.choice(q.FLOATS), dtype, x.tensor.static_shape)
    # Runtimes refuse a zero point of int32 that is not 0; most take none.
    return q.Dequantize(x, scale, None if dtype is DType.I32 else zero, axis, block)


def _matmul_integer(s: Source) -> Op:
    rows, inner, columns = (s.integer(1, 4) for _ in range(3))
    kinds = (DType.U8, DType.I8)
    a, b = s.choice(kinds), s.choice(kinds)
    batch = s.shape(0, 2, 3)
    x = s.value(a, (*s.broadcastable(batch), rows, inner))
    y = s.value(b, (*batch, inner, columns))
    x_zero = s.constant(s.array(a, ()), a) if s.boolean() else None
    per_column = y.tensor.rank == 2 and s.boolean()
    y_zero = s.constant(s.array(b, (columns,) if per_column else ()), b) if s.boolean() else None
    return q.MatmulInteger(x, y, x_zero, y_zero)


SAMPLERS: Mapping[type[Op], Sampler] = {
    q.Quantize: _quantize,
    q.Dequantize: _dequantize,
    q.DynamicQuantize: lambda s: q.DynamicQuantize(s.some((DType.F32,))),
    q.MatmulInteger: _matmul_integer,
}
