"""Elementwise arithmetic with two operands, with NumPy broadcasting, and the bases of elementwise ops.

16-bit floats are computed in float32 and rounded once, as runtimes do.
"""

from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import Dim
from optc.ir.dtypes import FLOATS, NUMERIC, Array
from optc.ir.fields import operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.broadcast import broadcast
from optc.ops.cast import convert


def is_narrow(dtype: np.dtype[Any]) -> bool:
    """Whether arrays of this dtype are floats that are computed with in float32."""
    return dtype.itemsize < 4 and dtype.kind in "fV"


def widened(compute: Any, *arrays: Array) -> Array:
    """`compute` of the arrays, in float32 where they are narrower floats, rounded to their dtype once."""
    dtype = arrays[0].dtype
    if is_narrow(dtype):
        return np.asarray(compute(*(a.astype(np.float32) for a in arrays)).astype(dtype))
    return np.asarray(compute(*arrays).astype(dtype, copy=False))


@abstract_op
class Unary(Op):
    """One tensor in, one of the same type out; `steps` arithmetic operations per element."""

    x: Value = operand(*FLOATS)
    formula: ClassVar[Any]
    steps: ClassVar[int] = 1

    def infer(self) -> TensorType:
        return self.x.tensor

    def evaluate(self, x: Array) -> Array:
        return widened(type(self).formula, x)

    def operations(self) -> Dim:
        return self.x.tensor.elements * self.steps


@abstract_op
class Binary(Op):
    """Two tensors of one element type, broadcast against each other."""

    x: Value = operand(*NUMERIC)
    y: Value = operand(*NUMERIC, same_as="x")
    formula: ClassVar[Any]

    def infer(self) -> TensorType:
        return self.x.tensor.with_shape(broadcast(self, self.x.tensor.shape, self.y.tensor.shape))

    def evaluate(self, x: Array, y: Array) -> Array:
        return widened(type(self).formula, x, y)


@op("add")
class Add(Binary):
    """`x + y`; integers wrap."""

    commutative: ClassVar[bool] = True
    formula = np.add


@op("sub")
class Sub(Binary):
    """`x - y`; integers wrap."""

    formula = np.subtract


@op("mul")
class Mul(Binary):
    """`x * y`; integers wrap."""

    commutative: ClassVar[bool] = True
    formula = np.multiply


def divide(x: Array, y: Array) -> Array:
    """`x / y`; integers are rounded towards zero, and give 0 where `y` is 0."""
    if x.dtype.kind == "f":
        return np.asarray(x / y)
    safe = np.where(y == 0, np.ones_like(y), y)
    quotient = x // safe
    inexact = (quotient * safe != x) & ((x < 0) != (safe < 0))
    return np.where(y == 0, np.zeros_like(x), quotient + inexact.astype(x.dtype))


@op("div")
class Div(Binary):
    """`x / y`; integers are rounded towards zero, and give 0 where `y` is 0."""

    formula = staticmethod(divide)


def _floor_divide(x: Array, y: Array) -> Array:
    return np.asarray(np.floor(x / y) if x.dtype.kind == "f" else np.floor_divide(x, y))


@op("floor_div")
class FloorDiv(Binary):
    """`x / y` rounded down; integers give 0 where `y` is 0."""

    formula = staticmethod(_floor_divide)


@op("mod")
class Mod(Binary):
    """The remainder of `x / y` with the sign of `y`; integers give 0 where `y` is 0."""

    formula = np.mod


@op("fmod")
class Fmod(Binary):
    """The remainder of `x / y` with the sign of `x`; integers give 0 where `y` is 0."""

    formula = np.fmod


@op("min")
class Min(Binary):
    """The lesser of `x` and `y`; NaN where either is. Not commutative: -0.0 and 0.0 give the one or the other."""

    formula = np.minimum


@op("max")
class Max(Binary):
    """The greater of `x` and `y`; NaN where either is. Not commutative: -0.0 and 0.0 give the one or the other."""

    formula = np.maximum


def _integer_power(x: Array, y: Array) -> Array:
    """Powers by squaring, wrapping; a negative exponent gives `1 / x**-y` rounded towards zero, and 0 for `x` = 0."""
    base, exponent = np.broadcast_arrays(x, y)
    vanishing = (exponent < 0) & (np.abs(base) != 1)
    out = np.where(vanishing, np.zeros_like(base), np.ones_like(base))
    one = exponent.dtype.type(1)  # a Python number beside a u64 scalar would make NumPy 1 compute in float64
    exponent = np.where(exponent < 0, exponent & one, exponent)
    while exponent.any():
        out = np.where(exponent & one == one, out * base, out)
        base = base * base
        exponent = exponent >> one
    return out


@op("pow")
class Pow(Op):
    """`x` to the power of `y`, broadcast; of the element type of `x`.

    Integers wrap; integers with a float exponent are computed in float64 and rounded towards zero.
    """

    x: Value = operand(*NUMERIC)
    y: Value = operand(*NUMERIC)

    def infer(self) -> TensorType:
        return self.x.tensor.with_shape(broadcast(self, self.x.tensor.shape, self.y.tensor.shape))

    def evaluate(self, x: Array, y: Array) -> Array:
        if x.dtype.kind in "iu" and y.dtype.kind in "iu":
            return _integer_power(x, y).astype(x.dtype)
        if x.dtype == y.dtype:
            return widened(np.power, x, y)
        power = np.asarray(np.power(x.astype(np.float64), y.astype(np.float64)))
        return convert(power, self.x.tensor.dtype)


OPS: tuple[type[Op], ...] = (Add, Sub, Mul, Div, FloorDiv, Mod, Fmod, Min, Max, Pow)
