"""Rules that make shapes static: parameters that turn out to be constant become attributes.

What these rules give may have a more precise type than what it stands for, so `rewrite` does not take them;
`passes.cleanup.canonicalize` applies them in a walk that passes such types on.
"""

import math
from collections.abc import Mapping

import numpy as np

from optc.errors import OptcError
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops.axes import from_front
from optc.ops.clip import Clip, DynamicClip
from optc.ops.dynamic import Dynamic
from optc.ops.dynamic_reduce import DynamicReduce
from optc.ops.shape import ShapeOf, Size
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.evaluation import evaluated, most_bytes
from passes.rules.fitting import in_place_of

SMALL = 1024
"""Bytes of the largest result that is computed on the way: what shapes are worked out with is small."""


def _given(match: Match, values: Mapping[str, Value | None]) -> dict[str, Array] | None:
    """The arrays of the values that are there; None if one of them is not constant."""
    found = {}
    for name, value in values.items():
        if value is not None:
            tensor = match.const(value)
            if tensor is None:
                return None
            found[name] = tensor.array()
    return found


def _settle(op: Dynamic, match: Match) -> Replacement:
    given = _given(match, {name: getattr(op, name) for name in op.parameters})
    if given is None:
        return None
    try:
        twin = op.settled(given)
    except OptcError:  # the parameters are wrong: that is for the one to hear who runs the program
        return None
    return None if twin is None else in_place_of(op, twin)


def _settle_reduce(op: DynamicReduce, match: Match) -> Replacement:
    axes = match.const(op.axes)
    if axes is None:
        return None
    rank = op.x.tensor.rank
    try:
        chosen = tuple(sorted(from_front(op, int(axis), rank) for axis in axes.array())) or tuple(range(rank))
        return in_place_of(op, op.twin(op.x, chosen, op.keepdims))
    except OptcError:
        return None


def _settle_clip(op: DynamicClip, match: Match) -> Replacement:
    given = _given(match, {"min": op.min, "max": op.max})
    if given is None:
        return None
    bounds = {name: _number(array) for name, array in given.items()}
    if any(float(bound) != bound for bound in bounds.values()):
        return None  # NaN, or an integer that no float is
    low, high = float(bounds.get("min", -math.inf)), float(bounds.get("max", math.inf))
    try:
        return in_place_of(op, Clip(op.x, low, high))
    except OptcError:
        return None


def _number(array: Array) -> int | float:
    """The only element, as a Python number: NumPy would compare a large integer with a float after rounding it."""
    element = array.reshape(-1)[0]
    return int(element) if array.dtype.kind in "iu" else float(element)


def _shape_of_static(op: ShapeOf, match: Match) -> Replacement:
    sizes = op.x.tensor.shape[op.start : op.end]
    known = all(isinstance(size, int) and size < 1 << 63 for size in sizes)
    return Const(Tensor.of(np.array(sizes, np.int64))) if known else None


def _size_of_static(op: Size, match: Match) -> Replacement:
    count = op.x.tensor.elements
    known = isinstance(count, int) and count < 1 << 63
    return Const(Tensor.of(np.array(count), DType.I64)) if known else None


def _compute_small(op: Op, match: Match) -> Replacement:
    def small(value: Value) -> Tensor | None:
        tensor = match.const(value)
        return tensor if tensor is not None and tensor.stored_bytes <= SMALL else None

    if len(op.results) != 1 or most_bytes(op) > SMALL:
        return None
    results = evaluated(op, small, SMALL)
    return None if results is None else Const(results[0])


STATIC_SHAPES = (
    Rule("settle", (Dynamic,), _settle, "dynamic_reshape(x, const) -> reshape(x), for every op with such a twin"),
    Rule("settle-reduce", (DynamicReduce,), _settle_reduce, "dynamic_reduce_sum(x, const) -> reduce_sum(x)"),
    Rule("settle-clip", (DynamicClip,), _settle_clip, "dynamic_clip(x, const, const) -> clip(x)"),
    Rule("shape-of-static", (ShapeOf,), _shape_of_static, "shape(x) -> const, if the sizes are known"),
    Rule("size-of-static", (Size,), _size_of_static, "size(x) -> const, if the sizes are known"),
    Rule("compute-small", (Op,), _compute_small, "an op on constants -> const, if it is small"),
)
"""Rows that are applied in one walk, so that what one shape depends on is known when the next needs it."""
