"""Order along an axis: where the extremes are, the top k, and running sums."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import INDEX, NUMERIC, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axis, from_front, with_axis, without_axes
from optc.ops.dynamic import Dynamic, integers
from optc.ops.elementwise import is_narrow


def _comparable(x: Array) -> Array:
    """The same order in a dtype that NumPy sorts fast."""
    return x.astype(np.float32) if is_narrow(x.dtype) else x


@abstract_op
class _ArgReduce(Op):
    """The index (`i64`) along `axis` of the extreme element, of several the first or, if asked for, the last.

    A NaN is more extreme than any number. The axis must not be empty.
    """

    x: Value = operand(*NUMERIC)
    axis: int = attribute()
    keepdims: bool = attribute(default=True)
    select_last_index: bool = attribute(default=False)
    formula: ClassVar[Any]

    def infer(self) -> TensorType:
        x = self.x.tensor
        check_axis(self, self.axis, x.rank)
        self._check_size(x.shape[self.axis])
        return TensorType(DType.I64, without_axes(x.shape, (self.axis,), self.keepdims))

    def _check_size(self, size: Dim) -> None:
        if size == 0:
            raise self.refuse("empty-axis", f"size of axis {self.axis}", "at least 1", size)

    def evaluate(self, x: Array) -> Array:
        self._check_size(x.shape[self.axis])
        x = _comparable(x)
        if not self.select_last_index:
            return np.asarray(type(self).formula(x, axis=self.axis, keepdims=self.keepdims), np.int64)
        from_back = type(self).formula(np.flip(x, self.axis), axis=self.axis, keepdims=self.keepdims)
        return np.asarray(x.shape[self.axis] - 1 - from_back, np.int64)

    def operations(self) -> Dim:
        return self.x.tensor.elements


@op("arg_max")
class ArgMax(_ArgReduce):
    """The index along `axis` of the greatest element; of several the first, or with `select_last_index` the last."""

    formula = np.argmax


@op("arg_min")
class ArgMin(_ArgReduce):
    """The index along `axis` of the least element; of several the first, or with `select_last_index` the last."""

    formula = np.argmin


@op("top_k")
class TopK(Op):
    """The `k` greatest elements along `axis` (with `largest` false the least), best first, and their indices (`i64`).

    Of equal elements, the one of lower index comes first. NaN counts as greater than any number.
    """

    x: Value = operand(*NUMERIC)
    k: int = attribute(minimum=0)
    axis: int = attribute()
    largest: bool = attribute(default=True)

    def infer(self) -> tuple[TensorType, TensorType]:
        x = self.x.tensor
        check_axis(self, self.axis, x.rank)
        self._check_k(x.shape[self.axis])
        shape = with_axis(x.shape, self.axis, self.k)
        return x.with_shape(shape), TensorType(DType.I64, shape)

    def _check_k(self, size: Dim) -> None:
        if isinstance(size, int) and self.k > size:
            raise self.refuse("top-k-size", "attribute k", f"at most {size}, the size of axis {self.axis}", self.k)

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        self._check_k(x.shape[self.axis])
        keys = _comparable(x)
        if self.largest:
            # Ascending and stable from the back: reversed, the greatest comes first, and of equals the first.
            back = np.argsort(np.flip(keys, self.axis), axis=self.axis, kind="stable")
            order = x.shape[self.axis] - 1 - np.flip(back, self.axis)
        else:
            order = np.argsort(keys, axis=self.axis, kind="stable")
        indices = np.take(order, np.arange(self.k), axis=self.axis)
        return np.take_along_axis(x, indices, axis=self.axis), indices.astype(np.int64, copy=False)

    def operations(self) -> Dim:
        return self.x.tensor.elements


@op("dynamic_top_k")
class DynamicTopK(Dynamic):
    """`top_k` with `k` as an operand, a scalar or a vector of one element."""

    x: Value = operand(*NUMERIC)
    k: Value = operand(*INDEX)
    axis: int = attribute()
    largest: bool = attribute(default=True)
    parameters = ("k",)

    def infer(self) -> tuple[TensorType, TensorType]:
        x = self.x.tensor
        check_axis(self, self.axis, x.rank)
        _check_single(self, "k", self.k)
        shape = with_axis(x.shape, self.axis, UNKNOWN)
        return x.with_shape(shape), TensorType(DType.I64, shape)

    def settled(self, given: Mapping[str, Array]) -> Op:
        return TopK(self.x, integers(given["k"])[0], self.axis, self.largest)

    def operations(self) -> Dim:
        return self.x.tensor.elements


def _check_single(op: Op, name: str, value: Value) -> None:
    if value.tensor.shape not in ((), (1,)):
        raise op.refuse("operand-shape", f"shape of operand {name}", "[] or [1]", value.tensor)


@op("cumsum")
class Cumsum(Op):
    """Running sums along `axis`, or with `reverse` from its end; `exclusive` ones leave out the element itself.

    Floats are accumulated in float64 and rounded once; integers wrap.
    """

    x: Value = operand(*NUMERIC)
    axis: int = attribute()
    exclusive: bool = attribute(default=False)
    reverse: bool = attribute(default=False)

    def infer(self) -> TensorType:
        check_axis(self, self.axis, self.x.tensor.rank)
        return self.x.tensor

    def evaluate(self, x: Array) -> Array:
        wide = x if x.dtype.kind in "iu" else x.astype(np.float64)
        if self.reverse:
            wide = np.flip(wide, self.axis)
        total = np.cumsum(wide, axis=self.axis, dtype=wide.dtype)
        if self.exclusive:
            first = np.zeros_like(np.take(total, np.arange(min(1, x.shape[self.axis])), axis=self.axis))
            rest = np.take(total, np.arange(max(0, x.shape[self.axis] - 1)), axis=self.axis)
            total = np.concatenate([first, rest], axis=self.axis)
        return np.ascontiguousarray(np.flip(total, self.axis) if self.reverse else total).astype(x.dtype)


@op("dynamic_cumsum")
class DynamicCumsum(Dynamic):
    """`cumsum` with the axis as an operand, which may count from the back: a scalar or a vector of one element."""

    x: Value = operand(*NUMERIC)
    axis: Value = operand(*INDEX)
    exclusive: bool = attribute(default=False)
    reverse: bool = attribute(default=False)
    parameters = ("axis",)

    def infer(self) -> TensorType:
        if self.x.tensor.rank == 0:
            raise self.refuse("axis", "rank of operand x", "at least 1", 0)
        _check_single(self, "axis", self.axis)
        return self.x.tensor

    def settled(self, given: Mapping[str, Array]) -> Op:
        axis = from_front(self, integers(given["axis"])[0], self.x.tensor.rank)
        return Cumsum(self.x, axis, self.exclusive, self.reverse)

    def operations(self) -> Dim:
        return self.x.tensor.elements


OPS: tuple[type[Op], ...] = (ArgMax, ArgMin, TopK, DynamicTopK, Cumsum, DynamicCumsum)
