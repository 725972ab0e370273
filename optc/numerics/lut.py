"""Lookup tables: the dense tensor that palette indices stand for (Core ML's `constexpr_lut_to_dense` of iOS 18)."""

import math
from types import ModuleType

import numpy as np

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.arrays import SLICE, Array


def lut_shape(indices_shape: tuple[int, ...], lut: tuple[int, ...], vector_axis: int | None = None) -> tuple[int, ...]:
    """The shape of `lut_to_dense`, from the shapes of its operands.

    Raises:
        OptcError: the shapes do not go together, or `vector_axis` is missing or out of range.
    """
    rank = len(indices_shape)
    if len(lut) != rank + 2:
        raise OptcError("lut-rank", "lookup table", "rank", f"{rank + 2} (that of the indices plus 2)", len(lut))
    for axis, (dim, groups) in enumerate(zip(indices_shape, lut[:rank], strict=True)):
        if groups < 1 or dim % groups:
            raise OptcError("lut-groups", "lookup table", f"groups of axis {axis}", f"a divisor of {dim}", groups)
    if min(lut[rank:]) < 1:
        raise OptcError("lut-entries", "lookup table", "entries and vector length", "at least 1", list(lut[rank:]))
    vector = lut[-1]
    if vector == 1:
        return indices_shape
    if vector_axis is None or not -rank <= vector_axis < rank:
        raise OptcError(
            "vector-axis", "lookup table of vectors", "vector axis", f"from {-rank} to {rank - 1}", vector_axis
        )
    axis = vector_axis % rank
    return (*indices_shape[:axis], indices_shape[axis] * vector, *indices_shape[axis + 1 :])


def lut_to_dense(indices: Array, lut: Array, vector_axis: int | None = None) -> Array:
    """Expand indices through their tables.

    Args:
        indices: unsigned integers of rank K (sub-byte ones unpacked), each below the number of entries.
        lut: `[g0, ..., gK-1, entries, vector]`: axis `a` of the indices is cut into `ga` equal groups, and each
            combination of groups has its own table of `entries` vectors of length `vector`.
        vector_axis: the axis of the result along which vectors are laid out; needed if `vector` is over 1.

    Returns:
        A new array of the dtype of `lut`; its shape is that of the indices, the vector axis `vector` times as long.

    Raises:
        OptcError: shapes do not go together, or an index is out of range.
    """
    shape = lut_shape(indices.shape, lut.shape, vector_axis)
    entries, vector = lut.shape[-2:]
    if indices.size and int(indices.max()) >= entries:
        raise OptcError("index-out-of-range", "lookup", "every index", f"below {entries}", int(indices.max()))
    if native.kernels is not None and indices.dtype == np.uint8 and indices.size:
        return _looked_up(native.kernels, indices, lut, vector_axis, shape)
    table = lut.reshape(-1, vector) if vector > 1 else lut.reshape(-1)
    dense = np.empty((*indices.shape, vector) if vector > 1 else indices.shape, lut.dtype)
    row_size = max(1, indices.size // max(1, indices.shape[0])) if indices.ndim else 1
    step = max(1, SLICE // row_size)  # in rows of the first axis, so that wide row numbers stay few
    for start in range(0, indices.shape[0] if indices.ndim else 1, step):
        rows = slice(start, start + step) if indices.ndim else ()
        at = indices[rows]
        if table.shape[0] > entries:
            at = at + entries * _group_numbers(indices.shape, lut.shape[:-2], start, start + step)
        dense[rows] = table.take(at, axis=0)
    if vector == 1:
        return dense.reshape(shape)
    axis = (vector_axis or 0) % indices.ndim
    return np.ascontiguousarray(np.moveaxis(dense, -1, axis + 1)).reshape(shape)


def _looked_up(
    kernels: ModuleType, indices: Array, lut: Array, vector_axis: int | None, shape: tuple[int, ...]
) -> Array:
    """`lut_to_dense` compiled. All indices of a run, which lie one after another, share a table."""
    groups, (entries, vector) = lut.shape[:-2], lut.shape[-2:]
    axis = max((a for a, count in enumerate(groups) if count > 1), default=0)
    run = math.prod(indices.shape[axis:]) // (groups[axis] if groups else 1)
    heads = (*indices.shape[:axis], *groups[axis : axis + 1])
    bases = np.broadcast_to(_group_numbers(heads, groups[: axis + 1], 0, heads[0] if heads else 1), heads) * entries
    inner = indices.size if vector == 1 else math.prod(indices.shape[(vector_axis or 0) % indices.ndim + 1 :])
    dense = np.empty(shape, lut.dtype)
    size = lut.dtype.itemsize
    word = np.dtype(f"u{size}")
    kernels.look_up(
        size, np.ascontiguousarray(indices), inner, run, np.ascontiguousarray(bases, np.int64),
        np.ascontiguousarray(lut).view(word), vector, dense.view(word),
    )  # fmt: skip
    return dense


def _group_numbers(shape: tuple[int, ...], groups: tuple[int, ...], start: int, stop: int) -> Array:
    """Row-major group number of each element of rows `start` to `stop - 1`, as an array that broadcasts to them."""
    number = np.zeros((1,) * len(shape), np.int64)
    for axis, (dim, count) in enumerate(zip(shape, groups, strict=True)):
        if count == 1:
            continue  # the number stays small
        place = np.arange(dim)[start:stop] if axis == 0 else np.arange(dim)
        stride = math.prod(groups[axis + 1 :])
        along = place // max(1, dim // count) * stride
        number = number + along.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return number
