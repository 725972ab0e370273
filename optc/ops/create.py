"""Tensors made from little: ranges, fills, one-hot vectors, diagonals, and the positions of what is not zero."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import UNKNOWN, Shape
from optc.ir.dtypes import INDEX, INTEGERS, NUMERIC, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.dynamic import Dynamic, integers, length, unknown_shape
from optc.ops.expect import expect_rank
from optc.ops.indexing import shown
from optc.ops.movement import MOST_ELEMENTS, NOT_TEXT, Movement, check_elements, check_rank
from optc.ops.sizes import clash

COUNTED = (DType.I16, DType.I32, DType.I64, DType.F32, DType.F64)
_MOST_EXACT = 1 << 53
"""Integers up to here are exact in float64."""


@op("range")
class Range(Movement):
    """`start + i * step` for `i` from 0 to `count - 1`: [count] of `dtype`."""

    count: int = attribute(minimum=0)
    start: int = attribute(default=0)
    step: int = attribute(default=1)
    dtype: DType = attribute(default=DType.I64, one_of=NUMERIC)

    def infer(self) -> TensorType:
        low, high = self.dtype.integer_range if self.dtype.is_integer else (-_MOST_EXACT, _MOST_EXACT)
        ends = (self.start, self.start + self.step * max(0, self.count - 1))
        if abs(self.step) >= 1 << 63:
            raise self.refuse("range-step", "attribute step", "a 64-bit integer", self.step)
        if min(ends) < max(low, -(1 << 63)) or max(ends) > min(high, (1 << 63) - 1):
            raise self.refuse("range-value", "every value", f"from {low} to {high}", f"{ends[0]} to {ends[1]}")
        return TensorType(self.dtype, (self.count,))

    def evaluate(self) -> Array:
        check_elements(self, (self.count,))
        return np.asarray((np.arange(self.count) * self.step + self.start).astype(self.dtype.numpy))


@op("dynamic_range")
class DynamicRange(Dynamic):
    """`start`, `start + delta`, and so on, as long as it is before `limit` (scalars of one type)."""

    start: Value = operand(*COUNTED)
    limit: Value = operand(*COUNTED, same_as="start")
    delta: Value = operand(*COUNTED, same_as="start")
    parameters: ClassVar[tuple[str, ...]] = ("start", "limit", "delta")

    def infer(self) -> TensorType:
        for name in self.parameters:
            _check_single(self, name)
        return TensorType(self.start.tensor.dtype, (UNKNOWN,))

    def settled(self, given: Mapping[str, Array]) -> Op | None:
        start, limit, delta = (given[name].reshape(-1)[0].item() for name in self.parameters)
        count = self._count(start, limit, delta)
        if any(isinstance(v, float) and (abs(v) >= _MOST_EXACT or v != int(v)) for v in (start, limit, delta)):
            return None
        return Range(count, int(start), int(delta), self.start.tensor.dtype)

    def _count(self, start: Any, limit: Any, delta: Any) -> int:
        if not all(map(math.isfinite, (start, limit, delta))) or delta == 0:
            raise self.refuse("range-step", "start, limit and delta", "finite, and delta not 0", [start, limit, delta])
        count: float = (limit - start) / delta if isinstance(start, float) else -((start - limit) // delta)
        return max(0, math.ceil(min(count, 1 << 62)))

    def compute(self, start: Array, limit: Array, delta: Array) -> Array:
        first, last, step = (float(a.reshape(-1)[0]) for a in (start, limit, delta))
        count = self._count(first, last, step)
        check_elements(self, (count,))
        return np.asarray((np.arange(count) * step + first).astype(start.dtype))


@op("fill")
class Fill(Movement):
    """A tensor of this shape, all of whose elements are the one of `value`."""

    shape: tuple[int, ...] = attribute(minimum=0)
    value: Tensor = attribute()

    def infer(self) -> TensorType:
        check_rank(self, len(self.shape))
        _check_value(self, self.value)
        return TensorType(self.value.dtype, self.shape)

    def evaluate(self) -> Array:
        check_elements(self, self.shape)
        return np.full(self.shape, self.value.array().reshape(()), self.value.dtype.numpy)


@op("dynamic_fill")
class DynamicFill(Dynamic):
    """`fill` of the sizes in `shape` (i64[rank of the result])."""

    shape: Value = operand(*INDEX)
    value: Tensor = attribute()
    parameters: ClassVar[tuple[str, ...]] = ("shape",)

    def infer(self) -> TensorType:
        _check_value(self, self.value)
        return TensorType(self.value.dtype, unknown_shape(self, length(self, "shape")))

    def settled(self, given: Mapping[str, Array]) -> Op:
        return Fill(integers(given["shape"]), self.value)


@op("one_hot")
class OneHot(Movement):
    """`values[1]` where the position on the new dimension `axis` (of size `depth`) is the index, else `values[0]`.

    Negative indices count from the end; those outside give `values[0]` everywhere.
    """

    indices: Value = operand(*INTEGERS)
    values: Value = operand()
    depth: int = attribute(minimum=1)
    axis: int = attribute(minimum=0)

    def infer(self) -> TensorType:
        own = self.indices.tensor.shape
        _check_one_hot(self, own, self.axis, self.values.tensor.shape)
        return self.values.tensor.with_shape((*own[: self.axis], self.depth, *own[self.axis :]))

    def evaluate(self, indices: Array, values: Array) -> Array:
        _check_one_hot(self, indices.shape, self.axis, values.shape)
        check_elements(self, (*indices.shape, self.depth))
        places = np.arange(self.depth).reshape((-1,) + (1,) * (indices.ndim - self.axis))
        picked = np.expand_dims(indices.astype(np.int64), self.axis)
        hot = (picked == places) | (picked == places - self.depth)
        return np.asarray(np.where(hot, values[1], values[0]).astype(values.dtype, copy=False))


@op("dynamic_one_hot")
class DynamicOneHot(Dynamic):
    """`one_hot` of the depth in `depth` (of one element)."""

    indices: Value = operand(*INTEGERS)
    depth: Value = operand(*NUMERIC)
    values: Value = operand()
    axis: int = attribute(minimum=0)
    parameters: ClassVar[tuple[str, ...]] = ("depth",)

    def infer(self) -> TensorType:
        own = self.indices.tensor.shape
        _check_one_hot(self, own, self.axis, self.values.tensor.shape)
        _check_single(self, "depth")
        return self.values.tensor.with_shape((*own[: self.axis], UNKNOWN, *own[self.axis :]))

    def settled(self, given: Mapping[str, Array]) -> Op:
        depth = float(given["depth"].reshape(-1)[0])
        if not 1 <= depth <= MOST_ELEMENTS:
            raise self.refuse("one-hot-depth", "depth", f"from 1 to {MOST_ELEMENTS}", depth)
        return OneHot(self.indices, self.values, int(depth), self.axis)


@op("eye_like")
class EyeLike(Movement):
    """Ones on diagonal `k` of a matrix of the shape of `x` (and of its element type, unless `dtype` is given)."""

    x: Value = operand(*NUMERIC, DType.BOOL)
    k: int = attribute(default=0)
    dtype: DType | None = attribute(default=None, one_of=(*NUMERIC, DType.BOOL))

    def infer(self) -> TensorType:
        expect_rank(self, "x", self.x, 2, 2)
        return self.x.tensor.with_dtype(self.dtype or self.x.tensor.dtype)

    def evaluate(self, x: Array) -> Array:
        return np.asarray(_diagonals(self, x.shape) == _sane(self.k)).astype(self.infer().dtype.numpy)


@op("trilu")
class Trilu(Movement):
    """Matrices (the last two dimensions) with zeros below diagonal `k` if `upper`, else above it."""

    x: Value = operand(*NOT_TEXT)
    upper: bool = attribute(default=True)
    k: int = attribute(default=0)

    def infer(self) -> TensorType:
        expect_rank(self, "x", self.x, 2)
        return self.x.tensor

    def evaluate(self, x: Array) -> Array:
        diagonals, k = _diagonals(self, x.shape), _sane(self.k)
        return np.where(diagonals >= k if self.upper else diagonals <= k, x, np.zeros((), x.dtype))


@op("dynamic_trilu")
class DynamicTrilu(Dynamic):
    """`trilu` at the diagonal in `k` (an i64 scalar)."""

    x: Value = operand(*NOT_TEXT)
    k: Value = operand(*INDEX)
    upper: bool = attribute(default=True)
    parameters: ClassVar[tuple[str, ...]] = ("k",)

    def infer(self) -> TensorType:
        expect_rank(self, "x", self.x, 2)
        _check_single(self, "k")
        return self.x.tensor

    def settled(self, given: Mapping[str, Array]) -> Op:
        return Trilu(self.x, self.upper, int(given["k"].reshape(-1)[0]))


@op("nonzero")
class NonZero(Movement):
    """Positions of the elements that are not zero, in row-major order: i64[rank, how many there are]."""

    x: Value = operand(*NOT_TEXT)

    def infer(self) -> TensorType:
        expect_rank(self, "x", self.x, 1)
        return TensorType(DType.I64, (self.x.tensor.rank, UNKNOWN))

    def evaluate(self, x: Array) -> Array:
        return np.stack(np.nonzero(x)).astype(np.int64, copy=False)


@op("reverse_sequence")
class ReverseSequence(Movement):
    """The first `lengths[b]` elements along `time_axis` in reverse, for each `b` of `batch_axis`."""

    x: Value = operand()
    lengths: Value = operand(DType.I64)
    batch_axis: int = attribute(default=1, one_of=(0, 1))
    time_axis: int = attribute(default=0, one_of=(0, 1))

    def infer(self) -> TensorType:
        expect_rank(self, "x", self.x, 2)
        own, lengths = self.x.tensor.shape, self.lengths.tensor.shape
        if self.batch_axis == self.time_axis:
            raise self.refuse("axis", "batch_axis and time_axis", "0 and 1, or 1 and 0", self.time_axis)
        self._check_lengths(own, lengths)
        return self.x.tensor

    def _check_lengths(self, own: Shape, lengths: Shape) -> None:
        if len(lengths) != 1 or clash(lengths[0], own[self.batch_axis]):
            raise self.refuse(
                "operand-shape", "shape of operand lengths", shown((own[self.batch_axis],)), shown(lengths)
            )

    def evaluate(self, x: Array, lengths: Array) -> Array:
        self._check_lengths(x.shape, lengths.shape)
        steps = x.shape[self.time_axis]
        if lengths.size and not 0 <= int(lengths.min()) <= int(lengths.max()) <= steps:
            raise self.refuse("lengths-range", "every length", f"from 0 to {steps}", lengths.tolist())
        times, ends = np.arange(steps), lengths[:, None]
        places = np.where(times < ends, ends - 1 - times, times)
        if self.time_axis == 0:
            places = places.T
        return np.take_along_axis(x, places.reshape(places.shape + (1,) * (x.ndim - 2)), self.time_axis)


def _check_single(op: Op, name: str) -> None:
    kind = getattr(op, name).tensor
    if kind.rank > 1 or clash(kind.elements, 1):
        raise op.refuse("operand-shape", f"shape of operand {name}", "of one element", kind)


def _check_value(op: Op, value: Tensor) -> None:
    if value.elements != 1:
        raise op.refuse("fill-value", "attribute value", "of one element", f"shape {list(value.shape)}")


def _check_one_hot(op: Op, own: Shape, axis: int, values: Shape) -> None:
    check_rank(op, len(own) + 1)
    if axis > len(own):
        raise op.refuse("axis", "axis", f"from 0 to {len(own)}", axis)
    if len(values) != 1 or clash(values[0], 2):
        raise op.refuse("operand-shape", "shape of operand values", "[2]", shown(values))


def _diagonals(op: Op, shape: tuple[int, ...]) -> Array:
    """The number of the diagonal that each place of a matrix lies on."""
    check_elements(op, shape[-2:])
    return np.arange(shape[-1]) - np.arange(shape[-2])[:, None]


def _sane(k: int) -> int:
    """A diagonal number that NumPy can compare with, as far outside as `k` if that is outside any matrix."""
    return max(-(1 << 40), min(1 << 40, k))


OPS: tuple[type[Op], ...] = (
    Range, DynamicRange, Fill, DynamicFill, OneHot, DynamicOneHot, EyeLike, Trilu, DynamicTrilu, NonZero,
    ReverseSequence,
)  # fmt: skip
