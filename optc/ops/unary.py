"""Elementwise functions of one operand: roots, exponentials, rounding, signs, and tests of single numbers."""

from typing import Any

import numpy as np

from optc.ir.dtypes import FLOATS, NUMERIC, SIGNED, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.numerics.erf import erf
from optc.ops.elementwise import Unary, is_narrow


@op("abs")
class Abs(Unary):
    """The absolute value; that of the least integer wraps to itself."""

    x: Value = operand(*NUMERIC)
    formula = np.abs


@op("neg")
class Neg(Unary):
    """`-x`; that of the least integer wraps to itself."""

    x: Value = operand(*SIGNED)
    formula = np.negative


@op("sign")
class Sign(Unary):
    """-1, 0 or 1, as `x` is; NaN for NaN."""

    x: Value = operand(*NUMERIC)
    formula = np.sign


@op("ceil")
class Ceil(Unary):
    """The least whole number from `x` on."""

    formula = np.ceil


@op("floor")
class Floor(Unary):
    """The greatest whole number up to `x`."""

    formula = np.floor


@op("round")
class Round(Unary):
    """The nearest whole number, the even one of two."""

    formula = np.rint


@op("sqrt")
class Sqrt(Unary):
    """The square root; NaN below 0."""

    formula = np.sqrt


def _rsqrt(x: Array) -> Any:
    return 1 / np.sqrt(x)


@op("rsqrt")
class Rsqrt(Unary):
    """`1 / sqrt(x)`."""

    formula = staticmethod(_rsqrt)
    steps = 2


def _reciprocal(x: Array) -> Any:
    return 1 / x


@op("reciprocal")
class Reciprocal(Unary):
    """`1 / x`."""

    formula = staticmethod(_reciprocal)


@op("exp")
class Exp(Unary):
    """The exponential."""

    formula = np.exp


@op("log")
class Log(Unary):
    """The natural logarithm; NaN below 0."""

    formula = np.log


@op("erf")
class Erf(Unary):
    """The error function."""

    formula = staticmethod(erf)


@op("is_nan")
class IsNan(Op):
    """Whether each element is NaN, as `bool`."""

    x: Value = operand(*FLOATS)

    def infer(self) -> TensorType:
        return self.x.tensor.with_dtype(DType.BOOL)

    def evaluate(self, x: Array) -> Array:
        return np.asarray(x != x)


@op("is_inf")
class IsInf(Op):
    """Whether each element is infinite, as `bool`; of the signs that are asked for."""

    x: Value = operand(*FLOATS)
    detect_negative: bool = attribute(default=True)
    detect_positive: bool = attribute(default=True)

    def infer(self) -> TensorType:
        return self.x.tensor.with_dtype(DType.BOOL)

    def evaluate(self, x: Array) -> Array:
        if is_narrow(x.dtype):
            x = x.astype(np.float32)
        positive = np.isposinf(x) & self.detect_positive
        return np.asarray(positive | (np.isneginf(x) & self.detect_negative))


OPS: tuple[type[Op], ...] = (
    Abs, Neg, Sign, Ceil, Floor, Round, Sqrt, Rsqrt, Reciprocal, Exp, Log, Erf, IsNan, IsInf,
)  # fmt: skip
