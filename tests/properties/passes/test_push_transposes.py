"""Laws of push-transposes."""

from hypothesis import strategies as st

from optc.ir.block import Program
from optc.ir.value import Value
from optc.ops.elementwise import Add, Mul, Sub
from optc.ops.shape import Transpose
from optc.testing.check_pass import check_pass
from optc.testing.samplers.elementwise import SAMPLERS as ELEMENTWISE
from optc.testing.source import Source
from passes.cleanup.push_transposes import PushTransposes
from tests.properties.passes.planting import add, mixed, needed, signed, smooth


def order(s: Source, rank: int) -> tuple[int, ...]:
    return tuple(s.draw(st.permutations(range(rank))))


def tensor(s: Source) -> Value:
    """Of rank 2 to 4; half of them of one size along all dimensions, so that every order fits every other."""
    x = smooth(s, 2, 4)
    return x if s.boolean() else s.value(x.tensor.dtype, (2,) * x.tensor.rank)


def elementwise_between_two_transposes(s: Source) -> Value:
    """Mostly inverse ones."""
    x = tensor(s)
    there = order(s, x.tensor.rank)
    back = tuple(there.index(i) for i in range(len(there))) if s.integer(0, 2) else order(s, len(there))
    y = add(s, Transpose(x, there))
    for _ in range(s.integer(0, 2)):
        y = _one_op(s, y)
    return add(s, Transpose(y, back))


def _one_op(s: Source, x: Value) -> Value:
    """An op on a value and a constant, or on a value alone."""
    dtype, shape = x.tensor.dtype, x.tensor.static_shape
    if s.boolean():
        inner = Source(s.draw, s.builder)
        inner.pool = [x]
        y = add(s, s.choice(list(ELEMENTWISE.values()))(inner))
        return y if y.type == x.type else x
    return mixed(s, s.choice((Add, Mul, Sub)), x, signed(s, dtype, shape if s.boolean() else s.broadcastable(shape)))


def two_transposed_operands(s: Source) -> Value:
    """In the same order or not; of which one may be needed besides."""
    x = tensor(s)
    y = s.value(x.tensor.dtype, x.tensor.static_shape)
    first = order(s, x.tensor.rank)
    left, right = add(s, Transpose(x, first)), add(s, Transpose(y, first))
    if s.integer(0, 4) == 0:
        s.offer(left)
    return mixed(s, s.choice((Add, Mul, Sub)), left, right)


IDIOMS = (elementwise_between_two_transposes, two_transposed_operands)


def there_are_never_more_transposes(before: Program, after: Program) -> None:
    count = [sum(isinstance(op, Transpose) for op in needed(program)) for program in (before, after)]
    assert count[1] <= count[0]


def test_transposes_move_down_and_results_keep_every_bit() -> None:
    check_pass(PushTransposes(), IDIOMS, extra=there_are_never_more_transposes)
