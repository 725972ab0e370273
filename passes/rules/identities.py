"""Ops that do nothing, and chains of which one link is enough."""

from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import DType
from optc.ops.cast import Cast
from optc.ops.clip import Clip
from optc.ops.join import Concat, Split, Tile
from optc.ops.pad import Pad
from optc.ops.shape import Expand, Flatten, Reshape, Reshaping, Squeeze, Transpose, Unsqueeze
from optc.ops.slice import BEYOND, Slice
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import broadcasts_into, in_place_of, standing_for
from passes.rules.reshaping import reshape_to

_WIDER: dict[DType, tuple[DType, ...]] = {
    DType.F8E4M3: (DType.F16, DType.BF16, DType.F32, DType.F64),
    DType.F8E5M2: (DType.F16, DType.BF16, DType.F32, DType.F64),
    DType.F16: (DType.F32, DType.F64),
    DType.BF16: (DType.F32, DType.F64),
    DType.F32: (DType.F64,),
}
"""For each float type, the float types that have all its values."""


def _within(a: DType, b: DType) -> bool:
    return b.is_integer and b.integer_range[0] <= a.integer_range[0] and a.integer_range[1] <= b.integer_range[1]


def keeps(a: DType, b: DType, to: DType) -> bool:
    """Whether a cast from `a` to `to` by way of `b` gives what the direct cast gives, for every value.

    Integers wrap where floats saturate, so the way may not lead from integers through floats, unless `to` has them all.
    """
    if a is DType.BOOL:
        return True
    if a.is_integer:
        return _within(a, b) or (_exact_in_float(a, b) and (to is DType.BOOL or _within(a, to)))
    return b in _WIDER.get(a, ())


def _exact_in_float(a: DType, b: DType) -> bool:
    digits = {DType.BF16: 8, DType.F16: 11, DType.F32: 24, DType.F64: 53}.get(b)
    return digits is not None and max(a.integer_range[1], -a.integer_range[0]) <= 1 << digits


def _cast_to_same(op: Cast, match: Match) -> Replacement:
    if op.x.tensor.dtype is not op.to or (op.to is DType.F8E5M2 and op.saturate):
        return None  # saturation takes the infinities of that type away
    return standing_for(op, op.x)


def _cast_of_cast(op: Cast, match: Match) -> Replacement:
    inner = match.definition(op.x)
    if not isinstance(inner, Cast) or not keeps(inner.x.tensor.dtype, inner.to, op.to):
        return None
    return in_place_of(op, Cast(inner.x, op.to, op.saturate))


def _same_shape(op: Reshaping) -> bool:
    """Whether a reshape surely gives the shape that it is given."""
    own, shape = op.x.tensor.shape, op.result.tensor.shape
    if isinstance(op, Squeeze | Unsqueeze) and not op.axes:
        return True
    if isinstance(op, Flatten):
        return len(own) == 2 and op.axis == 1
    if own != shape:
        return False
    if isinstance(op, Reshape) and not op.allowzero and len(op.shape) - op.shape.count(0) <= 1:
        return True
    known = [dim for dim in own if dim != UNKNOWN]
    open_sizes = len(own) - len(known)
    return open_sizes == 0 or (open_sizes == 1 and all(isinstance(dim, int) and dim > 0 for dim in known))


def _reshape_to_same(op: Reshaping, match: Match) -> Replacement:
    return standing_for(op, op.x) if _same_shape(op) else None


def _reshape_of_reshape(op: Reshaping, match: Match) -> Replacement:
    inner = match.definition(op.x)
    if not isinstance(inner, Reshaping):
        return None
    made = reshape_to(inner.x, op.result.tensor.shape)
    return None if made is None else in_place_of(op, made)


def _transpose_to_same(op: Transpose, match: Match) -> Replacement:
    return standing_for(op, op.x) if op.perm == tuple(range(len(op.perm))) else None


def _transpose_of_transpose(op: Transpose, match: Match) -> Replacement:
    inner = match.definition(op.x)
    if not isinstance(inner, Transpose):
        return None
    return in_place_of(op, Transpose(inner.x, tuple(inner.perm[i] for i in op.perm)))


def _expand_to_same(op: Expand, match: Match) -> Replacement:
    return standing_for(op, op.x) if broadcasts_into(op.shape, op.x.tensor.shape) else None


def _takes_all(dim: Dim, start: int, end: int, step: int) -> bool:
    if isinstance(dim, int):
        return range(*slice(start, end, step).indices(dim)) == range(dim)
    return start == 0 and end >= BEYOND and step == 1


def _slice_of_all(op: Slice, match: Match) -> Replacement:
    shape = op.x.tensor.shape
    rows = zip(op.axes, op.starts, op.ends, op.steps, strict=True)
    return standing_for(op, op.x) if all(_takes_all(shape[axis], *bounds) for axis, *bounds in rows) else None


def _pad_by_nothing(op: Pad, match: Match) -> Replacement:
    return None if any(op.pads) else standing_for(op, op.x)


def _concat_of_one(op: Concat, match: Match) -> Replacement:
    return standing_for(op, op.xs[0]) if len(op.xs) == 1 else None


def _split_in_one(op: Split, match: Match) -> Replacement:
    return standing_for(op, op.x) if len(op.results) == 1 else None


def _tile_once(op: Tile, match: Match) -> Replacement:
    return standing_for(op, op.x) if set(op.repeats) <= {1} else None


def _clip_by_nothing(op: Clip, match: Match) -> Replacement:
    return standing_for(op, op.x) if op == Clip(op.x) else None


IDENTITIES = (
    Rule("cast-to-same", (Cast,), _cast_to_same, "cast(x) to the type of x -> x"),
    Rule("cast-of-cast", (Cast,), _cast_of_cast, "cast(cast(x)) -> cast(x), if the first loses nothing"),
    Rule("reshape-to-same", (Reshaping,), _reshape_to_same, "reshape(x) to the shape of x -> x"),
    Rule("reshape-of-reshape", (Reshaping,), _reshape_of_reshape, "reshape(reshape(x)) -> reshape(x)"),
    Rule("transpose-to-same", (Transpose,), _transpose_to_same, "transpose(x) in the same order -> x"),
    Rule("transpose-of-transpose", (Transpose,), _transpose_of_transpose, "transpose(transpose(x)) -> transpose(x)"),
    Rule("expand-to-same", (Expand,), _expand_to_same, "expand(x) to the shape of x -> x"),
    Rule("slice-of-all", (Slice,), _slice_of_all, "slice(x) from the start to the end -> x"),
    Rule("pad-by-nothing", (Pad,), _pad_by_nothing, "pad(x) by zeros -> x"),
    Rule("concat-of-one", (Concat,), _concat_of_one, "concat([x]) -> x"),
    Rule("split-in-one", (Split,), _split_in_one, "split(x) into one piece -> x"),
    Rule("tile-once", (Tile,), _tile_once, "tile(x) once each way -> x"),
    Rule("clip-by-nothing", (Clip,), _clip_by_nothing, "clip(x) to -inf and inf -> x"),
)
"""Rows that only take ops away."""
