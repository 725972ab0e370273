"""Reductions over axes that are known at compile time.

Sums and products of floats are accumulated in float64 and rounded once.
"""

from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import Dim
from optc.ir.dtypes import FLOATS, NUMERIC, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axes, without_axes
from optc.ops.elementwise import divide

Axes = tuple[int, ...]


@abstract_op
class Reduce(Op):
    """One number for all elements along `axes`, which are increasing, counted from the front.

    The axes stay with size 1 with `keepdims`, else they are dropped. Only a scalar is reduced over no axis.
    """

    x: Value = operand(*NUMERIC)
    axes: tuple[int, ...] = attribute()
    keepdims: bool = attribute(default=True)
    steps: ClassVar[int] = 1
    formula: ClassVar[Any]

    def infer(self) -> TensorType:
        x = self.x.tensor
        if not self.axes and x.rank:
            raise self.refuse("no-axes", "axes", "at least one", "none")
        check_axes(self, self.axes, x.rank)
        return x.with_shape(without_axes(x.shape, self.axes, self.keepdims))

    def evaluate(self, x: Array) -> Array:
        return reduced(type(self).formula, x, self.axes, self.keepdims)

    def operations(self) -> Dim:
        return self.x.tensor.elements * self.steps


@abstract_op
class FloatReduce(Reduce):
    """A reduction that only floats have."""

    x: Value = operand(*FLOATS)
    axes: tuple[int, ...] = attribute()
    keepdims: bool = attribute(default=True)


def reduced(formula: Any, x: Array, axes: Axes, keepdims: bool) -> Array:
    """A formula of `x`, axes and keepdims, computed in float64 for floats and rounded to the dtype of `x`."""
    if x.dtype.kind in "iu":
        return np.asarray(formula(x, axes, keepdims)).astype(x.dtype, copy=False)
    return np.asarray(formula(x.astype(np.float64, copy=False), axes, keepdims)).astype(x.dtype)


def _sum(x: Array, axes: Axes, keepdims: bool) -> Any:
    return np.sum(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


def _mean(x: Array, axes: Axes, keepdims: bool) -> Any:
    count = np.prod([x.shape[axis] for axis in axes], dtype=np.int64)
    return divide(np.asarray(_sum(x, axes, keepdims)), np.asarray(count).astype(x.dtype))


def _least(dtype: np.dtype[Any]) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _most(dtype: np.dtype[Any]) -> Any:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max


def _max(x: Array, axes: Axes, keepdims: bool) -> Any:
    return np.max(x, axis=axes, keepdims=keepdims, initial=_least(x.dtype))


def _min(x: Array, axes: Axes, keepdims: bool) -> Any:
    return np.min(x, axis=axes, keepdims=keepdims, initial=_most(x.dtype))


def _prod(x: Array, axes: Axes, keepdims: bool) -> Any:
    return np.prod(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


def _l1(x: Array, axes: Axes, keepdims: bool) -> Any:
    return _sum(np.abs(x), axes, keepdims)


def _sum_square(x: Array, axes: Axes, keepdims: bool) -> Any:
    return _sum(x * x, axes, keepdims)


def _l2(x: Array, axes: Axes, keepdims: bool) -> Any:
    return np.sqrt(_sum_square(x, axes, keepdims))


def _log_sum_exp(x: Array, axes: Axes, keepdims: bool) -> Any:
    greatest = np.asarray(_max(x, axes, True))
    greatest = np.where(np.isfinite(greatest), greatest, np.zeros_like(greatest))
    total = np.log(_sum(np.exp(x - greatest), axes, True)) + greatest
    return total if keepdims else np.reshape(total, without_axes(x.shape, axes, False))


@op("reduce_sum")
class ReduceSum(Reduce):
    """The sum (0 of nothing); integers wrap."""

    formula = staticmethod(_sum)


@op("reduce_mean")
class ReduceMean(Reduce):
    """The mean; of integers the wrapped sum over the count, rounded towards zero."""

    formula = staticmethod(_mean)


@op("reduce_max")
class ReduceMax(Reduce):
    """The greatest; of nothing minus infinity, or the least integer."""

    formula = staticmethod(_max)


@op("reduce_min")
class ReduceMin(Reduce):
    """The least; of nothing infinity, or the greatest integer."""

    formula = staticmethod(_min)


@op("reduce_prod")
class ReduceProd(Reduce):
    """The product (1 of nothing); integers wrap."""

    formula = staticmethod(_prod)


@op("reduce_l1")
class ReduceL1(Reduce):
    """The sum of absolute values."""

    steps = 2
    formula = staticmethod(_l1)


@op("reduce_l2")
class ReduceL2(FloatReduce):
    """The square root of the sum of squares."""

    steps = 2
    formula = staticmethod(_l2)


@op("reduce_sum_square")
class ReduceSumSquare(Reduce):
    """The sum of squares."""

    steps = 2
    formula = staticmethod(_sum_square)


@op("reduce_log_sum_exp")
class ReduceLogSumExp(FloatReduce):
    """The logarithm of the sum of exponentials."""

    steps = 4
    formula = staticmethod(_log_sum_exp)


OPS: tuple[type[Op], ...] = (
    ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSumExp,
)  # fmt: skip
