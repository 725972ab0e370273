"""Laws of fuse-layer-norm."""

import numpy as np

from optc.ir.value import Value
from optc.ops.elementwise import Add, Div, Mul, Pow, Sub
from optc.ops.reduce import ReduceMean
from optc.ops.unary import Reciprocal, Rsqrt, Sqrt
from optc.testing.check_pass import check_pass
from optc.testing.samplers.norm import EPSILONS
from optc.testing.source import Source
from passes.cleanup.fuse_layer_norm import FuseLayerNorm
from tests.properties.passes.planting import add, mixed, number, plus, signed, smooth


def axes_from(x: Value, axis: int) -> tuple[int, ...]:
    return tuple(range(axis, x.tensor.rank))


def mean(s: Source, x: Value, axis: int) -> Value:
    return add(s, ReduceMean(x, axes_from(x, axis)))


def variance_of(s: Source, centred: Value, axis: int) -> Value:
    """The mean of the squares, `epsilon` added."""
    two = s.constant(np.array(2.0), centred.tensor.dtype)
    square = add(s, Pow(centred, two) if s.boolean() else Mul(centred, centred))
    return plus(s, mean(s, square, axis), s.choice(EPSILONS))


def inverse_root(s: Source, x: Value) -> Value:
    """`1 / sqrt(x)` in one of three ways."""
    kind = s.integer(0, 2)
    if kind == 0:
        return add(s, Rsqrt(x))
    root = add(s, Sqrt(x))
    return add(s, Reciprocal(root) if kind == 1 else Div(number(s, 1, root), root))


def parameter(s: Source, x: Value, axis: int) -> Value:
    """A constant or a value, of the shape of the dimensions that are normalized, now and then with ones in front."""
    shape = x.tensor.static_shape[axis:]
    if s.boolean():
        return s.value(x.tensor.dtype, shape)
    return signed(s, x.tensor.dtype, (1,) * s.integer(0, axis) + shape)


def layer_norm_of_pytorch(s: Source) -> Value:
    """With and without scale and bias."""
    x = smooth(s, 1, 4)
    axis = s.integer(0, x.tensor.rank - 1)
    centred = add(s, Sub(x, mean(s, x, axis)))
    again = centred if s.boolean() else add(s, Sub(x, mean(s, x, axis)))
    variance = variance_of(s, again, axis)
    if s.boolean():
        y = add(s, Div(centred, add(s, Sqrt(variance))))
    else:
        y = mixed(s, Mul, centred, inverse_root(s, variance))
    y = mixed(s, Mul, y, parameter(s, x, axis)) if s.boolean() else y
    return mixed(s, Add, y, parameter(s, x, axis)) if s.boolean() else y


def layer_norm_of_tensorflow(s: Source) -> Value:
    """Scaled first, then shifted by bias and mean together."""
    x = smooth(s, 1, 4)
    axis = s.integer(0, x.tensor.rank - 1)
    average = mean(s, x, axis)
    variance = variance_of(s, add(s, Sub(x, average)), axis)
    inverse = mixed(s, Mul, inverse_root(s, variance), parameter(s, x, axis))
    shift = add(s, Sub(parameter(s, x, axis), mixed(s, Mul, average, inverse)))
    return mixed(s, Add, mixed(s, Mul, x, inverse), shift)


def nearly_layer_norm(s: Source) -> Value:
    """Over an axis that is not the last, with the mean of something else, or with two different axes."""
    x = smooth(s, 2, 3)
    other = s.value(x.tensor.dtype, x.tensor.static_shape)
    first, second = s.choice(((0, 0), (0, 1), (1, 0)))
    centred = add(s, Sub(x, add(s, ReduceMean(s.choice((x, other)), (first,)))))
    square = add(s, Mul(centred, centred))
    variance = plus(s, add(s, ReduceMean(square, (second,))), s.choice(EPSILONS))
    y = add(s, Div(centred, add(s, Sqrt(variance))))
    return mixed(s, Mul, y, s.value(x.tensor.dtype, x.tensor.static_shape[1:]))


FORMS = (layer_norm_of_pytorch, layer_norm_of_tensorflow)
IDIOMS = (*FORMS, *FORMS, nearly_layer_norm)


def test_layer_norms_are_found_and_results_stay_the_same_but_for_rounding() -> None:
    check_pass(FuseLayerNorm(), IDIOMS)
