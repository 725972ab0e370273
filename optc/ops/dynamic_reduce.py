"""Reductions over axes that are known only when the program runs."""

from collections.abc import Mapping
from typing import Any, ClassVar

from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import FLOATS, INDEX, NUMERIC, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import reduce as r
from optc.ops.axes import from_front
from optc.ops.dynamic import Dynamic, integers, length


@abstract_op
class DynamicReduce(Dynamic):
    """The reduction of class `twin` over `axes`, `i64[k]` or `i32[k]`, in any order, which may count from the back.

    No axis means all axes. Without `keepdims`, `k` must be a known number, for the result to have a known rank.
    """

    x: Value = operand(*NUMERIC)
    axes: Value = operand(*INDEX)
    keepdims: bool = attribute(default=True)
    twin: ClassVar[type[r.Reduce]]
    parameters = ("axes",)

    def infer(self) -> TensorType:
        x = self.x.tensor
        if self.axes.tensor.rank != 1:
            raise self.refuse("operand-rank", "rank of operand axes", 1, self.axes.tensor.rank)
        count: Dim = self.axes.tensor.shape[0] if self.keepdims else length(self, "axes")
        if isinstance(count, int) and count > x.rank:
            raise self.refuse("axes-count", "number of axes", f"at most {x.rank}, the rank of operand x", count)
        dropped = 0 if self.keepdims else count or x.rank
        kept: Any = x.rank - dropped
        return x.with_shape((1 if count in (0, x.rank) else UNKNOWN,) * kept)

    def settled(self, given: Mapping[str, Array]) -> Op:
        rank = self.x.tensor.rank
        axes = sorted(from_front(self, axis, rank) for axis in integers(given["axes"]))
        return self.twin(self.x, tuple(axes) if axes else tuple(range(rank)), self.keepdims)

    def operations(self) -> Dim:
        return self.x.tensor.elements * self.twin.steps


@abstract_op
class DynamicFloatReduce(DynamicReduce):
    """A reduction that only floats have."""

    x: Value = operand(*FLOATS)
    axes: Value = operand(*INDEX)
    keepdims: bool = attribute(default=True)


@op("dynamic_reduce_sum")
class DynamicReduceSum(DynamicReduce):
    """`reduce_sum` with axes as an operand."""

    twin = r.ReduceSum


@op("dynamic_reduce_mean")
class DynamicReduceMean(DynamicReduce):
    """`reduce_mean` with axes as an operand."""

    twin = r.ReduceMean


@op("dynamic_reduce_max")
class DynamicReduceMax(DynamicReduce):
    """`reduce_max` with axes as an operand."""

    twin = r.ReduceMax


@op("dynamic_reduce_min")
class DynamicReduceMin(DynamicReduce):
    """`reduce_min` with axes as an operand."""

    twin = r.ReduceMin


@op("dynamic_reduce_prod")
class DynamicReduceProd(DynamicReduce):
    """`reduce_prod` with axes as an operand."""

    twin = r.ReduceProd


@op("dynamic_reduce_l1")
class DynamicReduceL1(DynamicReduce):
    """`reduce_l1` with axes as an operand."""

    twin = r.ReduceL1


@op("dynamic_reduce_l2")
class DynamicReduceL2(DynamicFloatReduce):
    """`reduce_l2` with axes as an operand."""

    twin = r.ReduceL2


@op("dynamic_reduce_sum_square")
class DynamicReduceSumSquare(DynamicReduce):
    """`reduce_sum_square` with axes as an operand."""

    twin = r.ReduceSumSquare


@op("dynamic_reduce_log_sum_exp")
class DynamicReduceLogSumExp(DynamicFloatReduce):
    """`reduce_log_sum_exp` with axes as an operand."""

    twin = r.ReduceLogSumExp


OPS: tuple[type[Op], ...] = (
    DynamicReduceSum, DynamicReduceMean, DynamicReduceMax, DynamicReduceMin, DynamicReduceProd, DynamicReduceL1,
    DynamicReduceL2, DynamicReduceSumSquare, DynamicReduceLogSumExp,
)  # fmt: skip
