"""Indices that ops read from tensors: what they may be, and where they point."""

from typing import Any

import numpy as np

from optc.ir.dims import Shape
from optc.ir.dtypes import Array
from optc.ir.op import Op
from optc.ops.sizes import clash


def from_start(op: Op, indices: Array, size: int) -> Array:
    """Indices of an axis of `size` elements, negative ones (which count from the end) made positive.

    Raises:
        OptcError: slug `index-range`, said of `op`: an index points outside.
    """
    if indices.size and not -size <= int(indices.min()) <= int(indices.max()) < size:
        actual = f"{indices.min()} to {indices.max()}"
        raise op.refuse("index-range", "every index", f"from {-size} to {size - 1}", actual)
    return np.where(indices < 0, indices + size, indices)


def along(op: Op, indices: Array, shape: tuple[int, ...], axis: int) -> tuple[Any, ...]:
    """NumPy index: each element of `indices` replaces, on `axis`, its own position."""
    grid: list[Any] = list(np.indices(indices.shape, sparse=True))
    grid[axis] = from_start(op, indices, shape[axis])
    return tuple(grid)


def tuples(op: Op, indices: Array, shape: tuple[int, ...], batch_dims: int = 0) -> tuple[Any, ...]:
    """NumPy index: each vector along the last axis of `indices` is a position, counted after `batch_dims` axes."""
    outer = indices.shape[:-1]
    grid: list[Any] = list(np.indices(outer, sparse=True))[:batch_dims]
    sizes = shape[batch_dims:]
    return (*grid, *(from_start(op, indices[..., k], sizes[k]) for k in range(indices.shape[-1])))


def check_along(op: Op, x: Shape, indices: Shape, axis: int) -> None:
    """Check that `indices` can stand beside `x`: the same rank, and no larger but on `axis`.

    Raises:
        OptcError: slug `indices-shape`, said of `op`.
    """
    larger = any(isinstance(i, int) and isinstance(d, int) and i > d for i, d in _but(axis, indices, x))
    if len(x) != len(indices) or larger:
        raise op.refuse(
            "indices-shape", "shape of operand indices", f"within {shown(x)} but on axis {axis}", shown(indices)
        )


def check_tuples(op: Op, x: Shape, indices: Shape, batch_dims: int = 0) -> int:
    """The number of coordinates in each vector of `indices`; checks it and the batch dimensions.

    Raises:
        OptcError: slugs `operand-rank`, `batch-dims`, `unknown-rank`, `indices-shape`, said of `op`.
    """
    if not indices or not x:
        raise op.refuse("operand-rank", "ranks of operands x and indices", "at least 1", [len(x), len(indices)])
    if batch_dims >= min(len(x), len(indices)):
        raise op.refuse("batch-dims", "attribute batch_dims", f"below {min(len(x), len(indices))}", batch_dims)
    if any(clash(a, b) for a, b in zip(x[:batch_dims], indices[:batch_dims], strict=True)):
        raise op.refuse("batch-dims", "batch dimensions", shown(x[:batch_dims]), shown(indices[:batch_dims]))
    count = indices[-1]
    if not isinstance(count, int):
        raise op.refuse("unknown-rank", "last size of operand indices", "known", count)
    if not 1 <= count <= len(x) - batch_dims:
        raise op.refuse("indices-shape", "last size of operand indices", f"from 1 to {len(x) - batch_dims}", count)
    return count


def shown(shape: Shape) -> str:
    """A shape as messages show it."""
    return f"[{','.join(map(str, shape))}]"


def _but(axis: int, a: Shape, b: Shape) -> Any:
    return [pair for i, pair in enumerate(zip(a, b, strict=False)) if i != axis]
