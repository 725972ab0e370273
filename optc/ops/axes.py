"""Axes as ops take them: counted from 0, from the front."""

from itertools import pairwise

from optc.ir.dims import Dim, Shape
from optc.ir.op import Op


def check_axis(op: Op, axis: int, rank: int, what: str = "axis") -> None:
    """Check that `axis` is one of `rank` axes.

    Raises:
        OptcError: slug `axis`, said of `op`.
    """
    if rank == 0:
        raise op.refuse("axis", f"rank of the operand with an {what}", "at least 1", 0)
    if not 0 <= axis < rank:
        raise op.refuse("axis", what, f"from 0 to {rank - 1}", axis)


def check_axes(op: Op, axes: tuple[int, ...], rank: int) -> None:
    """Check that `axes` are increasing and each one of `rank` axes.

    Raises:
        OptcError: slugs `axis`, `axes-order`, said of `op`.
    """
    for axis in axes:
        check_axis(op, axis, rank, "axis among the axes")
    if any(a >= b for a, b in pairwise(axes)):
        raise op.refuse("axes-order", "axes", "increasing, each named once", list(axes))


def with_axis(shape: Shape, axis: int, size: Dim) -> Shape:
    """`shape` with another size on one axis."""
    return (*shape[:axis], size, *shape[axis + 1 :])


def without_axes(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """`shape` after a reduction over `axes`, which are left as 1 or dropped."""
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def from_front(op: Op, axis: int, rank: int) -> int:
    """A run-time axis, which may count from the back, counted from the front.

    Raises:
        OptcError: slug `axis`, said of `op`.
    """
    if not -rank <= axis < rank:
        raise op.refuse("axis", "axis", f"from {-rank} to {rank - 1}", axis)
    return axis % rank
