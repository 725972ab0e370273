"""Rows of weights that stay compressed.

A recurrent layer has one weight in the catalog, `[directions, 4 * hidden, n]`, and in Core ML one per direction, whose
gates are in another order. So what a weight is made of is cut into directions and put in that order, and expands to
the same bits as the dense weight that is cut. Tables and scales follow the rows that they are for; where a group of
rows comes apart, each part has them.
"""

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np

from optc.ir.const import Const
from optc.ir.dtypes import Array
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.numerics.sparsity import scatter
from optc.ops.constexpr import ConstexprCast, LutToDense, LutToSparse, ShiftScale, SparseShiftScale, SparseToDense
from optc.ops.weights import Weight, chain_of, expand


@attrs.frozen(eq=False)
class Rows:
    """Which rows to take, in which order.

    Without a `direction` they are rows of a tensor `[of, ...]`, and what is made of them is `[1, rows, ...]`, one
    direction. With one they are its rows in a tensor `[directions, of, ...]`, and what is made is `[rows, ...]`.
    """

    numbers: Array
    of: int
    direction: int | None = None
    directions: int = 1

    @property
    def axis(self) -> int:
        """The axis that rows are along."""
        return 0 if self.direction is None else 1

    def taken(self, array: Array) -> Array:
        """These rows of an array, copied."""
        if self.direction is None:
            return np.asarray(array[self.numbers][np.newaxis])
        return np.asarray(array[self.direction, self.numbers])

    def moved(self, axis: int | None) -> int | None:
        """Where an axis behind the rows, or that of rows, is afterwards."""
        return None if axis is None else axis + (1 if self.direction is None else -1)

    def of_blocks(self, counts: Sequence[int]) -> Self:
        """The rows to take of a tensor that has one entry for each block, so many along each axis.

        Entries are for as many of the new rows as have the same one.
        """
        blocks = self.numbers * counts[self.axis] // max(self.of, 1)
        changes = 1 + np.flatnonzero(np.diff(blocks))
        size = int(np.gcd.reduce(np.array([len(blocks), *changes])))
        direction = None if self.direction is None else self.direction * counts[0] // self.directions
        return attrs.evolve(
            self, numbers=blocks[:: max(size, 1)], of=counts[self.axis], direction=direction, directions=counts[0]
        )

    def of_vectors(self, op: LutToDense | LutToSparse) -> Self:
        """The rows to take of the indices of a palette.

        Raises:
            OptcError: slug `not-in-coreml`: a vector of the palette is not taken whole.
        """
        length, axis = op.lut.tensor.static_shape[-1], op.vector_axis
        if axis is None or axis > self.axis:
            return self
        first = self.numbers[::length]
        whole = (first[:, np.newaxis] + np.arange(length)).reshape(-1)
        if axis < self.axis or (first % length).any() or not np.array_equal(whole, self.numbers):
            raise op.refuse(
                "not-in-coreml", "vectors of a palette", "each of one gate and one direction", f"vectors of {length}",
                "choose a length that divides the hidden size, or vectors along the last axis",
            )  # fmt: skip
        return attrs.evolve(self, numbers=first // length, of=self.of // length)


@attrs.frozen(eq=False)
class _Kept:
    """Which of the kept elements of a sparse weight to take, in which order; they are flat."""

    order: Array

    def taken(self, array: Array) -> Array:
        return np.asarray(array[self.order])


def rows_of(weight: Weight, rows: Rows, suffix: str = "") -> Weight:
    """The weight that these rows are, in the form of the whole one, named after it.

    Raises:
        OptcError: slug `not-in-coreml`: its form has none for these rows.
    """
    taking = _Taking({value: op for op in weight.chain for value in op.results}, suffix)
    value = taking.value(weight.value, rows)
    return Weight(f"{weight.name}{suffix}", value, tuple(taking.ops), ())


class _Taking:
    """Ops that make rows of what others make; each is rewritten once, as all its users take the same of it."""

    def __init__(self, defined: dict[Value, Op], suffix: str) -> None:
        self.defined = defined
        self.suffix = suffix
        self.ops: list[Op] = []
        self._made: dict[Value, Value] = {}

    def value(self, value: Value, rows: Rows | _Kept) -> Value:
        if value not in self._made:
            op = self.defined[value]
            self._add(op, self._rewritten(op, rows))
        return self._made[value]

    def optional(self, value: Value | None, rows: Rows) -> Value | None:
        return None if value is None else self.value(value, rows)

    def _add(self, op: Op, new: Op) -> None:
        self.ops.append(new.named(*(f"{value.name}{self.suffix}" if value.name else "" for value in op.results)))
        self._made.update(zip(op.results, self.ops[-1].results, strict=True))

    def _rewritten(self, op: Op, rows: Rows | _Kept) -> Op:
        if isinstance(op, Const):
            return Const(Tensor.of(rows.taken(op.value.array()), op.value.dtype, copy=False))
        if isinstance(op, ConstexprCast):
            return ConstexprCast(self.value(op.x, rows), op.to)
        if isinstance(rows, Rows):
            if isinstance(op, ShiftScale):
                return ShiftScale(self.value(op.data, rows), *self._scales(op, rows))
            if isinstance(op, LutToDense):
                inner = rows.of_vectors(op)
                return LutToDense(self.value(op.indices, inner), self._table(op, inner), rows.moved(op.vector_axis))
            if isinstance(op, SparseToDense):
                return SparseToDense(self.value(op.mask, rows), self._kept(op.mask, op.values, rows))
            if isinstance(op, SparseShiftScale):
                data = self._kept(op.mask, op.data, rows)
                return SparseShiftScale(self.value(op.mask, rows), data, *self._scales(op, rows))
            if isinstance(op, LutToSparse):
                inner = rows.of_vectors(op)
                indices = self._kept(op.mask, op.indices, inner)
                mask, axis = self.value(op.mask, inner), rows.moved(op.vector_axis)
                return LutToSparse(mask, indices, self._table(op, inner), axis)
        raise self._unknown(op)

    def _scales(self, op: ShiftScale | SparseShiftScale, rows: Rows) -> tuple[Value, Value | None]:
        inner = rows.of_blocks(op.scale.tensor.static_shape)
        return self.value(op.scale, inner), self.optional(op.offset, inner)

    def _table(self, op: LutToDense | LutToSparse, rows: Rows) -> Value:
        return self.value(op.lut, rows.of_blocks(op.lut.tensor.static_shape))

    def _kept(self, mask: Value, flat: Value, rows: Rows) -> Value:
        """Of the elements that a mask keeps those of these rows."""
        bits = self._array(mask).astype(np.bool_)
        maker = self.defined[flat]
        if isinstance(maker, LutToSparse | SparseShiftScale):
            if not np.array_equal(bits, self._array(maker.results[0])):
                raise self._unknown(maker)
            return self.value(flat, rows)
        places = scatter(np.arange(np.count_nonzero(bits)), bits)
        return self.value(flat, _Kept(rows.taken(places)[rows.taken(bits)]))

    def _array(self, value: Value) -> Array:
        return expand(chain_of(value, self.defined.__getitem__), value)

    def _unknown(self, op: Op) -> Exception:
        what = "weights of a recurrent layer"
        return op.refuse("not-in-coreml", what, "of a form that can be cut into gates", hint="decompress them")


def stacked(first: Weight, second: Weight) -> Weight | None:
    """The weight of two directions, each `[1, rows, ...]`; None if they are not of the same form.

    Tables and scales that are the same for both are stored once.
    """
    partner: dict[Value, Value] = {}
    for a, b in zip(first.chain, second.chain, strict=False):
        if type(a) is not type(b) or [partner[v] for v in a.operands] != list(b.operands) or not _fit(a, b):
            return None
        partner.update(zip(a.results, b.results, strict=True))
    if len(first.chain) != len(second.chain):
        return None
    other = {value: op for op in second.chain for value in op.results}
    shared = _shared(first.chain, partner, other)
    made: dict[Value, Value] = {}
    ops: list[Op] = []
    for op in first.chain:
        new = op.with_operands(lambda value: made[value]).evolve(results=())
        if isinstance(op, Const) and op.result not in shared:
            arrays = [op.value.array(), _held(other[partner[op.result]]).array()]
            new = Const(Tensor.of(np.concatenate(arrays), op.value.dtype, copy=False))
        ops.append(new.named(*(value.name for value in op.results)))
        made.update(zip(op.results, ops[-1].results, strict=True))
    return Weight(first.name, made[first.value], tuple(ops), ())


def _fit(a: Op, b: Op) -> bool:
    """Whether two ops differ in their constants at most, which can be put one behind the other."""
    if not isinstance(a, Const):
        return a.attribute_values() == b.attribute_values()
    x, y = a.value, _held(b)
    return (x.dtype, x.shape[1:]) == (y.dtype, y.shape[1:])


def _held(op: Op) -> Tensor:
    assert isinstance(op, Const)  # as its partner is
    return op.value


def _shared(chain: Sequence[Op], partner: dict[Value, Value], other: dict[Value, Op]) -> set[Value]:
    """Constants that tables, or scales with their offsets, are made of, where those are the same in both chains."""
    own = {value: op for op in chain for value in op.results}
    found: set[Value] = set()
    for op in chain:
        for names in (("lut",), ("scale", "offset")):
            values = [value for name in names if isinstance(value := getattr(op, name, None), Value)]
            made = [part for value in values for part in chain_of(value, own.__getitem__)]
            parts = [part for part in made if isinstance(part, Const)]
            if all(part.value == _held(other[partner[part.result]]) for part in parts):
                found.update(part.result for part in parts)
    return found
