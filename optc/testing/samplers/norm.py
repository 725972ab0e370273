"""Samplers of normalization ops."""

from collections.abc import Mapping

from optc.ir.dtypes import FLOATS
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops import norm
from optc.testing.source import Sampler, Source

EPSILONS = (1e-5, 1e-3, 0.125)


def channels_of(x: Value) -> int:
    """The size of the channel axis."""
    return x.tensor.static_shape[1]


def batch_norm(s: Source) -> Op:
    """Any tensor with channels; the variance is a positive constant."""
    x = s.some(FLOATS, 2, 4)
    dtype, shape = x.tensor.dtype, (channels_of(x),)
    scale, bias, mean = (s.value(dtype, shape) for _ in range(3))
    variance = s.constant(s.array(dtype, shape, 0.125, 4), dtype)
    return norm.BatchNorm(x, scale, bias, mean, variance, epsilon=s.choice(EPSILONS))


def instance_norm(s: Source) -> Op:
    """Any tensor with channels and spatial axes."""
    x = s.some(FLOATS, 3, 4)
    scale, bias = (s.value(x.tensor.dtype, (channels_of(x),)) for _ in range(2))
    return norm.InstanceNorm(x, scale, bias, epsilon=s.choice(EPSILONS))


def group_norm(s: Source) -> Op:
    """Any tensor with channels and spatial axes, and a divisor of the channels."""
    x = s.some(FLOATS, 3, 4)
    channels = channels_of(x)
    groups = s.choice([g for g in range(1, channels + 1) if channels % g == 0])
    scale, bias = (s.value(x.tensor.dtype, (channels,)) for _ in range(2))
    return norm.GroupNorm(x, scale, bias, groups=groups, epsilon=s.choice(EPSILONS))


def trailing(s: Source) -> tuple[Value, int, Value | None]:
    """A tensor, the first axis to normalize over, and a scale or none."""
    x = s.some(FLOATS, 1, 4)
    axis = s.integer(0, x.tensor.rank - 1)
    return x, axis, s.value(x.tensor.dtype, x.tensor.static_shape[axis:]) if s.boolean() else None


def layer_norm(s: Source) -> Op:
    """With and without scale and bias."""
    x, axis, scale = trailing(s)
    bias = s.value(x.tensor.dtype, x.tensor.static_shape[axis:]) if s.boolean() else None
    return norm.LayerNorm(x, axis, scale, bias, epsilon=s.choice(EPSILONS))


def rms_norm(s: Source) -> Op:
    """With and without scale."""
    return norm.RmsNorm(*trailing(s), epsilon=s.choice(EPSILONS))


def lp_normalize(s: Source) -> Op:
    """Either norm along any axis."""
    x = s.some(FLOATS, 1, 4)
    return norm.LpNormalize(x, s.integer(0, x.tensor.rank - 1), p=s.choice((1, 2)))


SAMPLERS: Mapping[type[Op], Sampler] = {
    norm.BatchNorm: batch_norm,
    norm.InstanceNorm: instance_norm,
    norm.GroupNorm: group_norm,
    norm.LayerNorm: layer_norm,
    norm.RmsNorm: rms_norm,
    norm.LpNormalize: lp_normalize,
}
