"""The forms of layer normalization that exporters write.

The core first, then scale and bias, each by a rule of its own: what comes in between in one exporter's form does not
matter to the other rules. TensorFlow's form, which multiplies by scale before it subtracts the mean, is one more rule.
"""

from typing import Any

import attrs

from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.elementwise import Add, Div, Mul, Pow, Sub
from optc.ops.norm import LayerNorm
from optc.ops.reduce import ReduceMean
from optc.ops.unary import Reciprocal, Rsqrt, Sqrt
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import MOST_COMPARED, in_place_of
from passes.rules.products import either_order, number, only_use, plus_number, same


@attrs.frozen
class Statistics:
    """What a deviation is taken of: `x`, from axis `axis` on, with `epsilon` added to the variance."""

    x: Value
    axis: int
    epsilon: float


def _mean_axis(op: Op | None) -> int | None:
    """The axis from which on an op takes the mean, if it keeps all dimensions."""
    if not isinstance(op, ReduceMean) or not op.keepdims or not op.axes:
        return None
    trailing = op.axes == tuple(range(op.axes[0], op.x.tensor.rank))
    return op.axes[0] if trailing else None


def _centred_on(match: Match, value: Value) -> tuple[Value, int] | None:
    """`(x, axis)` if a value is `x - mean(x)` over the dimensions from `axis` on."""
    op = match.definition(value)
    if not isinstance(op, Sub):
        return None
    mean = match.definition(op.y)
    axis = _mean_axis(mean)
    return (op.x, axis) if isinstance(mean, ReduceMean) and mean.x is op.x and axis is not None else None


def _squared(match: Match, value: Value) -> Value | None:
    """`x` if a value is `x * x` or `x ** 2`."""
    op = match.definition(value)
    if isinstance(op, Pow):
        return op.x if number(match, op.y) == 2 else None
    return op.x if isinstance(op, Mul) and same(match, op.x, op.y) else None


def _statistics(match: Match, value: Value) -> Statistics | None:
    """What `value = variance + epsilon` is the variance of."""
    shifted = plus_number(match, value)
    mean: Any = only_use(match, shifted[0], ReduceMean) if shifted else None
    axis = _mean_axis(mean)
    centred = _squared(match, mean.x) if mean is not None and axis is not None else None
    found = _centred_on(match, centred) if centred is not None else None
    if shifted is None or found is None or found[1] != axis:
        return None
    return Statistics(found[0], found[1], shifted[1])


def _under_root(match: Match, value: Value) -> Value | None:
    """`x` if a value is `sqrt(x)`, used once."""
    op: Sqrt | None = only_use(match, value, Sqrt)
    return None if op is None else op.x


def _under_inverse_root(match: Match, value: Value) -> Value | None:
    """`x` if a value is `rsqrt(x)` or `1 / sqrt(x)`, used once."""
    op = match.definition(value)
    if not match.single_use(value):
        return None
    if isinstance(op, Rsqrt):
        return op.x
    if isinstance(op, Reciprocal):
        return _under_root(match, op.x)
    return _under_root(match, op.y) if isinstance(op, Div) and number(match, op.x) == 1 else None


def _normalized(op: Op, match: Match, centred: Value, inner: Value | None) -> Replacement:
    found = _statistics(match, inner) if inner is not None else None
    if found is None or found.x.type != op.result.type or _centred_on(match, centred) != (found.x, found.axis):
        return None
    return in_place_of(op, LayerNorm(found.x, found.axis, epsilon=found.epsilon))


def _divided(op: Div, match: Match) -> Replacement:
    return _normalized(op, match, op.x, _under_root(match, op.y))


def _multiplied(op: Mul, match: Match) -> Replacement:
    for centred, factor in either_order(op):
        made = _normalized(op, match, centred, _under_inverse_root(match, factor))
        if made is not None:
            return made
    return None


def _parameter(match: Match, value: Value, norm: LayerNorm) -> Value | None:
    """A value as scale or bias of a norm: of the shape of the dimensions that it normalizes."""
    wanted = norm.x.tensor.with_shape(norm.x.tensor.shape[norm.axis :])
    if value.type == wanted:
        return value
    tensor = match.const(value)
    if tensor is None or not wanted.is_static or tensor.elements > MOST_COMPARED * 16:
        return None
    leading = (1,) * (len(tensor.shape) - wanted.rank)
    if not leading or tensor.shape != leading + wanted.static_shape:
        return None
    return match.constant(tensor.array().reshape(wanted.static_shape), value.name, tensor.dtype)


def _scaled(op: Mul, match: Match) -> Replacement:
    return _with_parameter(op, match, "scale")


def _shifted(op: Add, match: Match) -> Replacement:
    return _with_parameter(op, match, "bias")


def _with_parameter(op: Any, match: Match, field: str) -> Replacement:
    for value, other in either_order(op):
        norm = only_use(match, value, LayerNorm)
        # A bias comes after the scale: a norm that has one takes no scale any more.
        if norm is None or norm.bias is not None or getattr(norm, field) is not None or op.result.type != norm.x.type:
            continue
        parameter = _parameter(match, other, norm)
        if parameter is not None:
            return in_place_of(op, norm.evolve(results=(), **{field: parameter}))
    return None


def _scaled_first(op: Add, match: Match) -> Replacement:
    """TensorFlow: `inv = rsqrt(variance + epsilon) * scale; x * inv + (bias - mean * inv)`."""
    for product, rest in either_order(op):
        mul, sub = only_use(match, product, Mul), only_use(match, rest, Sub)
        shift = only_use(match, sub.y, Mul) if sub is not None else None
        for x, inverse in either_order(mul) if mul is not None and shift is not None else ():
            mean = _other(shift, inverse)
            axis = _mean_axis(match.definition(mean)) if mean is not None else None
            if mean is None or axis is None or match.definition(mean) != ReduceMean(x, _from(axis, x)):
                continue
            made = _from_inverse(op, match, x, axis, inverse, sub.x)
            if made is not None:
                return made
    return None


def _from(axis: int, x: Value) -> tuple[int, ...]:
    return tuple(range(axis, x.tensor.rank))


def _other(op: Any, one: Value) -> Value | None:
    """The other operand of an op on two values, of which this must be one."""
    return next((b for a, b in either_order(op) if a is one), None)


def _from_inverse(op: Add, match: Match, x: Value, axis: int, inverse: Value, bias: Value) -> Replacement:
    scaled = match.definition(inverse)
    for root, scale in either_order(scaled) if isinstance(scaled, Mul) else ():
        inner = _under_inverse_root(match, root)
        found = _statistics(match, inner) if inner is not None else None
        if found is None or found.x is not x or found.axis != axis or x.type != op.result.type:
            continue
        norm = LayerNorm(x, axis, epsilon=found.epsilon)
        gain, shift = _parameter(match, scale, norm), _parameter(match, bias, norm)
        if gain is not None and shift is not None:
            return in_place_of(op, norm.evolve(scale=gain, bias=shift))
    return None


LAYER_NORM = (
    Rule("layer-norm-div", (Div,), _divided, "(x - mean(x)) / sqrt(variance(x) + e) -> layer_norm(x)"),
    Rule("layer-norm-mul", (Mul,), _multiplied, "(x - mean(x)) * rsqrt(variance(x) + e) -> layer_norm(x)"),
    Rule("layer-norm-scale", (Mul,), _scaled, "layer_norm(x) * scale -> layer_norm(x, scale)"),
    Rule("layer-norm-bias", (Add,), _shifted, "layer_norm(x, scale) + bias -> layer_norm(x, scale, bias)"),
    Rule("layer-norm-scaled-first", (Add,), _scaled_first, "x * inv + (bias - mean * inv) -> layer_norm(x)"),
)
"""Rows that make `layer_norm`."""
