"""Laws of common-subexpressions."""

from collections.abc import Callable

from optc.ir.block import Program
from optc.ir.dtypes import FLOATS
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.activations import LeakyRelu
from optc.ops.clip import Clip
from optc.ops.elementwise import Mul, Sub
from optc.ops.reduce import ReduceMax, ReduceMean
from optc.ops.softmax import Softmax
from optc.ops.unary import Exp, Neg
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.common_subexpressions import CommonSubexpressions
from tests.properties.passes.planting import add, needed

Make = Callable[[Source, Value], Op]
MAKERS: tuple[Make, ...] = (
    lambda s, x: Exp(x),
    lambda s, x: Neg(x),
    lambda s, x: Mul(x, x),
    lambda s, x: LeakyRelu(x, alpha=s.choice((0.25, 0.5))),
    lambda s, x: Clip(x, -1.0, s.choice((1.0, 2.0))),
    lambda s, x: Softmax(x, s.integer(0, x.tensor.rank - 1)),
    lambda s, x: s.choice((ReduceMax, ReduceMean))(x, (x.tensor.rank - 1,)),
)


def the_same_op_twice(s: Source) -> Value:
    """Or nearly: an attribute or a class may differ."""
    x, make = s.some(FLOATS, 1, 4), s.choice(MAKERS)
    return add(s, Sub(add(s, make(s, x)), add(s, make(s, x))))


def the_same_operands_in_another_order(s: Source) -> Value:
    """Which is another computation."""
    x = s.some(FLOATS)
    y = s.value(x.tensor.dtype, x.tensor.static_shape)
    return add(s, Mul(add(s, Sub(x, y)), add(s, Sub(y, x) if s.boolean() else Sub(x, y))))


IDIOMS = (the_same_op_twice, the_same_operands_in_another_order)


def no_pure_op_is_left_twice(before: Program, after: Program) -> None:
    ops = [op for op in needed(after) if op.pure and not op.constant and not op.blocks and op.results]
    assert len({(op, tuple(value.type for value in op.results)) for op in ops}) == len(ops)


def test_equal_ops_are_merged_and_results_keep_every_bit() -> None:
    check_pass(CommonSubexpressions(), IDIOMS, extra=no_pure_op_is_left_twice)
