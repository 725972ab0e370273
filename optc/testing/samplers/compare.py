"""Samplers of comparison, logic and choice."""

from collections.abc import Mapping

from optc.ir.dtypes import NUMERIC, DType
from optc.ir.op import Op
from optc.ops import compare as c
from optc.testing.samplers.elementwise import binary
from optc.testing.source import Sampler, Source


def select(s: Source) -> Op:
    """Two tensors of any one type, and a condition for each pair or for fewer."""
    x = s.some((*NUMERIC, DType.BOOL, DType.STR))
    shape = x.tensor.static_shape
    y = s.value(x.tensor.dtype, s.broadcastable(shape))
    condition = s.value(DType.BOOL, s.broadcastable(shape))
    return c.Select(condition, x, y) if s.boolean() else c.Select(condition, y, x)


SAMPLERS: Mapping[type[Op], Sampler] = {
    **{op: binary(op, (*NUMERIC, DType.BOOL, DType.STR)) for op in (c.Equal, c.NotEqual)},
    **{op: binary(op) for op in (c.Less, c.LessEqual, c.Greater, c.GreaterEqual)},
    **{op: binary(op, (DType.BOOL,)) for op in (c.LogicalAnd, c.LogicalOr, c.LogicalXor)},
    c.LogicalNot: lambda s: c.LogicalNot(s.some((DType.BOOL,))),
    c.Select: select,
}
