"""The forms of scaled dot-product attention that exporters write."""

import math
from typing import Any

from optc.errors import OptcError
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.attention import ScaledDotProductAttention
from optc.ops.elementwise import Add
from optc.ops.matmul import MatMul
from optc.ops.shape import Transpose
from optc.ops.softmax import Softmax
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import in_place_of
from passes.rules.products import close, either_order, only_use, product

Scaled = tuple[float, Value]


def _attention(op: MatMul, match: Match) -> Replacement:
    softmax = only_use(match, op.x, Softmax)
    if softmax is None or softmax.axis != softmax.x.tensor.rank - 1 or op.y.tensor.rank < 2:
        return None
    for scores, mask in _masked(match, softmax.x):
        found = _query_and_key(match, scores)
        if found is None or found[1].tensor.dtype is not op.y.tensor.dtype:
            continue
        scale, query, key = found
        return _fused(op, match, query, key, mask, scale)
    return None


def _masked(match: Match, scores: Value) -> list[tuple[Value, Value | None]]:
    """The scores without a mask, and split into scores and a mask that is added and does not widen them."""
    add = only_use(match, scores, Add)
    split = [(x, m) for x, m in either_order(add) if x.type == add.result.type] if add is not None else []
    return [(scores, None), *split]


def _query_and_key(match: Match, scores: Value) -> tuple[float, Value, Value] | None:
    """A number, query and transposed key, if a value is the product of these, used once."""
    found = product(match, scores)
    matmul = only_use(match, found.factors[0], MatMul) if len(found.factors) == 1 else None
    if matmul is None or matmul.result.type != scores.type or min(matmul.x.tensor.rank, matmul.y.tensor.rank) < 2:
        return None
    (a, query), (b, key) = _unscaled(match, matmul.x), _unscaled(match, matmul.y)
    return found.coefficient * a * b, query, key


def _unscaled(match: Match, value: Value) -> Scaled:
    """A value as a number times another value of the same type."""
    found = product(match, value)
    if len(found.factors) == 1 and found.factors[0].type == value.type:
        return found.coefficient, found.factors[0]
    return 1.0, value


def _fused(op: MatMul, match: Match, query: Value, key: Value, mask: Value | None, scale: float) -> Replacement:
    factor, turned = _with_rows(match, key)
    scale *= factor
    if not math.isfinite(scale):
        return None
    size = query.tensor.shape[-1]
    usual = isinstance(size, int) and size > 0 and close(scale, 1 / math.sqrt(size), query.tensor.dtype)
    try:
        made = ScaledDotProductAttention(
            query, match.add(turned) if isinstance(turned, Op) else turned, op.y, mask, scale=None if usual else scale
        )
    except OptcError:
        return None  # sizes that a product may broadcast (a key of one row), and attention may not
    return in_place_of(op, made)


def _with_rows(match: Match, columns: Value) -> tuple[float, Value | Op]:
    """The key whose transpose `columns` is, less a factor: a value, or the op that is to make it."""
    rank = columns.tensor.rank
    swapped = (*range(rank - 2), rank - 1, rank - 2)
    inner: Any = match.definition(columns)
    if not isinstance(inner, Transpose):
        return 1.0, Transpose(columns, swapped)
    factor, base = _unscaled(match, inner.x) if match.single_use(columns) else (1.0, inner.x)
    perm = tuple(inner.perm[i] for i in swapped)
    return factor, base if perm == tuple(range(rank)) else Transpose(base, perm)


ATTENTION = (
    Rule("fuse-attention", (MatMul,), _attention, "softmax(c * q @ transpose(k) + m) @ v -> attention(q, k, v, m)"),
)  # fmt: skip
"""Rows that make `scaled_dot_product_attention`."""
