"""Samplers of elementwise ops."""

from collections.abc import Mapping, Sequence

from optc.ir.dtypes import FLOATS, NUMERIC, SIGNED, DType
from optc.ir.op import Op
from optc.ops import elementwise as e
from optc.ops import unary as u
from optc.testing.source import Sampler, Source


def unary(op: type[e.Unary], dtypes: Sequence[DType] = FLOATS) -> Sampler:
    """Any tensor of the given types."""
    return lambda s: op(s.some(dtypes))


def binary(op: type[e.Binary], dtypes: Sequence[DType] = NUMERIC) -> Sampler:
    """Two tensors, of which one broadcasts to the other."""

    def sample(s: Source) -> Op:
        x = s.some(dtypes)
        y = s.value(x.tensor.dtype, s.broadcastable(x.tensor.static_shape))
        return op(x, y) if s.boolean() else op(y, x)

    return sample


SAMPLERS: Mapping[type[Op], Sampler] = {
    e.Add: binary(e.Add),
    e.Sub: binary(e.Sub),
    e.Mul: binary(e.Mul),
    e.Div: binary(e.Div),
    u.Exp: unary(u.Exp),
    u.Neg: unary(u.Neg, SIGNED),
}
