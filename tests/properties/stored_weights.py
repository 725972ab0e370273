"""Idioms with weights: every scheme, used in all the ways that make lowering hard."""

import numpy as np

from optc.ir.block import Block
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.types import StateType, TensorType
from optc.ir.value import Value
from optc.ops.activations import Relu
from optc.ops.constexpr import ConstexprCast, LutToDense, LutToSparse, ShiftScale, SparseShiftScale, SparseToDense
from optc.ops.control import Cond
from optc.ops.conv import Conv
from optc.ops.elementwise import Add, Mul
from optc.ops.matmul import Linear, MatMul
from optc.ops.quantize import Dequantize, Quantize
from optc.ops.shape import Reshape
from optc.ops.state import StateRead, StateWrite
from optc.testing.source import Source

ROWS, COLUMNS = 4, 6


def codes(s: Source, dtype: DType, *shape: int) -> Value:
    """A constant of small values."""
    return s.constant(s.array(dtype, shape), dtype)


def floats(s: Source, *shape: int) -> Value:
    """A constant, now and then with NaN, an infinity or a negative zero in it."""
    array = s.array(DType.F32, shape)
    if array.size and s.integer(0, 3) == 0:
        array.reshape(-1)[0] = s.choice((np.nan, np.inf, -0.0))
    return s.constant(array, DType.F32)


def _palettized(s: Source) -> Op:
    return LutToDense(codes(s, DType.U2, ROWS, COLUMNS), floats(s, s.choice((1, 2, 4)), 1, 4, 1))


def _vectors(s: Source) -> Op:
    return LutToDense(codes(s, DType.U2, ROWS // 2, COLUMNS), floats(s, 1, s.choice((1, 3)), 4, 2), 0)


def _quantized(s: Source) -> Op:
    offset = codes(s, DType.I8, ROWS, 1) if s.boolean() else None
    return ShiftScale(codes(s, DType.I8, ROWS, COLUMNS), floats(s, ROWS, 1), offset)


def _blocks(s: Source) -> Op:
    return ShiftScale(codes(s, DType.I4, ROWS, COLUMNS), floats(s, ROWS, 3))


def _sparse(s: Source) -> Op:
    mask, count = _mask(s)
    return SparseToDense(mask, floats(s, count))


def _sparse_palettized(s: Source) -> Op:
    mask, count = _mask(s)
    return SparseToDense(*s.builder.append(LutToSparse(mask, codes(s, DType.U2, count), floats(s, 1, 1, 4, 1))))


def _sparse_quantized(s: Source) -> Op:
    mask, count = _mask(s)
    return SparseToDense(*s.builder.append(SparseShiftScale(mask, codes(s, DType.I8, count), floats(s, ROWS, 1))))


def _quantized_table(s: Source) -> Op:
    lut = s.builder.add(ShiftScale(codes(s, DType.I8, 1, 1, 4, 1), floats(s, 1, 1, 1, 1)), s.choice(("lut", "weight")))
    return LutToDense(codes(s, DType.U2, ROWS, COLUMNS), lut)


def _cast(s: Source) -> Op:
    return ConstexprCast(codes(s, DType.F16, ROWS, COLUMNS))


def _mask(s: Source) -> tuple[Value, int]:
    bits = s.array(DType.U1, (ROWS, COLUMNS))
    return s.constant(bits, DType.U1), int(bits.sum())


SCHEMES = (
    _palettized, _vectors, _quantized, _blocks, _sparse, _sparse_palettized, _sparse_quantized, _quantized_table, _cast,
)  # fmt: skip


def weight(s: Source) -> Value:
    """A weight of any scheme, or a dense one; several may have one name, or none."""
    if s.integer(0, 5) == 0:
        return floats(s, ROWS, COLUMNS)
    return s.builder.add(s.choice(SCHEMES)(s), s.choice(("weight", "w", "x0", "")))


def activation(s: Source, *shape: int) -> Value:
    """A value that is not known before the program runs."""
    kind = TensorType(DType.F32, shape)
    known = [v for v in s.pool if v.type == kind and not any(o.constant and v in o.results for o in s.builder.ops)]
    if known and s.boolean():
        return s.choice(known)
    value = s.builder.param(kind, f"x{len(s.builder.params)}")
    s.offer(value)
    return value


def layer(s: Source) -> Value:
    """A product with a weight, and an activation function after it."""
    x = activation(s, 2, COLUMNS)
    bias = floats(s, ROWS) if s.boolean() else None
    return s.builder.add(Relu(s.builder.add(Linear(x, weight(s), bias))))


def convolution(s: Source) -> Value:
    """A convolution whose weight is a view of a stored one."""
    w = s.builder.add(Reshape(weight(s), (ROWS, COLUMNS, 1, 1)))
    return s.builder.add(Conv(activation(s, 1, COLUMNS, 2, 2), w))


def tied(s: Source) -> Value:
    """One weight in three kernels, in one of them twice."""
    w = weight(s)
    x = activation(s, ROWS, COLUMNS)
    left, right = s.builder.add(Mul(x, w)), s.builder.add(Add(w, w))
    return s.builder.add(Add(s.builder.add(Mul(left, right)), w))


def result(s: Source) -> Value:
    """A weight that is a result of the program, used or not."""
    w = weight(s)
    if s.boolean():
        s.builder.add(Add(activation(s, ROWS, COLUMNS), w))
    return w


def integers(s: Source) -> Value:
    """Quantized activations that two products dequantize, with weights of their own."""
    x = activation(s, 2, COLUMNS)
    scale = s.constant(s.array(DType.F32, (), 0.125, 2), DType.F32)
    narrow = s.builder.add(Quantize(x, scale, None, DType.I8))
    wide = s.builder.add(Dequantize(narrow, scale, None))
    first = s.builder.add(Linear(wide, weight(s)))
    second = s.builder.add(MatMul(weight(s), s.builder.add(Reshape(wide, (COLUMNS, 2)))))
    third = s.builder.add(Linear(wide, weight(s)))
    s.offer(second, third)
    return s.builder.add(Add(first, third))


def nested(s: Source) -> Value:
    """Weights in the branches of a choice: from outside, from inside, and made inside of an expression from outside."""
    x, condition = (
        activation(s, ROWS, COLUMNS),
        s.builder.param(TensorType(DType.BOOL, ()), f"c{len(s.builder.params)}"),
    )
    outer = weight(s)
    scaled = s.builder.add(ShiftScale(codes(s, DType.I8, 1, 1, 4, 1), floats(s, 1, 1, 1, 1)), "table")
    indices = codes(s, DType.U2, ROWS, COLUMNS)
    then = Builder()
    inner = then.add(LutToDense(indices, scaled), "inner")
    y = then.add(Add(then.add(Mul(x, inner)), outer))
    twice = Builder()
    z = twice.add(Cond(condition, Block((), (), (outer,)), Block((), (), (x,))))
    return s.builder.add(Cond(condition, then.block(y), twice.block(z)))


def remembered(s: Source) -> Value:
    """A state that is read, changed by a weight, and read again."""
    state = s.builder.param(StateType(TensorType(DType.F32, (ROWS, COLUMNS))), f"s{len(s.builder.params)}")
    before = s.builder.add(StateRead(state))
    s.builder.append(StateWrite(state, s.builder.add(Add(before, weight(s)))))
    return s.builder.add(Add(s.builder.add(Relu(s.builder.add(StateRead(state)))), before))


def views(s: Source) -> Value:
    """Kernels of nothing but views, of an input and of a result of a kernel that is also needed as it was."""
    x = activation(s, ROWS, COLUMNS)
    flat = s.builder.add(Reshape(x, (COLUMNS, ROWS)))
    y = s.builder.add(Relu(s.builder.add(Reshape(flat, (ROWS, COLUMNS)))))
    s.offer(flat, y)
    return s.builder.add(Reshape(y, (1, COLUMNS, 2, 2)))


IDIOMS = (layer, convolution, tied, result, integers, nested, remembered, views)
