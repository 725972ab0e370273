"""Stored weights cut along their first axis, so that a large one is expanded, and compared, a part at a time."""

import math
from collections.abc import Iterator

import attrs
import numpy as np

from optc.ir.dtypes import Array
from optc.numerics.arrays import SLICE
from optc.numerics.distance import Distance, distance_of_parts
from optc.ops.weights import expand
from passes.compress.stored import Body, Codes, Indices, Plain, Stored

Shape = tuple[int, ...]


def apart(reference: Stored, other: Stored, shape: Shape) -> Distance:
    """How far a weight of `shape` that is stored in one form is from what another form expands to."""
    return distance_of_parts(zip(parts(reference, shape, other), parts(other, shape, reference), strict=True))


def parts(stored: Stored, shape: Shape, like: Stored) -> Iterator[Array]:
    """The expanded weight in rows of the first axis, about `SLICE` elements at a time; cut where `like` can be, too."""
    height = math.lcm(_height(stored, shape), _height(like, shape)) if shape else 1
    row = max(1, math.prod(shape[1:]))
    step = height * max(1, SLICE // (row * height))
    if not shape or step >= shape[0]:
        yield _dense(stored)
        return
    before = 0
    for start in range(0, shape[0], step):
        stop = min(start + step, shape[0])
        kept = row * (stop - start) if stored.mask is None else int(np.count_nonzero(stored.mask[start:stop]))
        yield _dense(_rows(stored, shape, slice(start, stop), slice(before, before + kept)))
        before += kept


def _dense(stored: Stored) -> Array:
    if stored.mask is None and isinstance(stored.body, Plain):
        return stored.body.values
    ops = stored.ops("part")
    return np.asarray(expand(ops, ops[-1].results[0]))


def _height(stored: Stored, shape: Shape) -> int:
    """The least number of rows at whose multiples all that is stored can be cut."""
    body = stored.body
    if isinstance(body, Plain):
        return 1
    heights = [shape[0] // count for count in (_scales(body), _tables(body)) if count > 1]
    if isinstance(body, Indices) and body.vector_axis == 0:
        heights.append(body.vector)
    return math.lcm(*heights)


def _scales(body: Codes | Indices) -> int:
    """How many scales there are along the first axis."""
    return 1 if body.scale is None else int(body.scale.shape[0])


def _tables(body: Codes | Indices) -> int:
    return int(body.table_shape[0]) if isinstance(body, Indices) else 1


def _rows(stored: Stored, shape: Shape, rows: slice, kept: slice) -> Stored:
    """The part of a stored weight that makes some rows; `kept` are their places among what a mask keeps."""
    mask = None if stored.mask is None else stored.mask[rows]
    return Stored(stored.dtype, _body(stored.body, shape[0], rows, None if mask is None else kept), mask)


def _body(body: Body, dim: int, rows: slice, kept: slice | None) -> Body:
    if isinstance(body, Plain):
        return Plain(body.values[kept or rows])
    scale, offset = (None if a is None else _share(a, dim, rows) for a in (body.scale, body.offset))
    if isinstance(body, Codes):
        assert scale is not None  # codes have scales
        return attrs.evolve(body, data=body.data[kept or rows], scale=scale, offset=offset)
    by = body.vector if body.vector_axis == 0 else 1
    data = body.data[kept or slice(rows.start // by, rows.stop // by)]
    table = body.table
    if isinstance(table, Codes):
        shift = None if table.offset is None else _share(table.offset, dim, rows)
        cut: Array | Codes = attrs.evolve(
            table, data=_share(table.data, dim, rows), scale=_share(table.scale, dim, rows), offset=shift
        )
    else:
        cut = _share(table, dim, rows)
    return attrs.evolve(body, data=data, table=cut, scale=scale, offset=offset)


def _share(array: Array, dim: int, rows: slice) -> Array:
    """The rows of an array that are for these of the weight's `dim` rows; all of one that has but one."""
    count = array.shape[0]
    return array if count == 1 else array[rows.start * count // dim : rows.stop * count // dim]
