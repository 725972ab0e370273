"""Scaled dot-product attention; computed in float64 and rounded once."""

import math
from typing import Any

import numpy as np

from optc.ir.dims import Dim, Shape, product
from optc.ir.dtypes import FLOATS, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.broadcast import broadcast
from optc.ops.expect import expect_rank, expect_shape
from optc.ops.sizes import clash


@op("scaled_dot_product_attention")
class ScaledDotProductAttention(Op):
    """`softmax(scale * query @ key^T + mask) @ value`: what each query takes from the values of its keys.

    `query: [..., L, E]`, `key: [..., S, E]`, `value: [..., S, V]` give `[..., L, V]`; the leading dimensions
    broadcast. `mask` broadcasts to the scores `[..., L, S]`: a float mask is added to them, a bool mask is
    true where a query may attend to a key. With `is_causal`, query `i` attends to no key after `i`. A query
    that a bool mask bars from all its keys takes zeros. `scale` is `1 / sqrt(E)` if absent.

    Source: Vaswani and others, Attention Is All You Need, 2017.
    """

    query: Value = operand(*FLOATS)
    key: Value = operand(*FLOATS, same_as="query")
    value: Value = operand(*FLOATS, same_as="query")
    mask: Value | None = operand(DType.BOOL, *FLOATS, default=None)
    is_causal: bool = attribute(default=False)
    scale: float | None = attribute(default=None)

    def infer(self) -> TensorType:
        for name, value in (("query", self.query), ("key", self.key), ("value", self.value)):
            expect_rank(self, name, value, 2)
        (_, e), (s, _) = self.query.tensor.shape[-2:], self.key.tensor.shape[-2:]
        expect_shape(self, "key", self.key, (*self.key.tensor.shape[:-1], e))
        expect_shape(self, "value", self.value, (*self.value.tensor.shape[:-2], s, self.value.tensor.shape[-1]))
        if self.mask is not None:
            self._check_mask(self.mask.tensor)
        return self.query.tensor.with_shape((*self._batch(), self.query.tensor.shape[-2], self.value.tensor.shape[-1]))

    def _batch(self) -> Shape:
        return broadcast(self, *(v.tensor.shape[:-2] for v in (self.query, self.key, self.value)))

    def scores_shape(self) -> Shape:
        """`[..., L, S]`."""
        return (*self._batch(), self.query.tensor.shape[-2], self.key.tensor.shape[-2])

    def _check_mask(self, mask: TensorType) -> None:
        if mask.dtype not in (DType.BOOL, self.query.tensor.dtype):
            expected = f"bool or {self.query.tensor.dtype} like operand query"
            raise self.refuse("operand-same-dtype", "element type of operand mask", expected, mask.dtype)
        scores = self.scores_shape()
        fits = zip(reversed(mask.shape), reversed(scores), strict=False)
        if mask.rank > len(scores) or any(m != 1 and clash(m, s) for m, s in fits):
            shown = f"[{','.join(map(str, scores))}]"
            raise self.refuse("operand-shape", "shape of operand mask", f"broadcastable to {shown}", mask)

    def factor(self, size: int) -> float:
        """What scores are multiplied by, for queries of `size` elements."""
        return self.scale if self.scale is not None else 1 / math.sqrt(size) if size else 1.0

    def evaluate(self, query: Array, key: Array, value: Array, mask: Array | None) -> Array:
        scores = query.astype(np.float64) * self.factor(query.shape[-1]) @ np.swapaxes(key.astype(np.float64), -1, -2)
        allowed = np.ones((1, 1), np.bool_)
        if self.is_causal:
            allowed = np.tril(np.ones(scores.shape[-2:], np.bool_))
        if mask is not None and mask.dtype == np.bool_:
            allowed = allowed & mask
        elif mask is not None:
            scores = scores + mask
        return np.asarray(_weights(scores, allowed) @ value.astype(np.float64)).astype(query.dtype)

    def operations(self) -> Dim:
        query, value = self.query.tensor.shape, self.value.tensor.shape
        scores: Any = product(self.scores_shape())
        return scores * query[-1] * 2 + scores * value[-1] * 2 + scores * 5  # type: ignore[no-any-return]  # Dim arithmetic is typed Any


def _weights(scores: Array, allowed: Array) -> Array:
    """Softmax of the scores that are allowed; zeros elsewhere."""
    top = np.where(allowed, scores, -np.inf).max(-1, keepdims=True, initial=-np.inf)
    powers = np.where(allowed, np.exp(scores - top), 0)
    total = powers.sum(-1, keepdims=True)
    return np.asarray(powers / np.where(total == 0, 1, total))


OPS: tuple[type[Op], ...] = (ScaledDotProductAttention,)
