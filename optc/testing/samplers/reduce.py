"""Samplers of reductions, extremes, top k and running sums."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optc.ir.dtypes import FLOATS, INDEX, NUMERIC
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops import dynamic_reduce as d
from optc.ops import order as o
from optc.ops import reduce as r
from optc.testing.source import Sampler, Source

_OF_FLOATS = (r.ReduceL2, r.ReduceLogSumExp)


def _axes(s: Source, rank: int) -> list[int]:
    """At least one of `rank` axes, in order; none of a scalar."""
    chosen = [axis for axis in range(rank) if s.boolean()]
    return chosen or ([s.integer(0, rank - 1)] if rank else [])


def reduction(op: type[r.Reduce]) -> Sampler:
    """Any axes of any tensor."""

    def sample(s: Source) -> Op:
        x = s.some(FLOATS if op in _OF_FLOATS else NUMERIC)
        return op(x, tuple(_axes(s, x.tensor.rank)), s.boolean())

    return sample


def _counted_from_either_end(s: Source, axis: int, rank: int) -> int:
    return axis - rank if s.boolean() else axis


def dynamic_reduction(op: type[d.DynamicReduce]) -> Sampler:
    """Constant axes in any order from either end, or none for all."""

    def sample(s: Source) -> Op:
        x = s.some(FLOATS if op.twin in _OF_FLOATS else NUMERIC)
        rank = x.tensor.rank
        axes = [_counted_from_either_end(s, axis, rank) for axis in _axes(s, rank)]
        listed = axes[:: s.choice((1, -1))] if s.integer(0, 4) else []
        dtype = s.choice(INDEX)
        return op(x, s.constant(np.array(listed, dtype.numpy), dtype), s.boolean())

    return sample


def arg_reduction(op: type[o.ArgMax] | type[o.ArgMin]) -> Sampler:
    """Any axis of any tensor."""

    def sample(s: Source) -> Op:
        x = s.some(NUMERIC, 1)
        return op(x, s.integer(0, x.tensor.rank - 1), s.boolean(), s.boolean())

    return sample


def _single(s: Source, number: int) -> Value:
    """A constant index, as a scalar or a vector of one."""
    dtype = s.choice(INDEX)
    return s.constant(np.array(number, dtype.numpy).reshape(s.choice(((), (1,)))), dtype)


def top_k(s: Source, op: Callable[..., Op] = o.TopK, k: Callable[[Source, int], Any] = lambda s, k: k) -> Op:
    """Any number from none to all of any axis."""
    x = s.some(NUMERIC, 1)
    axis = s.integer(0, x.tensor.rank - 1)
    return op(x, k(s, s.integer(0, x.tensor.static_shape[axis])), axis, s.boolean())


def cumsum(s: Source) -> Op:
    """Any axis, in both directions."""
    x = s.some(NUMERIC, 1)
    return o.Cumsum(x, s.integer(0, x.tensor.rank - 1), s.boolean(), s.boolean())


def dynamic_cumsum(s: Source) -> Op:
    """A constant axis from either end."""
    x = s.some(NUMERIC, 1)
    rank = x.tensor.rank
    axis = _counted_from_either_end(s, s.integer(0, rank - 1), rank)
    return o.DynamicCumsum(x, _single(s, axis), s.boolean(), s.boolean())


SAMPLERS: Mapping[type[Op], Sampler] = {
    **{op: reduction(op) for op in (r.ReduceSum, r.ReduceMean, r.ReduceMax, r.ReduceMin, r.ReduceProd)},
    **{op: reduction(op) for op in (r.ReduceL1, r.ReduceL2, r.ReduceSumSquare, r.ReduceLogSumExp)},
    **{op: dynamic_reduction(op) for op in (d.DynamicReduceSum, d.DynamicReduceMean, d.DynamicReduceMax)},
    **{op: dynamic_reduction(op) for op in (d.DynamicReduceMin, d.DynamicReduceProd, d.DynamicReduceL1)},
    **{op: dynamic_reduction(op) for op in (d.DynamicReduceL2, d.DynamicReduceSumSquare, d.DynamicReduceLogSumExp)},
    o.ArgMax: arg_reduction(o.ArgMax),
    o.ArgMin: arg_reduction(o.ArgMin),
    o.TopK: top_k,
    o.DynamicTopK: lambda s: top_k(s, o.DynamicTopK, _single),
    o.Cumsum: cumsum,
    o.DynamicCumsum: dynamic_cumsum,
}
