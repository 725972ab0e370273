"""Samplers of gathers, scatters, resizes, rearrangements, and of ops that make tensors from little."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optc.ir.dtypes import FLOATS, INDEX, NUMERIC, Array, DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops import create as c
from optc.ops import gather as g
from optc.ops import scatter as sc
from optc.ops.resample import POSITIONS, ROUNDINGS
from optc.ops.resize import MODES, DynamicResize, Resize
from optc.ops.space import DepthToSpace, SpaceToDepth
from optc.testing.samplers.shape import MOVED, index_vector, size_of
from optc.testing.source import Sampler, Source


def indices(s: Source, shape: Sequence[int], size: int) -> Value:
    """Constant indices into an axis of `size` elements, some of them negative."""
    dtype = s.choice(INDEX)
    return s.constant(np.random.default_rng(s.seed()).integers(-size, size, shape), dtype)


def _gather(s: Source) -> Op:
    x = s.some(MOVED, 1, 3)
    axis = s.integer(0, x.tensor.rank - 1)
    return g.Gather(x, indices(s, s.shape(0, 2, 3), size_of(x)[axis]), axis)


def within(s: Source, own: Sequence[int], axis: int, most: int) -> list[int]:
    """A shape no larger than `own`, and up to `most` on `axis`."""
    return [s.integer(1, most if i == axis else d) for i, d in enumerate(own)]


def _gather_elements(s: Source) -> Op:
    x = s.some(MOVED, 1, 3)
    axis = s.integer(0, x.tensor.rank - 1)
    return g.GatherElements(x, indices(s, within(s, size_of(x), axis, 5), size_of(x)[axis]), axis)


def positions(s: Source, outer: Sequence[int], sizes: Sequence[int]) -> Value:
    """Constant vectors of positions in axes of these sizes."""
    rng = np.random.default_rng(s.seed())
    columns = [rng.integers(-size, size, tuple(outer)) for size in sizes]
    return s.constant(np.stack(columns, -1), DType.I64)


def _gather_nd(s: Source) -> Op:
    x = s.some(MOVED, 1, 4)
    own = size_of(x)
    batch = s.integer(0, len(own) - 1)
    count = s.integer(1, len(own) - batch)
    outer = (*own[:batch], *s.shape(0, 2, 3))
    return g.GatherND(x, positions(s, outer, own[batch : batch + count]), batch)


def reduction(s: Source, dtype: DType) -> str:
    """How updates are combined: bool has no arithmetic, and runtimes refuse that of 16-bit floats as they run."""
    return s.choice(sc.REDUCTIONS) if dtype in NUMERIC and (dtype not in FLOATS or dtype.bits > 16) else "none"


def distinct_along(s: Source, shape: Sequence[int], axis: int, size: int) -> Array:
    """Indices that do not repeat along `axis`, so that no update overwrites another."""
    rng = np.random.default_rng(s.seed())
    moved = [d for i, d in enumerate(shape) if i != axis]
    rows = [rng.permutation(size)[: shape[axis]] for _ in range(math.prod(moved))]
    return np.moveaxis(np.array(rows).reshape(*moved, shape[axis]), -1, axis)


def _scatter_elements(s: Source) -> Op:
    x = s.some(MOVED, 1, 3)
    own, kind = size_of(x), x.tensor.dtype
    axis, how = s.integer(0, len(own) - 1), reduction(s, x.tensor.dtype)
    shape = within(s, own, axis, own[axis] if how == "none" else 5)
    if how == "none":
        places = s.constant(distinct_along(s, shape, axis, own[axis]), s.choice(INDEX))
    else:
        places = indices(s, shape, own[axis])
    return sc.ScatterElements(x, places, s.value(kind, shape), how, axis)


def _scatter_nd(s: Source) -> Op:
    x = s.some(MOVED, 1, 3)
    own, kind = size_of(x), x.tensor.dtype
    count, how = s.integer(1, len(own)), reduction(s, x.tensor.dtype)
    if how == "none":
        total = math.prod(own[:count])
        chosen = np.random.default_rng(s.seed()).permutation(total)[: s.integer(1, total)]
        places = s.constant(np.stack(np.unravel_index(chosen, own[:count]), -1), DType.I64)
    else:
        places = positions(s, s.shape(0, 2, 3), own[:count])
    return sc.ScatterND(x, places, s.value(kind, (*size_of(places)[:-1], *own[count:])), how)


def image(s: Source, dtypes: Sequence[DType]) -> tuple[Value, tuple[int, ...]]:
    """A batch of images or of volumes, and the axes of their planes."""
    x = s.some(dtypes, 4, 4)
    return x, (2, 3)


def resize_fields(s: Source) -> tuple[Value, tuple[int, ...], dict[str, Any]]:
    """Operand, axes, and attributes but sizes and scales."""
    mode = s.choice(MODES)
    x, axes = image(s, NUMERIC if mode == "nearest" else FLOATS)
    named: dict[str, Any] = {"mode": mode, "coordinates": s.choice(tuple(POSITIONS))}
    if mode == "nearest":
        named["rounding"] = s.choice(tuple(ROUNDINGS))
    if mode == "cubic":
        named |= {"cubic_coeff_a": s.choice([-0.75, -0.5]), "exclude_outside": s.boolean()}
    return x, axes, named


def scales_of(s: Source, x: Value, axes: Sequence[int]) -> tuple[float, ...]:
    """Scales that leave at least one element."""
    return tuple(s.choice([v for v in (0.25, 0.5, 0.75, 1.5, 2.0, 2.5) if v * size_of(x)[i] >= 1]) for i in axes)


def _resize(s: Source) -> Op:
    x, axes, named = resize_fields(s)
    if s.boolean():
        return Resize(x, axes, scales=scales_of(s, x, axes), **named)
    return Resize(x, axes, tuple(s.integer(1, 8) for _ in axes), **named)


def _dynamic_resize(s: Source) -> Op:
    x, axes, named = resize_fields(s)
    own = size_of(x)
    everywhere = tuple(range(len(own)))
    if s.integer(0, 3) == 0:
        return DynamicResize(x, axes, index_vector(s, [s.integer(1, 8) for _ in axes]), **named)
    if s.boolean():
        scales = (1.0, 1.0, *scales_of(s, x, axes))
        return DynamicResize(x, everywhere, scales=s.constant(np.array(scales, np.float32)), **named)
    sizes = (*own[:2], *(s.integer(1, 8) for _ in axes))
    return DynamicResize(x, everywhere, index_vector(s, sizes), **named)


def _depth_to_space(s: Source) -> Op:
    b = s.integer(1, 3)
    n, c_, h, w = s.integer(1, 2), s.integer(1, 2), s.integer(1, 3), s.integer(1, 3)
    return DepthToSpace(s.value(s.choice(MOVED), (n, c_ * b * b, h, w)), b, s.choice(("DCR", "CRD")))


def _space_to_depth(s: Source) -> Op:
    b = s.integer(1, 3)
    n, c_, h, w = s.integer(1, 2), s.integer(1, 2), s.integer(1, 3), s.integer(1, 3)
    return SpaceToDepth(s.value(s.choice(MOVED), (n, c_, h * b, w * b)), b)


def _range(s: Source) -> Op:
    count, step, dtype = s.integer(0, 9), s.integer(-3, 3), s.choice(NUMERIC)
    least = 0 if dtype.is_signed else 27
    return c.Range(count, s.integer(least, 40), step, dtype)


def _dynamic_range(s: Source) -> Op:
    dtype = s.choice(c.COUNTED)
    step = s.choice([-3, -2, -1, 1, 2, 3])
    bounds = np.array([s.integer(-9, 9), s.integer(-9, 9), step])
    if dtype.is_float and s.boolean():
        bounds = bounds / 4
    return c.DynamicRange(*(s.constant(v.astype(dtype.numpy), dtype) for v in bounds))


def element(s: Source) -> Tensor:
    """A tensor of one element."""
    dtype = s.choice(MOVED)
    return Tensor.of(s.array(dtype, s.choice([(), (1,)])), dtype)


def _fill(s: Source) -> Op:
    return c.Fill(s.shape(least=0), element(s))


def _dynamic_fill(s: Source) -> Op:
    return c.DynamicFill(index_vector(s, s.shape(least=0)), element(s))


def one_hot_indices(s: Source, depth: int) -> Value:
    """Indices inside and outside the depth."""
    shape = s.shape(1, 3, 4)
    rng = np.random.default_rng(s.seed())
    return s.constant(rng.integers(-depth - 2, depth + 2, shape), s.choice(INDEX))


def off_and_on(s: Source) -> Value:
    """The two values of one-hot vectors, mostly of the types that networks use."""
    return s.value(s.choice((DType.F32, DType.I64)) if s.integer(0, 3) else s.choice(MOVED), (2,))


def _one_hot(s: Source) -> Op:
    depth = s.integer(1, 5)
    picked = one_hot_indices(s, depth)
    return c.OneHot(picked, off_and_on(s), depth, s.integer(0, picked.tensor.rank))


def _dynamic_one_hot(s: Source) -> Op:
    depth = s.integer(1, 5)
    picked = one_hot_indices(s, depth)
    size = s.constant(np.array(depth).reshape(s.choice([(), (1,)])), DType.I64)
    return c.DynamicOneHot(picked, size, off_and_on(s), s.integer(0, picked.tensor.rank))


def _eye_like(s: Source) -> Op:
    x = s.some(MOVED, 2, 2)
    return c.EyeLike(x, s.integer(-3, 3), None if s.boolean() else s.choice(MOVED))


def _trilu(s: Source) -> Op:
    return c.Trilu(s.some(MOVED, 2), s.boolean(), s.integer(-6, 6))


def _dynamic_trilu(s: Source) -> Op:
    return c.DynamicTrilu(s.some(MOVED, 2), s.constant(np.array(s.integer(-6, 6)), DType.I64), s.boolean())


def _reverse_sequence(s: Source) -> Op:
    x = s.some(MOVED, 2)
    batch = s.integer(0, 1)
    own = size_of(x)
    lengths = np.random.default_rng(s.seed()).integers(1, own[1 - batch] + 1, own[batch])
    return c.ReverseSequence(x, s.constant(lengths, DType.I64), batch, 1 - batch)


def _nonzero(s: Source) -> Op:
    return c.NonZero(s.some(MOVED, 1))


SAMPLERS: Mapping[type[Op], Sampler] = {
    g.Gather: _gather,
    g.GatherElements: _gather_elements,
    g.GatherND: _gather_nd,
    sc.ScatterElements: _scatter_elements,
    sc.ScatterND: _scatter_nd,
    Resize: _resize,
    DynamicResize: _dynamic_resize,
    DepthToSpace: _depth_to_space,
    SpaceToDepth: _space_to_depth,
    c.Range: _range,
    c.DynamicRange: _dynamic_range,
    c.Fill: _fill,
    c.DynamicFill: _dynamic_fill,
    c.OneHot: _one_hot,
    c.DynamicOneHot: _dynamic_one_hot,
    c.EyeLike: _eye_like,
    c.Trilu: _trilu,
    c.DynamicTrilu: _dynamic_trilu,
    c.NonZero: _nonzero,
    c.ReverseSequence: _reverse_sequence,
}
