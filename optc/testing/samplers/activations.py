"""Samplers of activation functions, softmax and conversion of element types."""

from collections.abc import Mapping, Sequence
from typing import Any

from optc.ir.dtypes import FLOATS, NUMERIC, SIGNED, DType
from optc.ir.op import Op
from optc.ops import activations as a
from optc.ops.cast import Cast
from optc.ops.softmax import LogSoftmax, Softmax
from optc.testing.samplers.elementwise import unary
from optc.testing.source import Sampler, Source


def prelu(s: Source) -> Op:
    """A slope for each element or for fewer."""
    x = s.some(FLOATS)
    return a.Prelu(x, s.value(x.tensor.dtype, s.broadcastable(x.tensor.static_shape)))


def with_attributes(op: Any, *ranges: tuple[float, float]) -> Sampler:
    """Attributes left out, or numbers from their ranges."""

    def sample(s: Source) -> Op:
        x = s.some(FLOATS)
        made: Op = op(x) if s.boolean() else op(x, *(s.number(*bounds) for bounds in ranges))
        return made

    return sample


def along_axis(op: type[Softmax] | type[LogSoftmax]) -> Sampler:
    """Any axis of any float tensor that has one."""

    def sample(s: Source) -> Op:
        x = s.some(FLOATS, 1)
        return op(x, s.integer(0, x.tensor.rank - 1))

    return sample


def cast(s: Source, targets: Sequence[DType] = (*NUMERIC, DType.BOOL)) -> Op:
    """Between numbers; negative ones only to types that have them."""
    x = s.some((*NUMERIC, DType.BOOL))
    signed = [d for d in targets if d.is_signed or d is DType.BOOL]
    return Cast(x, s.choice(signed if x.tensor.dtype.is_signed else targets))


SAMPLERS: Mapping[type[Op], Sampler] = {
    a.Relu: unary(a.Relu, SIGNED),
    a.Prelu: prelu,
    a.LeakyRelu: with_attributes(a.LeakyRelu, (-1, 2)),
    a.Elu: with_attributes(a.Elu, (0, 2)),
    a.Selu: with_attributes(a.Selu, (0, 2), (1, 2)),
    a.Celu: with_attributes(a.Celu, (0.125, 2)),
    a.ThresholdedRelu: with_attributes(a.ThresholdedRelu, (0, 2)),
    a.HardSigmoid: with_attributes(a.HardSigmoid, (0, 1), (0, 1)),
    a.Gelu: lambda s: a.Gelu(s.some(FLOATS), s.choice(("none", "tanh"))),
    **{op: unary(op) for op in (a.Sigmoid, a.HardSwish, a.Silu, a.Softplus, a.Mish, a.Softsign)},
    Softmax: along_axis(Softmax),
    LogSoftmax: along_axis(LogSoftmax),
    Cast: cast,
}
