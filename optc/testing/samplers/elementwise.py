"""Samplers of elementwise ops: arithmetic, functions, bits, limits."""

import math
from collections.abc import Callable, Mapping, Sequence

from optc.ir.dtypes import FLOATS, INTEGERS, NUMERIC, SIGNED, DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops import bitwise as b
from optc.ops import clip as c
from optc.ops import elementwise as e
from optc.ops import trigonometry as t
from optc.ops import unary as u
from optc.testing.source import Sampler, Source


def unary(op: type[e.Unary], dtypes: Sequence[DType] = FLOATS) -> Sampler:
    """Any tensor of the given types."""
    return lambda s: op(s.some(dtypes))


def binary(op: Callable[[Value, Value], Op], dtypes: Sequence[DType] = NUMERIC) -> Sampler:
    """Two tensors, of which one broadcasts to the other."""

    def sample(s: Source) -> Op:
        x = s.some(dtypes)
        y = s.value(x.tensor.dtype, s.broadcastable(x.tensor.static_shape))
        return op(x, y) if s.boolean() else op(y, x)

    return sample


def quotient(op: type[e.Binary]) -> Sampler:
    """Any dividend and a constant divisor that is not zero; of floats, neither near it."""

    def sample(s: Source) -> Op:
        x = s.some(NUMERIC)
        dtype, shape = x.tensor.dtype, s.broadcastable(x.tensor.static_shape)
        array = s.array(dtype, shape, 1, 4)
        negative = dtype.is_signed and s.boolean()
        return op(x, s.constant(-array if negative else array, dtype))

    return sample


def power(s: Source) -> Op:
    """Floats to small float powers; integers and floats to small whole ones of any type."""
    x = s.some(NUMERIC)
    shape = s.broadcastable(x.tensor.static_shape)
    if x.tensor.dtype.is_float and s.boolean():
        return e.Pow(x, s.constant(s.array(x.tensor.dtype, shape, -2, 2), x.tensor.dtype))
    dtype = s.choice(INTEGERS)
    return e.Pow(x, s.constant(s.array(dtype, shape, 0, 3), dtype))


def shift(s: Source) -> Op:
    """Either direction, by less than the width of the narrowest type."""
    x = s.some(b.UNSIGNED)
    dtype = x.tensor.dtype
    y = s.constant(s.array(dtype, s.broadcastable(x.tensor.static_shape), 0, 7), dtype)
    return b.BitShift(x, y, direction=s.choice(("left", "right")))


def bounds(s: Source, dtype: DType) -> tuple[float, float]:
    """The lower bound and the upper one, either of which may be absent; for integers they are whole."""
    low = float(s.integer(-3, 1) if dtype.is_signed else s.integer(0, 1))
    high = low + s.integer(0, 3)
    if dtype.is_float:
        low, high = low - 0.125 * s.integer(0, 7), high + 0.125 * s.integer(0, 7)
    return (-math.inf if s.integer(0, 3) == 0 else low), (math.inf if s.integer(0, 3) == 0 else high)


def clip(s: Source) -> Op:
    """Bounds on either side, both or none."""
    x = s.some(NUMERIC)
    return c.Clip(x, *bounds(s, x.tensor.dtype))


def dynamic_clip(s: Source) -> Op:
    """Constant bounds, in order, or ones that exist already, on one side."""
    x = s.some(NUMERIC)
    dtype = x.tensor.dtype
    if s.boolean():
        bound = s.value(dtype, s.choice(((), (1,))))
        return c.DynamicClip(x, bound) if s.boolean() else c.DynamicClip(x, None, bound)
    given = (s.constant(b, dtype) if math.isfinite(b) else None for b in bounds(s, dtype))
    return c.DynamicClip(x, *given)


SAMPLERS: Mapping[type[Op], Sampler] = {
    **{op: binary(op) for op in (e.Add, e.Sub, e.Mul, e.Min, e.Max)},
    **{op: quotient(op) for op in (e.Div, e.FloorDiv, e.Mod, e.Fmod)},
    **{op: unary(op, SIGNED) for op in (u.Neg,)},
    **{op: unary(op, NUMERIC) for op in (u.Abs, u.Sign)},
    **{op: unary(op) for op in (u.Ceil, u.Floor, u.Round, u.Sqrt, u.Rsqrt, u.Reciprocal, u.Exp, u.Log, u.Erf)},
    **{op: unary(op) for op in (t.Sin, t.Cos, t.Tan, t.Asin, t.Acos, t.Atan)},
    **{op: unary(op) for op in (t.Sinh, t.Cosh, t.Tanh, t.Asinh, t.Acosh, t.Atanh)},
    **{op: binary(op, INTEGERS) for op in (b.BitAnd, b.BitOr, b.BitXor)},
    b.BitNot: unary(b.BitNot, INTEGERS),
    b.BitShift: shift,
    e.Pow: power,
    u.IsNan: lambda s: u.IsNan(s.some(FLOATS)),
    u.IsInf: lambda s: u.IsInf(s.some(FLOATS), s.boolean(), s.boolean()),
    c.Clip: clip,
    c.DynamicClip: dynamic_clip,
}
