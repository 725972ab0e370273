"""Laws of dead-code."""

from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import SIGNED, DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.control import Cond
from optc.ops.elementwise import Add
from optc.ops.unary import Neg
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.dead_code import DeadCode
from tests.properties.passes.planting import add, needed


def ops_that_nothing_uses(s: Source) -> Value:
    """A chain beside a value that is used."""
    x = s.some(SIGNED)
    unused = x
    for _ in range(s.integer(0, 2)):
        unused = add(s, Neg(unused))
    return add(s, Add(x, x))


def op_that_nothing_uses_in_a_branch(s: Source) -> Value:
    """A nested block may use what is outside, and then that is needed."""
    x = s.some(SIGNED)
    outside = add(s, Neg(x))

    def branch() -> Builder:
        inner = Builder()
        inner.add(Neg(outside))
        return inner

    condition = s.builder.param(TensorType(DType.BOOL), f"c{len(s.builder.params)}")
    then, other = branch(), branch()
    used = then.add(Add(x, outside))
    return add(s, Cond(condition, then.block(used), other.block(x)))


IDIOMS = (ops_that_nothing_uses, op_that_nothing_uses_in_a_branch)


def what_is_needed_is_what_is_left(before: Program, after: Program) -> None:
    assert list(reversed(after.main.body.ops)) == needed(after)
    assert [op.name for op in needed(before)] == [op.name for op in needed(after)]


def test_ops_go_that_nothing_needs_and_no_others() -> None:
    check_pass(DeadCode(), IDIOMS, extra=what_is_needed_is_what_is_left)
