"""Reductions over axes that are known only when the program runs."""

from typing import ClassVar

import numpy as np

from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import FLOATS, INDEX, NUMERIC, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import reduce as r
from optc.ops.axes import from_front


@abstract_op
class DynamicReduce(Op):
    """The reduction of class `static` over `axes`, `i64[k]` or `i32[k]`, in any order, which may count from the back.

    No axis means all axes. Without `keepdims`, `k` must be a known number, or the rank of the result is not known.
    """

    x: Value = operand(*NUMERIC)
    axes: Value = operand(*INDEX)
    keepdims: bool = attribute(True)
    static: ClassVar[type[r.Reduce]]

    def infer(self) -> TensorType:
        x, axes = self.x.tensor, self.axes.tensor
        if axes.rank != 1:
            raise self.refuse("axes-shape", "operand axes", "of rank 1", axes)
        count = axes.shape[0]
        if isinstance(count, int) and count > x.rank:
            raise self.refuse("axes-shape", "number of axes", f"at most {x.rank}, the rank of operand x", count)
        if self.keepdims:
            return x.with_shape((1,) * x.rank if count in (0, x.rank) else (UNKNOWN,) * x.rank)
        if not isinstance(count, int):
            raise self.refuse("axes-shape", "number of axes", "known, for the rank of the result to be", count)
        return x.with_shape((UNKNOWN,) * (x.rank - (count or x.rank)))

    def evaluate(self, x: Array, axes: Array) -> Array:
        chosen = sorted({from_front(self, int(axis), x.ndim) for axis in axes}) if axes.size else range(x.ndim)
        if axes.size and len(chosen) != axes.size:
            raise self.refuse("axes-order", "axes", "distinct", axes.tolist())
        return r.reduced(self.static.formula, np.asarray(x), tuple(chosen), self.keepdims)

    def operations(self) -> Dim:
        return self.x.tensor.elements * self.static.steps


@op("dynamic_reduce_sum")
class DynamicReduceSum(DynamicReduce):
    """`reduce_sum` with axes as an operand."""

    static = r.ReduceSum


@op("dynamic_reduce_mean")
class DynamicReduceMean(DynamicReduce):
    """`reduce_mean` with axes as an operand."""

    static = r.ReduceMean


@op("dynamic_reduce_max")
class DynamicReduceMax(DynamicReduce):
    """`reduce_max` with axes as an operand."""

    static = r.ReduceMax


@op("dynamic_reduce_min")
class DynamicReduceMin(DynamicReduce):
    """`reduce_min` with axes as an operand."""

    static = r.ReduceMin


@op("dynamic_reduce_prod")
class DynamicReduceProd(DynamicReduce):
    """`reduce_prod` with axes as an operand."""

    static = r.ReduceProd


@op("dynamic_reduce_l1")
class DynamicReduceL1(DynamicReduce):
    """`reduce_l1` with axes as an operand."""

    static = r.ReduceL1


@op("dynamic_reduce_l2")
class DynamicReduceL2(DynamicReduce):
    """`reduce_l2` with axes as an operand."""

    x: Value = operand(*FLOATS)
    axes: Value = operand(*INDEX)
    static = r.ReduceL2


@op("dynamic_reduce_sum_square")
class DynamicReduceSumSquare(DynamicReduce):
    """`reduce_sum_square` with axes as an operand."""

    static = r.ReduceSumSquare


@op("dynamic_reduce_log_sum_exp")
class DynamicReduceLogSumExp(DynamicReduce):
    """`reduce_log_sum_exp` with axes as an operand."""

    x: Value = operand(*FLOATS)
    axes: Value = operand(*INDEX)
    static = r.ReduceLogSumExp


OPS: tuple[type[Op], ...] = (
    DynamicReduceSum, DynamicReduceMean, DynamicReduceMax, DynamicReduceMin, DynamicReduceProd, DynamicReduceL1,
    DynamicReduceL2, DynamicReduceSumSquare, DynamicReduceLogSumExp,
)  # fmt: skip
