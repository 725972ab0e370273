"""Ops on the shape of a tensor: its elements stay as they are, in the same or in another order."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import UNKNOWN, Shape, product
from optc.ir.dtypes import INDEX, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axes, from_front
from optc.ops.broadcast import broadcast
from optc.ops.dynamic import Dynamic, integers, length, unknown_shape
from optc.ops.movement import Movement, check_elements, check_rank


@abstract_op
class Reshaping(Movement):
    """The elements in row-major order, in another shape."""

    x: Value = operand()

    def target(self, own: Shape) -> Shape:
        """The shape of the result for an operand of shape `own`."""
        raise TypeError(f"{type(self).__name__} declares no shape")

    def infer(self) -> TensorType:
        shape = self.target(self.x.tensor.shape)
        check_rank(self, len(shape))
        return self.x.tensor.with_shape(shape)

    def evaluate(self, x: Array) -> Array:
        shape = self.target(x.shape)
        if not x.size:
            check_elements(self, shape)
        return x.reshape(shape)


@op("reshape")
class Reshape(Reshaping):
    """`x` in another shape: -1 (at most once) is what is left, 0 the operand's size unless `allowzero`."""

    shape: tuple[int, ...] = attribute(minimum=-1)
    allowzero: bool = attribute(default=False)

    def target(self, own: Shape) -> Shape:
        copied = [i for i, s in enumerate(self.shape) if s == 0 and not self.allowzero]
        if copied and copied[-1] >= len(own):
            raise self.refuse("reshape-copy", "position of a 0 in attribute shape", f"below {len(own)}", copied[-1])
        # Copied sizes cancel, so that what is left is known even if they are not.
        left = product(d for i, d in enumerate(own) if i not in copied)
        right = product(s for i, s in enumerate(self.shape) if i not in copied and s != -1)
        rest = self._rest(left, right)
        return tuple(own[i] if i in copied else rest if s == -1 else s for i, s in enumerate(self.shape))

    def _rest(self, left: Any, right: Any) -> Any:
        """The size that -1 stands for, of `left` elements over `right`; checks that the elements fit."""
        unknowns = self.shape.count(-1)
        if unknowns > 1 or (unknowns and right == 0):
            raise self.refuse("reshape-infer", "attribute shape", "one that leaves one size open", list(self.shape))
        fits = not isinstance(left, int) or (left % right == 0 if unknowns else left == right)
        if not fits:
            kind = "a multiple of " if unknowns else ""
            raise self.refuse("reshape-size", "number of elements", f"{kind}{right}", left)
        return left // right if unknowns else right


@op("flatten")
class Flatten(Reshaping):
    """A matrix: the dimensions before `axis` become its rows, the others its columns."""

    axis: int = attribute(default=1, minimum=0)

    def target(self, own: Shape) -> Shape:
        if self.axis > len(own):
            raise self.refuse("axis", "axis", f"from 0 to {len(own)}", self.axis)
        return (product(own[: self.axis]), product(own[self.axis :]))


@op("squeeze")
class Squeeze(Reshaping):
    """Drop the dimensions `axes` (increasing), which are of size 1."""

    axes: tuple[int, ...] = attribute(minimum=0)

    def target(self, own: Shape) -> Shape:
        check_axes(self, self.axes, len(own))
        for axis in self.axes:
            if isinstance(own[axis], int) and own[axis] != 1:
                raise self.refuse("squeeze-size", f"size of axis {axis}", 1, own[axis])
        return tuple(d for i, d in enumerate(own) if i not in self.axes)


@op("unsqueeze")
class Unsqueeze(Reshaping):
    """Add dimensions of size 1, which are `axes` (increasing) of the result."""

    axes: tuple[int, ...] = attribute(minimum=0)

    def target(self, own: Shape) -> Shape:
        rank = check_rank(self, len(own) + len(self.axes))
        check_axes(self, self.axes, rank)
        left = iter(own)
        return tuple(1 if i in self.axes else next(left) for i in range(rank))


@op("transpose")
class Transpose(Movement):
    """Dimensions in another order: dimension `i` of the result is `perm[i]` of the operand."""

    x: Value = operand()
    perm: tuple[int, ...] = attribute(minimum=0)

    def infer(self) -> TensorType:
        own = self.x.tensor.shape
        if sorted(self.perm) != list(range(len(own))):
            expected = f"a permutation of the axes 0 to {len(own) - 1}" if own else "empty"
            raise self.refuse("permutation", "attribute perm", expected, list(self.perm))
        return self.x.tensor.with_shape(tuple(own[i] for i in self.perm))

    def evaluate(self, x: Array) -> Array:
        return x.transpose(self.perm)


@op("expand")
class Expand(Movement):
    """`x` broadcast against `shape` (both ways: a 1 in `shape` leaves the operand's size)."""

    x: Value = operand()
    shape: tuple[int, ...] = attribute(minimum=0)

    def infer(self) -> TensorType:
        check_rank(self, len(self.shape))
        return self.x.tensor.with_shape(broadcast(self, self.x.tensor.shape, self.shape))

    def evaluate(self, x: Array) -> Array:
        shape: Any = broadcast(self, x.shape, self.shape)
        check_elements(self, shape)
        return np.broadcast_to(x, shape)


@op("shape")
class ShapeOf(Movement):
    """The sizes of dimensions `start` to `end` (all from `start` on, if absent) as i64[end - start]."""

    x: Value = operand()
    start: int = attribute(default=0, minimum=0)
    end: int | None = attribute(default=None, minimum=0)

    def infer(self) -> TensorType:
        rank = self.x.tensor.rank
        end = rank if self.end is None else self.end
        if not self.start <= end <= rank:
            raise self.refuse("shape-range", "start and end", f"ascending and at most {rank}", [self.start, end])
        return TensorType(DType.I64, (end - self.start,))

    def evaluate(self, x: Array) -> Array:
        return np.array(x.shape[self.start : self.end], np.int64)


@op("size")
class Size(Movement):
    """The number of elements, an i64 scalar."""

    x: Value = operand()

    def infer(self) -> TensorType:
        return TensorType(DType.I64, ())

    def evaluate(self, x: Array) -> Array:
        return np.array(x.size, np.int64)


@op("dynamic_reshape")
class DynamicReshape(Dynamic):
    """`reshape` to the sizes in `shape` (i64[rank of the result])."""

    x: Value = operand()
    shape: Value = operand(*INDEX)
    allowzero: bool = attribute(default=False)
    parameters: ClassVar[tuple[str, ...]] = ("shape",)

    def infer(self) -> TensorType:
        return self.x.tensor.with_shape(unknown_shape(self, length(self, "shape")))

    def settled(self, given: Mapping[str, Array]) -> Op:
        shape = integers(given["shape"])
        return Reshape(self.x, shape, self.allowzero and 0 in shape)


@op("dynamic_squeeze")
class DynamicSqueeze(Dynamic):
    """`squeeze` of the dimensions in `axes` (i64[n]; they may count from the back)."""

    x: Value = operand()
    axes: Value = operand(*INDEX)
    parameters: ClassVar[tuple[str, ...]] = ("axes",)

    def infer(self) -> TensorType:
        rank = self.x.tensor.rank - length(self, "axes")
        if rank < 0:
            raise self.refuse("axis", "number of axes", f"at most {self.x.tensor.rank}", length(self, "axes"))
        return self.x.tensor.with_shape(unknown_shape(self, rank))

    def settled(self, given: Mapping[str, Array]) -> Op:
        rank = self.x.tensor.rank
        return Squeeze(self.x, tuple(sorted(from_front(self, i, rank) for i in integers(given["axes"]))))


@op("dynamic_unsqueeze")
class DynamicUnsqueeze(Dynamic):
    """`unsqueeze` at the dimensions in `axes` (i64[n]; they may count from the back of the result)."""

    x: Value = operand()
    axes: Value = operand(*INDEX)
    parameters: ClassVar[tuple[str, ...]] = ("axes",)

    def infer(self) -> TensorType:
        return self.x.tensor.with_shape(unknown_shape(self, self.x.tensor.rank + length(self, "axes")))

    def settled(self, given: Mapping[str, Array]) -> Op:
        axes = integers(given["axes"])
        rank = self.x.tensor.rank + len(axes)
        return Unsqueeze(self.x, tuple(sorted(from_front(self, i, rank) for i in axes)))


@op("dynamic_expand")
class DynamicExpand(Dynamic):
    """`expand` against the sizes in `shape` (i64[n])."""

    x: Value = operand()
    shape: Value = operand(*INDEX)
    parameters: ClassVar[tuple[str, ...]] = ("shape",)

    def infer(self) -> TensorType:
        own = self.x.tensor.shape
        rank = check_rank(self, max(len(own), length(self, "shape")))
        # A size other than 1 can only be met by itself or by a 1, and stays.
        kept = tuple(d if isinstance(d, int) and d != 1 else UNKNOWN for d in own)
        return self.x.tensor.with_shape((UNKNOWN,) * (rank - len(own)) + kept)

    def settled(self, given: Mapping[str, Array]) -> Op:
        return Expand(self.x, integers(given["shape"]))


OPS: tuple[type[Op], ...] = (
    Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Expand, ShapeOf, Size,
    DynamicReshape, DynamicSqueeze, DynamicUnsqueeze, DynamicExpand,
)  # fmt: skip
