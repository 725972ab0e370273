"""Laws of remove-identities."""

from collections.abc import Callable

from hypothesis import strategies as st

from optc.ir.block import Program
from optc.ir.dtypes import NUMERIC, DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.cast import Cast
from optc.ops.clip import Clip
from optc.ops.join import Concat, Split, Tile
from optc.ops.pad import Pad
from optc.ops.shape import Expand, Reshape, Transpose
from optc.ops.slice import Slice
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.remove_identities import RemoveIdentities
from tests.properties.passes.planting import add, needed

Make = Callable[[Source, Value], Op]


def sliced(s: Source, x: Value) -> Op:
    """All of the first axis, or all but its last element, or all backwards."""
    size = x.tensor.static_shape[0]
    start, end, step = s.choice(((0, size, 1), (0, size - 1, 1), (-1, -size - 1, -1), (-size, size + 3, 1)))
    return Slice(x, (start,), (end,), (0,), (step,))


NEAR: tuple[Make, ...] = (
    lambda s, x: Cast(x, s.choice((x.tensor.dtype, DType.F16, DType.I8))),
    lambda s, x: Reshape(x, s.choice((x.tensor.static_shape, (-1,)))),
    lambda s, x: Transpose(x, s.draw(st.permutations(range(x.tensor.rank)).map(tuple))),
    lambda s, x: Expand(x, s.choice(((1,) * x.tensor.rank, (2, *x.tensor.static_shape)))),
    sliced,
    lambda s, x: Pad(x, (0,) * (2 * x.tensor.rank - 1) + (s.integer(0, 1),)),
    lambda s, x: Concat((x,) * s.integer(1, 2), 0),
    lambda s, x: Split(x, 0, parts=1),
    lambda s, x: Tile(x, (s.integer(1, 2), *(1,) * (x.tensor.rank - 1))),
    lambda s, x: Clip(x) if s.boolean() else Clip(x, min=0.0),
)
"""Ops that change nothing, or nearly nothing."""


def op_that_may_change_nothing(s: Source) -> Value:
    x = s.some(NUMERIC, 1, 3)
    return add(s, s.choice(NEAR)(s, x))


def chain_of_casts(s: Source) -> Value:
    """There and back, by way of a type that has all values, or not."""
    x = s.some(NUMERIC)
    way = s.choice((DType.F64, DType.F32, DType.F16, DType.I32, DType.U8))
    return add(s, Cast(add(s, Cast(x, way)), s.choice((x.tensor.dtype, DType.F32, DType.I16))))


def chain_of_moves(s: Source) -> Value:
    """Two transposes, or two reshapes."""
    x = s.some(NUMERIC, 1, 3)
    if s.boolean():
        return add(s, Reshape(add(s, Reshape(x, (-1,))), s.choice((x.tensor.static_shape, (1, -1)))))
    orders = st.permutations(range(x.tensor.rank)).map(tuple)
    return add(s, Transpose(add(s, Transpose(x, s.draw(orders))), s.draw(orders)))


IDIOMS = (op_that_may_change_nothing, chain_of_casts, chain_of_moves)


def there_are_never_more_ops(before: Program, after: Program) -> None:
    assert len(needed(after)) <= len(needed(before))


def test_ops_that_change_nothing_go_and_results_keep_every_bit() -> None:
    check_pass(RemoveIdentities(), IDIOMS, extra=there_are_never_more_ops)
