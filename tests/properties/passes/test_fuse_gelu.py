"""Laws of fuse-gelu."""

import math

import numpy as np

from optc.ir.value import Value
from optc.ops.elementwise import Add, Mul, Pow
from optc.ops.trigonometry import Tanh
from optc.ops.unary import Erf
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.fuse_gelu import FuseGelu
from tests.properties.passes.planting import add, mixed, plus, product, smooth, times


def gelu_by_erf(s: Source) -> Value:
    """In any order of the factors."""
    x = smooth(s)
    gate = plus(s, add(s, Erf(times(s, x, math.sqrt(0.5)))), 1)
    return product(s, x, gate, 0.5)


def cube(s: Source, x: Value) -> Value:
    """`x` to the third, in one of the ways that people write it."""
    if s.boolean():
        return add(s, Pow(x, s.constant(np.array(3.0), x.tensor.dtype)))
    return mixed(s, Mul, add(s, Mul(x, x)), x)


def gelu_by_tanh(s: Source) -> Value:
    """With the cube of `x`, or with `x` drawn out."""
    x = smooth(s)
    scale = math.sqrt(2 / math.pi)
    if s.boolean():
        inner = times(s, mixed(s, Add, x, times(s, cube(s, x), 0.044715)), scale)
    else:
        inner = product(s, x, plus(s, times(s, add(s, Mul(x, x)), 0.044715), 1), scale)
    return product(s, x, plus(s, add(s, Tanh(inner)), 1), 0.5)


def nearly_gelu(s: Source) -> Value:
    """With one number wrong, or the gate of another value."""
    x = smooth(s)
    other = s.value(x.tensor.dtype, x.tensor.static_shape)
    half, one, root = s.choice(((0.25, 1, 0.5), (0.5, 2, 0.5), (0.5, 1, 1.0), (0.5, 1, 0.5)))
    gate = plus(s, add(s, Erf(times(s, other, math.sqrt(root)))), one)
    return product(s, x, gate, half)


FORMS = (gelu_by_erf, gelu_by_tanh)
IDIOMS = (*FORMS, *FORMS, nearly_gelu)


def test_gelus_are_found_and_results_stay_the_same_but_for_rounding() -> None:
    check_pass(FuseGelu(), IDIOMS)
