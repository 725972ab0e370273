"""Laws of deduplicate-weights."""

from optc.ir.block import Program
from optc.ir.const import Const
from optc.ir.dtypes import FLOATS
from optc.ir.value import Value
from optc.ops.elementwise import Add, Mul
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.deduplicate_weights import DeduplicateWeights
from tests.properties.passes.planting import add


def two_equal_constants(s: Source) -> Value:
    """Or nearly: the last element may differ, by its sign alone if it is zero."""
    x = s.some(FLOATS)
    dtype, shape = x.tensor.dtype, x.tensor.static_shape
    first = s.array(dtype, shape)
    second = first.copy()
    if s.integer(0, 2) == 0:
        second.reshape(-1)[-1] = -second.reshape(-1)[-1]
    scaled = add(s, Mul(x, s.constant(first, dtype)))
    return add(s, Add(scaled, s.constant(second, dtype)))


def the_same_bytes_in_another_shape(s: Source) -> Value:
    """Which is another constant."""
    x = s.some(FLOATS, 1, 1)
    array = s.array(x.tensor.dtype, x.tensor.static_shape)
    shape = s.choice(((-1,), (1, -1)))
    scaled = add(s, Mul(x, s.constant(array, x.tensor.dtype)))
    return add(s, Add(scaled, s.constant(array.reshape(shape), x.tensor.dtype)))


IDIOMS = (two_equal_constants, the_same_bytes_in_another_shape)


def each_tensor_is_left_once(before: Program, after: Program) -> None:
    left = [op.value for op in after.main.body.ops if isinstance(op, Const)]
    assert len(set(left)) == len(left)
    assert set(left) == {op.value for op in before.main.body.ops if isinstance(op, Const)}


def test_equal_constants_become_one_and_results_keep_every_bit() -> None:
    check_pass(DeduplicateWeights(), IDIOMS, extra=each_tensor_is_left_once)
