"""Palettes of groups: a tensor is cut into blocks along its axes, and each block has a table of its own.

Groups are said as Core ML says them: how many there are along each axis, each number a divisor of the dimension. A
table has the shape `[g0, ..., gK-1, entries, vector]`, see `optc.numerics.lut`.
"""

import math
from collections.abc import Callable, Iterator

import attrs
import numpy as np

from optc.errors import OptcError
from optc.numerics.arrays import Array
from optc.numerics.finite import all_finite
from optc.numerics.palette import Palette, assign_to_palette
from optc.numerics.partition import Rounding
from optc.numerics.vector_palette import VectorPalette

Shape = tuple[int, ...]
Choose = Callable[[Array, Array | None], Palette]
"""Finds the palette of one group, from its values and their weights."""
ChooseVectors = Callable[[Array, Array | None], VectorPalette]
"""Finds the palette of one group, from its vectors `[n, d]` and the weights of their components."""


@attrs.frozen(eq=False)
class Palettized:
    """A tensor as indices into tables.

    Attributes:
        indices: `uint8`, of the tensor's shape; of vectors, the axis along which they lie is shorter by their length.
        table: `float64[g0, ..., gK-1, 2**bits, vector]`; entries that are not needed repeat the last one.
    """

    indices: Array
    table: Array


@attrs.frozen
class CodedTable:
    """How a table is stored as integers: entry = `scale * (code - offset)`.

    Attributes:
        scale: positive.
        offset: the code that stands for 0.
        low, high: the least and greatest code.
    """

    scale: float
    offset: int
    low: int
    high: int

    @classmethod
    def of(cls, values: Array, kind: str, dtype: np.dtype[np.generic]) -> "CodedTable":
        """The finest table of `int8` (symmetric) or `uint8` codes that reaches all values; its scale fits `dtype`.

        Raises:
            OptcError: a value is NaN or infinite (`not-finite`).
        """
        if not all_finite(values):
            raise OptcError("not-finite", "table of codes", "every value", "finite", "NaN or infinity")
        least, greatest = min(0.0, float(values.min(initial=0))), max(0.0, float(values.max(initial=0)))
        if kind == "int8":
            return cls(_scale(max(greatest, -least) / 127, dtype), 0, -127, 127)
        scale = _scale(greatest / 255 - least / 255, dtype)
        return cls(scale, min(255, math.ceil(-least / scale)), 0, 255)

    @property
    def rounding(self) -> Rounding:
        """The numbers that such a table can hold."""
        return Rounding(0, self.scale, float(self.low - self.offset), float(self.high - self.offset))

    def codes(self, table: Array) -> Array:
        """The codes of entries that can be held, as `float64`."""
        return np.rint(table / self.scale) + self.offset


def _scale(wanted: float, dtype: np.dtype[np.generic]) -> float:
    """The least positive number of `dtype` that is at least as great; 1 for 0."""
    if wanted == 0:
        return 1.0
    near = np.asarray(wanted, dtype)
    if float(near) < wanted:
        near = np.nextafter(near, np.asarray(np.inf, dtype))
    return float(near)


def check_groups(shape: Shape, groups: Shape) -> None:
    """Check that groups cut a tensor evenly.

    Raises:
        OptcError: slugs `group-rank`, `group-count`.
    """
    if len(groups) != len(shape):
        raise OptcError("group-rank", "palette", "groups", f"one number for each of {len(shape)} axes", len(groups))
    for axis, (dim, count) in enumerate(zip(shape, groups, strict=True)):
        if count < 1 or dim % count:
            raise OptcError("group-count", "palette", f"groups of axis {axis}", f"a divisor of {dim}", count)


def blocks_of(shape: Shape, groups: Shape) -> Iterator[tuple[Shape, tuple[slice, ...]]]:
    """Each group's number along the axes, and where it is, in row-major order."""
    sizes = [dim // count for dim, count in zip(shape, groups, strict=True)]
    for number in np.ndindex(groups):
        yield number, tuple(slice(at * size, (at + 1) * size) for at, size in zip(number, sizes, strict=True))


def palettize(
    values: Array,
    bits: int,
    groups: Shape,
    choose: Choose,
    weights: Array | None = None,
    mask: Array | None = None,
) -> Palettized:
    """Give each group the palette that `choose` finds for it, and each value its nearest entry.

    Args:
        values: real numbers of any shape.
        bits: 1 to 8; palettes have at most `2**bits` entries.
        groups: how many there are along each axis.
        choose: see `Choose`; for example `lambda values, weights: kmeans_1d(values, 16, weights)`.
        weights: non-negative, of the same shape; they are handed to `choose`.
        mask: booleans of the same shape; `choose` is asked about the true elements only, which may be none.

    Raises:
        OptcError: what `check_groups`, `choose` and `assign` refuse.
    """
    check_groups(values.shape, groups)
    size = 1 << bits
    table = np.empty((*groups, size), np.float64)
    if math.prod(groups) == 1 and mask is None:
        found = choose(values, weights)
        table[...] = _padded(found.centres, size)
        return Palettized(assign_to_palette(values, found), table[..., np.newaxis])
    indices = np.empty(values.shape, np.uint8)
    for number, place in blocks_of(values.shape, groups):
        part = np.ascontiguousarray(values[place])
        kept = ... if mask is None else mask[place]
        found = choose(part[kept], None if weights is None else np.ascontiguousarray(weights[place])[kept])
        table[number] = _padded(found.centres, size)
        indices[place] = assign_to_palette(part, found)
    return Palettized(indices, table[..., np.newaxis])


def _padded(centres: Array, size: int) -> Array:
    """A table of `size` entries, of which those that are not needed repeat the last one."""
    table = np.empty((size, *centres.shape[1:]))
    table[: len(centres)] = centres
    table[len(centres) :] = centres[-1]
    return table


def palettize_vectors(
    values: Array,
    bits: int,
    groups: Shape,
    vector: tuple[int, int],
    choose: ChooseVectors,
    weights: Array | None = None,
) -> Palettized:
    """Give each group the palette of vectors that `choose` finds for it.

    Args:
        values: real numbers of any shape.
        bits: 1 to 8; palettes have at most `2**bits` entries.
        groups: how many there are along each axis; a group has whole vectors only.
        vector: the axis along which vectors lie, and how long they are, a divisor of the dimension.
        choose: see `ChooseVectors`; for example `lambda vectors, weights: kmeans_vectors(vectors, 16, weights)`.
        weights: non-negative, of the same shape; they are handed to `choose`.

    Raises:
        OptcError: what `check_groups` and `choose` refuse.
    """
    axis, length = vector
    vectors = _vectors(values, axis, length)
    loads = None if weights is None else _vectors(weights, axis, length)
    shape = vectors.shape[:-1]
    check_groups(shape, groups)
    indices = np.empty(shape, np.uint8)
    table = np.empty((*groups, 1 << bits, length), np.float64)
    for number, place in blocks_of(shape, groups):
        part = vectors[place]
        load = None if loads is None else np.ascontiguousarray(loads[place]).reshape(-1, length)
        found = choose(np.ascontiguousarray(part).reshape(-1, length), load)
        table[number] = _padded(found.centres, 1 << bits)
        indices[place] = found.codes.reshape(part.shape[:-1])
    return Palettized(indices, table)


def _vectors(values: Array, axis: int, length: int) -> Array:
    """A view with vectors along the last axis."""
    shape = values.shape
    cut = values.reshape(*shape[:axis], shape[axis] // length, length, *shape[axis + 1 :])
    return np.moveaxis(cut, axis + 1, -1)
