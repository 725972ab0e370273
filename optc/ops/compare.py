"""Comparison, logic and choice between values."""

from typing import Any, ClassVar

import numpy as np

from optc.ir.dtypes import NUMERIC, Array, DType
from optc.ir.fields import operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.broadcast import broadcast

_COMPARABLE = (*NUMERIC, DType.BOOL, DType.STR)


@abstract_op
class _Comparison(Op):
    """Two tensors of one element type, broadcast against each other; a `bool` for each pair. False for NaN."""

    x: Value = operand(*NUMERIC)
    y: Value = operand(*NUMERIC, same_as="x")
    formula: ClassVar[Any]

    def infer(self) -> TensorType:
        return TensorType(DType.BOOL, broadcast(self, self.x.tensor.shape, self.y.tensor.shape))

    def evaluate(self, x: Array, y: Array) -> Array:
        return np.asarray(type(self).formula(x, y), np.bool_)


@op("equal")
class Equal(_Comparison):
    """Whether `x` and `y` are equal."""

    x: Value = operand(*_COMPARABLE)
    y: Value = operand(*_COMPARABLE, same_as="x")
    commutative: ClassVar[bool] = True
    formula = np.equal


@op("not_equal")
class NotEqual(_Comparison):
    """Whether `x` and `y` differ; true for NaN."""

    x: Value = operand(*_COMPARABLE)
    y: Value = operand(*_COMPARABLE, same_as="x")
    commutative: ClassVar[bool] = True
    formula = np.not_equal


@op("less")
class Less(_Comparison):
    """Whether `x < y`."""

    formula = np.less


@op("less_equal")
class LessEqual(_Comparison):
    """Whether `x <= y`."""

    formula = np.less_equal


@op("greater")
class Greater(_Comparison):
    """Whether `x > y`."""

    formula = np.greater


@op("greater_equal")
class GreaterEqual(_Comparison):
    """Whether `x >= y`."""

    formula = np.greater_equal


@abstract_op
class _Logical(_Comparison):
    """Two tensors of `bool`, broadcast against each other."""

    x: Value = operand(DType.BOOL)
    y: Value = operand(DType.BOOL)
    commutative: ClassVar[bool] = True


@op("logical_and")
class LogicalAnd(_Logical):
    """Whether both hold."""

    formula = np.logical_and


@op("logical_or")
class LogicalOr(_Logical):
    """Whether either holds."""

    formula = np.logical_or


@op("logical_xor")
class LogicalXor(_Logical):
    """Whether exactly one holds."""

    formula = np.logical_xor


@op("logical_not")
class LogicalNot(Op):
    """Whether `x` does not hold."""

    x: Value = operand(DType.BOOL)

    def infer(self) -> TensorType:
        return self.x.tensor

    def evaluate(self, x: Array) -> Array:
        return np.asarray(np.logical_not(x))


@op("select")
class Select(Op):
    """`x` where `condition` holds, `y` elsewhere; all three are broadcast against each other."""

    condition: Value = operand(DType.BOOL)
    x: Value = operand()
    y: Value = operand(same_as="x")

    def infer(self) -> TensorType:
        shapes = (v.tensor.shape for v in (self.condition, self.x, self.y))
        return self.x.tensor.with_shape(broadcast(self, *shapes))

    def evaluate(self, condition: Array, x: Array, y: Array) -> Array:
        return np.where(condition, x, y)


OPS: tuple[type[Op], ...] = (
    Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual,
    LogicalAnd, LogicalOr, LogicalXor, LogicalNot, Select,
)  # fmt: skip
