"""Laws of fuse-attention."""

import math

from optc.ir.value import Value
from optc.ops.elementwise import Add
from optc.ops.matmul import MatMul
from optc.ops.shape import Transpose
from optc.ops.softmax import Softmax
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.fuse_attention import FuseAttention
from tests.properties.passes.planting import add, mixed, smooth, times


def swapped(rank: int) -> tuple[int, ...]:
    """The order that exchanges the last two dimensions."""
    return (*range(rank - 2), rank - 1, rank - 2)


def scale_now_and_then(s: Source, x: Value, factor: float) -> Value:
    return times(s, x, factor) if s.boolean() else x


def attention(s: Source) -> Value:
    """Scaled anywhere, with and without mask; the key transposed in the middle of its scaling, or given so."""
    query = smooth(s, 2, 4)
    dtype, (*batch, rows, size) = query.tensor.dtype, query.tensor.static_shape
    keys, rank = s.integer(1, 4), query.tensor.rank
    factor = s.choice((1 / math.sqrt(size), 0.25, 1.5))
    if s.integer(0, 3):
        key = scale_now_and_then(s, s.value(dtype, (*batch, keys, size)), factor)
        columns = scale_now_and_then(s, add(s, Transpose(key, swapped(rank))), factor)
    else:
        columns = s.value(dtype, (*batch, size, keys))
    scores = add(s, MatMul(scale_now_and_then(s, query, factor), columns))
    scores = scale_now_and_then(s, scores, factor)
    if s.boolean():
        scores = mixed(s, Add, scores, s.value(dtype, s.broadcastable((*batch, rows, keys))))
    shares = add(s, Softmax(scores, rank - 1))
    return add(s, MatMul(shares, s.value(dtype, (*batch, keys, s.integer(1, 4)))))


def attention_of_heads(s: Source) -> Value:
    """Query, key and value as `[batch, row, head, size]`; the key transposed once for heads and product."""
    query = smooth(s, 4, 4)
    dtype, (batch, _, heads, size) = query.tensor.dtype, query.tensor.static_shape
    key, value = (s.value(dtype, (batch, 3, heads, size)) for _ in range(2))
    scores = add(s, MatMul(add(s, Transpose(query, (0, 2, 1, 3))), add(s, Transpose(key, (0, 2, 3, 1)))))
    shares = add(s, Softmax(times(s, scores, 1 / math.sqrt(size)), 3))
    return add(s, MatMul(shares, add(s, Transpose(value, (0, 2, 1, 3)))))


def nearly_attention(s: Source) -> Value:
    """Softmax over the queries, a mask that widens the scores, or scores that are used besides."""
    size = s.integer(1, 4)
    x = s.value(smooth(s).tensor.dtype, (size, size))
    scores = add(s, MatMul(x, x))
    if s.boolean():
        scores = mixed(s, Add, scores, s.value(x.tensor.dtype, (2, size, size)))
    if s.boolean():
        s.offer(scores)
    return add(s, MatMul(add(s, Softmax(scores, scores.tensor.rank - s.integer(1, 2))), x))


FORMS = (attention, attention_of_heads)
IDIOMS = (*FORMS, *FORMS, nearly_attention)


def test_attentions_are_found_and_results_stay_the_same_but_for_rounding() -> None:
    check_pass(FuseAttention(), IDIOMS)
