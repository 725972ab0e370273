"""Sampler of scaled dot-product attention."""

from collections.abc import Mapping

from optc.ir.dtypes import FLOATS, DType
from optc.ir.op import Op
from optc.ops.attention import ScaledDotProductAttention
from optc.testing.source import Sampler, Source


def attention(s: Source) -> Op:
    """With any mask, of which some bar a query from all keys, and with leading axes that broadcast."""
    dtype = s.choice(FLOATS)
    batch = s.shape(0, 2, 3)
    queries, keys, size = (s.integer(1, 4) for _ in range(3))
    query = s.value(dtype, (*batch, queries, size))
    key = s.value(dtype, (*s.broadcastable(batch), keys, size))
    value = s.value(dtype, (*s.broadcastable(batch), keys, s.integer(1, 4)))
    mask = None
    if s.boolean():
        scores = (*batch, queries, keys)
        mask = s.value(s.choice((DType.BOOL, dtype)), s.broadcastable(scores))
    scale = s.choice((None, 0.25, 1.0))
    return ScaledDotProductAttention(query, key, value, mask, is_causal=s.boolean(), scale=scale)


SAMPLERS: Mapping[type[Op], Sampler] = {ScaledDotProductAttention: attention}
