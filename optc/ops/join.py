"""Ops that put tensors together, take them apart, or repeat them."""

from collections.abc import Mapping
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import UNKNOWN, Dim, Shape
from optc.ir.dtypes import INDEX, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axis, with_axis
from optc.ops.dynamic import Dynamic, integers, length, unknown_shape
from optc.ops.movement import Movement, check_elements, check_rank
from optc.ops.sizes import clash


def _agreed(op: Op, a: Shape, b: Shape, axis: int = -1) -> Shape:
    """The sizes that two tensors to be joined share; those of `axis` may differ, and are taken from `a`."""
    if len(a) != len(b) or any(clash(x, y) for i, (x, y) in enumerate(zip(a, b, strict=True)) if i != axis):
        shown = " and ".join(f"[{','.join(map(str, s))}]" for s in (a, b))
        raise op.refuse("join-shape", "shapes of the operands", "equal but for the axis joined", shown)
    return tuple(y if i != axis and isinstance(y, int) else x for i, (x, y) in enumerate(zip(a, b, strict=True)))


def _shapes(op: Op, xs: tuple[Value, ...]) -> list[Shape]:
    if not xs:
        raise op.refuse("operand-count", "number of operands", "at least 1", 0)
    return [x.tensor.shape for x in xs]


@op("concat")
class Concat(Movement):
    """The operands one after the other along `axis`; their other sizes are equal."""

    xs: tuple[Value, ...] = operand(same_as="xs")
    axis: int = attribute(minimum=0)

    def infer(self) -> TensorType:
        shapes = _shapes(self, self.xs)
        check_axis(self, self.axis, len(shapes[0]))
        shape = reduce(lambda a, b: _agreed(self, a, b, self.axis), shapes)
        total: Any = 0
        for own in shapes:
            total = total + own[self.axis]
        return self.xs[0].tensor.with_shape(with_axis(shape, self.axis, total))

    def evaluate(self, xs: tuple[Array, ...]) -> Array:
        reduce(lambda a, b: _agreed(self, a, b, self.axis), [x.shape for x in xs])
        return np.concatenate(xs, self.axis)


@op("stack")
class Stack(Movement):
    """The operands, of equal shapes, along a new dimension `axis` of the result."""

    xs: tuple[Value, ...] = operand(same_as="xs")
    axis: int = attribute(default=0, minimum=0)

    def infer(self) -> TensorType:
        shapes = _shapes(self, self.xs)
        shape = reduce(lambda a, b: _agreed(self, a, b), shapes)
        check_axis(self, self.axis, check_rank(self, len(shape) + 1))
        return self.xs[0].tensor.with_shape((*shape[: self.axis], len(shapes), *shape[self.axis :]))

    def evaluate(self, xs: tuple[Array, ...]) -> Array:
        reduce(lambda a, b: _agreed(self, a, b), [x.shape for x in xs])
        return np.stack(xs, self.axis)


@op("split")
class Split(Movement):
    """Pieces along `axis`: of the given `sizes`, or `parts` of them of equal size, rounded up, the last the rest."""

    x: Value = operand()
    axis: int = attribute(default=0, minimum=0)
    sizes: tuple[int, ...] = attribute(default=(), minimum=0)
    parts: int = attribute(default=0, minimum=0)

    def infer(self) -> tuple[TensorType, ...]:
        own = self.x.tensor.shape
        check_axis(self, self.axis, len(own))
        return tuple(self.x.tensor.with_shape(with_axis(own, self.axis, s)) for s in self.pieces(own[self.axis]))

    def pieces(self, dim: Dim) -> tuple[Any, ...]:
        """Sizes of the pieces of an axis of size `dim`."""
        if bool(self.sizes) == bool(self.parts):
            raise self.refuse("split-form", "sizes or parts", "given, and not both")
        if self.parts > 1 << 16:
            raise self.refuse("split-form", "parts", "at most 65536", self.parts)
        known = isinstance(dim, int)
        if self.sizes:
            if known and sum(self.sizes) != dim:
                raise self.refuse("split-size", "sum of the sizes", dim, sum(self.sizes))
            return self.sizes
        each: Any = (dim + (self.parts - 1)) // self.parts
        last: Any = dim - each * (self.parts - 1)
        if known and last < 0:
            raise self.refuse("split-size", "parts", f"few enough to cut {dim} elements", self.parts)
        return (each,) * (self.parts - 1) + (last,)

    def evaluate(self, x: Array) -> tuple[Array, ...]:
        ends = np.cumsum(self.pieces(x.shape[self.axis]))[:-1]
        return tuple(np.split(x, ends, self.axis))


@op("dynamic_split")
class DynamicSplit(Dynamic):
    """`split` into pieces along `axis` of the given `sizes` (i64[number of pieces])."""

    x: Value = operand()
    sizes: Value = operand(*INDEX)
    axis: int = attribute(default=0, minimum=0)
    parameters: ClassVar[tuple[str, ...]] = ("sizes",)

    def infer(self) -> tuple[TensorType, ...]:
        own = self.x.tensor
        check_axis(self, self.axis, own.rank)
        pieces = length(self, "sizes")
        if not 1 <= pieces <= 1 << 16:
            raise self.refuse("split-form", "number of sizes", "from 1 to 65536", pieces)
        return (own.with_shape(with_axis(own.shape, self.axis, UNKNOWN)),) * pieces

    def settled(self, given: Mapping[str, Array]) -> Op:
        return Split(self.x, self.axis, integers(given["sizes"]))


@op("tile")
class Tile(Movement):
    """`x` repeated `repeats[i]` times along each dimension `i`."""

    x: Value = operand()
    repeats: tuple[int, ...] = attribute(minimum=0)

    def infer(self) -> TensorType:
        own = self.x.tensor.shape
        if len(own) != len(self.repeats):
            raise self.refuse("repeats-count", "number of repeats", f"the rank, {len(own)}", len(self.repeats))
        pairs: Any = zip(own, self.repeats, strict=True)
        return self.x.tensor.with_shape(tuple(d * r for d, r in pairs))

    def evaluate(self, x: Array) -> Array:
        check_elements(self, tuple(max(1, d) * r for d, r in zip(x.shape, self.repeats, strict=True)))
        return np.tile(x, self.repeats)


@op("dynamic_tile")
class DynamicTile(Dynamic):
    """`tile` by the numbers in `repeats` (i64[rank])."""

    x: Value = operand()
    repeats: Value = operand(*INDEX)
    parameters: ClassVar[tuple[str, ...]] = ("repeats",)

    def infer(self) -> TensorType:
        (count,) = self.repeats.tensor.shape if self.repeats.tensor.rank == 1 else (-1,)
        if clash(count, self.x.tensor.rank):
            raise self.refuse(
                "repeats-count", "shape of operand repeats", f"[{self.x.tensor.rank}]", self.repeats.tensor
            )
        return self.x.tensor.with_shape(unknown_shape(self, self.x.tensor.rank))

    def settled(self, given: Mapping[str, Array]) -> Op:
        return Tile(self.x, integers(given["repeats"]))


OPS: tuple[type[Op], ...] = (Concat, Stack, Split, DynamicSplit, Tile, DynamicTile)
