"""Samplers of ops on shapes, and of ops that join, split, repeat, slice and pad."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import strategies as st

from optc.ir.dtypes import NUMERIC, DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops import join as j
from optc.ops import pad as p
from optc.ops import shape as sh
from optc.ops import slice as sl
from optc.testing.source import Sampler, Source

MOVED = (DType.BOOL, *NUMERIC)


def index_vector(s: Source, values: Sequence[int]) -> Value:
    """A constant vector of parameters."""
    return s.constant(np.array(values, np.int64), DType.I64)


def subset(s: Source, rank: int, least: int = 0) -> tuple[int, ...]:
    """At least `least` of the axes, increasing."""
    chosen = s.draw(st.sets(st.sampled_from(range(rank)), min_size=least)) if rank else ()
    return tuple(sorted(chosen))


def size_of(value: Value) -> tuple[int, ...]:
    """The static shape of a value."""
    return value.tensor.static_shape


def cut(s: Source, total: int) -> list[int]:
    """Factors of `total`, at most four."""
    factors = []
    for _ in range(s.integer(0, 3)):
        factors.append(s.choice([d for d in range(1, total + 1) if total % d == 0] if total else [0]))
        total = total // factors[-1] if factors[-1] else 0
    return [*factors, total]


def target_shape(s: Source, own: tuple[int, ...]) -> list[int]:
    """A shape for `reshape`: some leading sizes copied (0), the rest cut anew, one of them left open (-1)."""
    copied = s.integer(0, len(own)) if s.boolean() else 0
    rest = cut(s, math.prod(own[copied:]))
    if s.boolean():
        rest[s.integer(0, len(rest) - 1)] = -1
    return [0] * copied + rest


def _reshape(s: Source) -> Op:
    x = s.some(MOVED)
    own = size_of(x)
    if s.integer(0, 4) == 0:
        return sh.Reshape(x, own, allowzero=True)
    return sh.Reshape(x, tuple(target_shape(s, own)))


def _dynamic_reshape(s: Source) -> Op:
    x = s.some(MOVED)
    return sh.DynamicReshape(x, index_vector(s, target_shape(s, size_of(x))))


def _flatten(s: Source) -> Op:
    x = s.some(MOVED)
    return sh.Flatten(x, s.integer(0, x.tensor.rank))


def with_ones(s: Source) -> tuple[Value, tuple[int, ...]]:
    """A tensor, and some of its axes that are of size 1."""
    shape = [1 if s.boolean() else d for d in s.shape()]
    x = s.value(s.choice(MOVED), shape)
    ones = [i for i, d in enumerate(shape) if d == 1]
    return x, tuple(ones[i] for i in subset(s, len(ones)))


def _squeeze(s: Source) -> Op:
    return sh.Squeeze(*with_ones(s))


def from_either_end(s: Source, axes: Sequence[int], rank: int) -> Value:
    """A constant vector of these axes, counted from the front or from the back."""
    return index_vector(s, [i - rank if s.boolean() else i for i in axes])


def _dynamic_squeeze(s: Source) -> Op:
    x, axes = with_ones(s)
    return sh.DynamicSqueeze(x, from_either_end(s, axes, x.tensor.rank))


def new_axes(s: Source, x: Value) -> list[int]:
    """Up to two axes of a result with so many more dimensions, in any order."""
    count = s.integer(0, 2)
    return list(s.draw(st.permutations(range(x.tensor.rank + count)))[:count])


def _unsqueeze(s: Source) -> Op:
    x = s.some(MOVED, 0, 3)
    return sh.Unsqueeze(x, tuple(sorted(new_axes(s, x))))


def _dynamic_unsqueeze(s: Source) -> Op:
    x = s.some(MOVED, 0, 3)
    axes = new_axes(s, x)
    return sh.DynamicUnsqueeze(x, from_either_end(s, axes, x.tensor.rank + len(axes)))


def _transpose(s: Source) -> Op:
    x = s.some(MOVED)
    return sh.Transpose(x, tuple(s.draw(st.permutations(range(x.tensor.rank)))))


def wider_shape(s: Source, own: tuple[int, ...]) -> tuple[int, ...]:
    """A shape to expand to: more dimensions, ones widened, some sizes left to the operand."""
    inner = [s.integer(1, 3) if d == 1 else s.choice([1, d]) for d in own]
    dropped = s.integer(0, len(own)) if s.boolean() else 0
    return (*s.shape(0, 1, 3), *inner) if not dropped else tuple(inner[dropped:])


def _expand(s: Source) -> Op:
    x = s.value(s.choice(MOVED), [1 if s.boolean() else d for d in s.shape(0, 3)])
    return sh.Expand(x, wider_shape(s, size_of(x)))


def _dynamic_expand(s: Source) -> Op:
    x = s.value(s.choice(MOVED), [1 if s.boolean() else d for d in s.shape(0, 3)])
    return sh.DynamicExpand(x, index_vector(s, wider_shape(s, size_of(x))))


def _shape_of(s: Source) -> Op:
    x = s.some(MOVED)
    start = s.integer(0, x.tensor.rank)
    return sh.ShapeOf(x, start, None if s.boolean() else s.integer(start, x.tensor.rank))


def _concat(s: Source) -> Op:
    first = s.some(MOVED, 1)
    axis = s.integer(0, first.tensor.rank - 1)
    others = []
    for _ in range(s.integer(0, 2)):
        own = list(size_of(first))
        own[axis] = s.integer(1, 4)
        others.append(s.value(first.tensor.dtype, own))
    return j.Concat((first, *others), axis)


def _stack(s: Source) -> Op:
    first = s.some(MOVED)
    others = [s.value(first.tensor.dtype, size_of(first)) for _ in range(s.integer(0, 2))]
    return j.Stack((first, *others), s.integer(0, first.tensor.rank))


def split_sizes(s: Source, size: int) -> list[int]:
    """Sizes of pieces of an axis."""
    ends = sorted(s.integer(0, size) for _ in range(s.integer(0, 2)))
    return [b - a for a, b in zip([0, *ends], [*ends, size], strict=True)]


def _split(s: Source) -> Op:
    x = s.some(MOVED, 1)
    axis = s.integer(0, x.tensor.rank - 1)
    size = size_of(x)[axis]
    if s.boolean():
        return j.Split(x, axis, tuple(split_sizes(s, size)))
    return j.Split(x, axis, parts=s.choice([n for n in range(1, size + 1) if -(-size // n) * (n - 1) <= size]))


def _dynamic_split(s: Source) -> Op:
    x = s.some(MOVED, 1)
    axis = s.integer(0, x.tensor.rank - 1)
    return j.DynamicSplit(x, index_vector(s, split_sizes(s, size_of(x)[axis])), axis)


def repeats(s: Source, x: Value) -> list[int]:
    """Numbers of repeats, few of them above 1."""
    return [1 if s.integer(0, 2) else s.integer(0, 3) for _ in range(x.tensor.rank)]


def _tile(s: Source) -> Op:
    x = s.some(MOVED, 1, 3)
    return j.Tile(x, tuple(repeats(s, x)))


def _dynamic_tile(s: Source) -> Op:
    x = s.some(MOVED, 1, 3)
    return j.DynamicTile(x, index_vector(s, repeats(s, x)))


def slice_rows(s: Source, x: Value) -> tuple[tuple[int, ...], ...]:
    """Starts, ends, axes and steps, bounds from far before to far behind the axis."""
    axes = subset(s, x.tensor.rank)
    starts, ends, steps = [], [], []
    for axis in axes:
        size = size_of(x)[axis]
        step = s.choice([1, 1, 2, 3, -1, -2])
        # Runtimes take the largest end as "all the way" even backwards, against the standard: not drawn.
        far = (2**31 - 1, 2**63 - 1) if step > 0 else (-(2**31), -(2**63))
        starts.append(s.choice((-(2**31), 2**31 - 1)) if s.integer(0, 5) == 0 else s.integer(-size - 1, size + 1))
        ends.append(s.choice(far) if s.boolean() else s.integer(-size - 1, size + 1))
        steps.append(step)
    return tuple(starts), tuple(ends), axes, tuple(steps)


def _slice(s: Source) -> Op:
    x = s.some(MOVED, 1)
    return sl.Slice(x, *slice_rows(s, x))


def _dynamic_slice(s: Source) -> Op:
    x = s.some(MOVED, 1)
    starts, ends, axes, steps = slice_rows(s, x)
    backwards = any(step != 1 for step in steps) or s.boolean()
    return sl.DynamicSlice(
        x, index_vector(s, starts), index_vector(s, ends), axes, index_vector(s, steps) if backwards else None
    )


def pad_amounts(s: Source, mode: str, size: int) -> tuple[int, int]:
    """How much to add before and after an axis of `size` elements."""
    if mode == "constant" and s.integer(0, 3) == 0:
        return -s.integer(0, size - 1), s.integer(0, 2)
    most = {"reflect": size - 1, "wrap": size}.get(mode, 2)
    return s.integer(0, min(2, most)), s.integer(0, min(2, most))


def pad_value(s: Source, x: Value, mode: str) -> Value | None:
    """The value to pad with, if any."""
    return s.value(x.tensor.dtype, s.choice([(), (1,)])) if mode == "constant" and s.boolean() else None


def _pad(s: Source) -> Op:
    x, mode = s.some(MOVED, 1), s.choice(p.MODES)
    amounts = [pad_amounts(s, mode, d) for d in size_of(x)]
    pads = (*(b for b, _ in amounts), *(e for _, e in amounts))
    return p.Pad(x, pads, pad_value(s, x, mode), mode)


def _dynamic_pad(s: Source) -> Op:
    x, mode = s.some(MOVED, 1), s.choice(p.MODES)
    axes = subset(s, x.tensor.rank, 1)
    amounts = [pad_amounts(s, mode, size_of(x)[i]) for i in axes]
    pads = index_vector(s, [*(b for b, _ in amounts), *(e for _, e in amounts)])
    return p.DynamicPad(x, pads, axes, pad_value(s, x, mode), mode)


SAMPLERS: Mapping[type[Op], Sampler] = {
    sh.Reshape: _reshape,
    sh.Flatten: _flatten,
    sh.Squeeze: _squeeze,
    sh.Unsqueeze: _unsqueeze,
    sh.Transpose: _transpose,
    sh.Expand: _expand,
    sh.ShapeOf: _shape_of,
    sh.Size: lambda s: sh.Size(s.some(MOVED)),
    sh.DynamicReshape: _dynamic_reshape,
    sh.DynamicSqueeze: _dynamic_squeeze,
    sh.DynamicUnsqueeze: _dynamic_unsqueeze,
    sh.DynamicExpand: _dynamic_expand,
    j.Concat: _concat,
    j.Stack: _stack,
    j.Split: _split,
    j.DynamicSplit: _dynamic_split,
    j.Tile: _tile,
    j.DynamicTile: _dynamic_tile,
    sl.Slice: _slice,
    sl.DynamicSlice: _dynamic_slice,
    p.Pad: _pad,
    p.DynamicPad: _dynamic_pad,
}
