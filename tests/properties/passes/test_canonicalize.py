"""Laws of canonicalize."""

import math
from collections.abc import Callable

import numpy as np

from optc.ir.builder import Builder
from optc.ir.dtypes import SIGNED, DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.activations import Relu
from optc.ops.compare import Select
from optc.ops.control import Cond
from optc.ops.elementwise import Add, Div, Max, Min, Mul, Sub
from optc.ops.shape import DynamicReshape, Flatten, ShapeOf, Unsqueeze
from optc.ops.unary import Abs, Neg, Sign
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.canonicalize import Canonicalize
from tests.properties.passes.planting import add, mixed, smooth


def number_that_may_be_neutral(s: Source) -> Value:
    """0, -0, 1, -1 or an infinity, on either side of an op."""
    x = s.some(SIGNED)
    floats = (-0.0, math.inf, -math.inf) if x.tensor.dtype.is_float else ()
    c = s.constant(np.full(s.broadcastable(x.tensor.static_shape), s.choice((0, 1, -1, *floats))), x.tensor.dtype)
    return mixed(s, s.choice((Add, Sub, Mul, Div, Max, Min)), x, c)


def zero_beside_negative_zeros(s: Source) -> Value:
    """`-0 + 0` is 0, and `-0 + -0` is not."""
    x = smooth(s)
    zeros = add(s, Neg(add(s, Relu(x))))
    return add(s, s.choice((Add, Sub))(zeros, s.constant(np.array(s.choice((0.0, -0.0))), x.tensor.dtype)))


UNARY: tuple[Callable[[Value], Op], ...] = (Neg, Abs, Relu, Sign)


def two_ops_in_a_row(s: Source) -> Value:
    """Some pairs of them are one op, or none."""
    x = s.some(SIGNED)
    return add(s, s.choice(UNARY)(add(s, s.choice(UNARY)(x))))


def negated_term(s: Source) -> Value:
    """`x + -y`, `x - -y`."""
    x = s.some(SIGNED)
    return add(s, s.choice((Add, Sub))(x, add(s, Neg(s.value(x.tensor.dtype, x.tensor.static_shape)))))


def shape_that_turns_out_to_be_static(s: Source) -> Value:
    """A reshape to the shape of another value, and a reshaping that is one too."""
    x = s.some(SIGNED, 1, 3)
    sizes = add(s, ShapeOf(x))
    flat = add(s, Flatten(x, s.integer(0, x.tensor.rank)) if s.boolean() else Unsqueeze(x, (0,)))
    return add(s, DynamicReshape(flat, sizes, allowzero=True))


def choice_that_is_decided(s: Source) -> Value:
    """By a constant, elementwise or between two blocks."""
    x = s.some(SIGNED)
    decided = s.constant(np.array(s.boolean()), DType.BOOL)
    if s.boolean():
        return add(s, Select(decided, x, add(s, Neg(x))))
    then, other = Builder(), Builder()
    results = then.add(Neg(x)), other.add(Add(x, x))
    return add(s, Cond(decided, then.block(results[0]), other.block(results[1])))


IDIOMS = (
    number_that_may_be_neutral, zero_beside_negative_zeros, two_ops_in_a_row, negated_term,
    shape_that_turns_out_to_be_static, choice_that_is_decided,
)  # fmt: skip


def test_programs_take_canonical_form_and_results_keep_every_bit() -> None:
    check_pass(Canonicalize(), IDIOMS)
