"""Tensors cut into equal blocks, taken as rows: a row is one block, whatever axes it runs along."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from optc.numerics.arrays import SLICE, Array


def by_block(array: Array, counts: tuple[int, ...]) -> Array:
    """A view `[count of each axis..., size of a block along each axis...]`; each count divides its dimension."""
    pairs = [(count, dim // count) for dim, count in zip(array.shape, counts, strict=True)]
    cut = array.reshape([size for pair in pairs for size in pair])
    return cut.transpose(*range(0, cut.ndim, 2), *range(1, cut.ndim, 2))


def side_by_side(shape: tuple[int, ...], counts: tuple[int, ...]) -> int:
    """How many blocks of one element in a row lie side by side, with the next elements of all in the row after it.

    1 where blocks are not of that form.
    """
    axis = len(shape)
    while axis and counts[axis - 1] == shape[axis - 1]:
        axis -= 1
    divided = [place for place in range(axis) if counts[place] != shape[place]]
    whole = all(counts[place] == 1 for place in range(divided[0] + 1, axis)) if divided else True
    return math.prod(shape[axis:]) if whole else 1


def spread(values: Array, shape: tuple[int, ...]) -> Array:
    """Values of blocks, `[count of each axis...]`, for each element of a tensor of `shape`."""
    for axis, (dim, count) in enumerate(zip(shape, values.shape, strict=True)):
        values = np.repeat(values, dim // count, axis)
    return values


def batches(counts: tuple[int, ...], size: int) -> Iterator[tuple[Any, slice]]:
    """Places of whole blocks in `by_block`, of about `SLICE` elements together, and which they are in row-major order.

    A block that is larger is a batch of its own.
    """
    room = max(1, SLICE // max(1, size))
    axis, whole = len(counts), 1  # trailing axes that fit into a batch as they are
    while axis and whole * counts[axis - 1] <= room:
        axis -= 1
        whole *= counts[axis]
    if not axis:
        yield ..., slice(0, whole)
        return
    count, step = counts[axis - 1], room // whole
    for lead, place in enumerate(np.ndindex(*counts[: axis - 1])):
        for start in range(0, count, step):
            first, last = lead * count + start, lead * count + min(start + step, count)
            yield (*place, slice(start, start + step), ...), slice(first * whole, last * whole)


def rows(cut: Array, place: Any, size: int) -> Array:
    """A batch of blocks of `size` elements, C-contiguous `[blocks, size]`: a view if it can be."""
    return np.ascontiguousarray(cut[place]).reshape(-1, size)


@contextmanager
def filled(cut: Array, place: Any, size: int) -> Iterator[Array]:
    """Rows to write a batch into, which may lie in the tensor itself or be copied there afterwards."""
    part = cut[place]
    if part.flags.c_contiguous:
        yield part.reshape(-1, size)
        return
    made = np.empty((part.size // size, size), cut.dtype)
    yield made
    part[...] = made.reshape(part.shape)
