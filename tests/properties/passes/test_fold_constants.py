"""Laws of fold-constants."""

from optc.ir.block import Program
from optc.ir.const import Const
from optc.ir.dtypes import NUMERIC
from optc.ir.value import Value
from optc.ops.elementwise import Add, Mul, Sub
from optc.ops.reduce import ReduceSum
from optc.ops.shape import Reshape, ShapeOf
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.fold_constants import FoldConstants
from tests.properties.passes.planting import add, mixed, signed


def ops_on_constants(s: Source) -> Value:
    """A tree of them, and then an op on what is no constant."""
    x = s.some(NUMERIC)
    dtype, shape = x.tensor.dtype, x.tensor.static_shape
    made = signed(s, dtype, shape)
    for _ in range(s.integer(1, 3)):
        made = mixed(s, s.choice((Add, Sub, Mul)), made, signed(s, dtype, s.broadcastable(shape)))
    return mixed(s, Sub, made, x)


def constant_that_is_reduced(s: Source) -> Value:
    """To a scalar, or to a vector."""
    x = s.some(NUMERIC)
    table = s.constant(s.array(x.tensor.dtype, (2, 3)), x.tensor.dtype)
    total = add(s, ReduceSum(table, s.choice(((0, 1), (1,))), keepdims=False))
    rank = total.tensor.rank
    return add(s, Add(add(s, Reshape(x, (-1, 1))), add(s, Reshape(total, (1, -1))))) if rank else add(s, Mul(x, total))


def sizes_that_are_not_constant(s: Source) -> Value:
    """An op on a value that only canonicalize makes a constant."""
    x = s.some(NUMERIC, 1, 4)
    sizes = add(s, ShapeOf(x))
    return add(s, Mul(sizes, sizes))


IDIOMS = (ops_on_constants, constant_that_is_reduced, sizes_that_are_not_constant)


def test_ops_on_constants_are_computed_and_results_keep_every_bit() -> None:
    check_pass(FoldConstants(), IDIOMS)


def no_constant_is_larger_than_those_it_comes_from(before: Program, after: Program) -> None:
    held = {op.value for op in before.walk() if isinstance(op, Const)}
    total = sum(tensor.stored_bytes for tensor in held)
    made = {op.value for op in after.walk() if isinstance(op, Const)} - held
    assert all(tensor.stored_bytes <= total for tensor in made)


def test_with_no_bytes_to_spare_no_constant_is_larger_than_those_it_comes_from() -> None:
    check_pass(FoldConstants(max_bytes=0), IDIOMS, {}, extra=no_constant_is_larger_than_those_it_comes_from)
