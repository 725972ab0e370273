"""Scaled dot-product attention in ONNX: read as `Attention` (opset 23), written as the operators it is made of."""

import math
from collections.abc import Mapping

import numpy as np

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.tensors import elem_type
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ops.attention import ScaledDotProductAttention
from optc.ops.sizes import clash

_PAST_AND_LENGTHS = (4, 5, 6)


def import_attention(n: Node) -> Imported:
    """Heads as an axis of their own, no cache, no cap, no window; all else is carried as it is."""
    if not _has_heads(n) or any(map(n.has, _PAST_AND_LENGTHS)) or any(n.outputs[1:]):
        return None
    unbounded = all(n.get(f"{side}_window_size", -1) == -1 for side in ("left", "right"))
    precise = n.get("softmax_precision", elem_type(DType.F32)) in map(elem_type, (DType.F32, DType.F64))
    if n.get("softcap", 0.0) or not unbounded or not precise or not _covers_keys(n):
        return None
    query, key, value = (n.input(i) for i in range(3))
    scale, causal = n.get("scale", None), bool(n.get("is_causal", 0))
    return n.add(ScaledDotProductAttention(query, key, value, n.optional(3), is_causal=causal, scale=scale))


def _has_heads(n: Node) -> bool:
    """Whether the heads are an axis, and keys and values have as many as queries, or one for all."""
    if any(n.tensor(i).rank != 4 for i in range(3)):
        return False
    heads = [n.tensor(i).shape[1] for i in range(3)]
    return heads[1] == heads[2] and heads[1] in (1, heads[0])


def _covers_keys(n: Node) -> bool:
    """Whether the mask, if there is one, is for all keys; ONNX lets it be shorter."""
    if not n.has(3):
        return True
    mask = n.tensor(3).shape
    return bool(mask) and not clash(mask[-1], n.tensor(1).shape[2])


def export_attention(op: ScaledDotProductAttention, g: Graph) -> None:
    """Products, masks and softmax; as in `optc.ops.attention`, but rounded after each step."""
    dtype = op.query.tensor.dtype
    rank = op.key.tensor.rank
    swapped = (*range(rank - 2), rank - 1, rank - 2)
    scores = g.node("MatMul", [_scaled_query(op, g), g.node("Transpose", [g.name(op.key)], perm=swapped)])
    of_bools = op.mask is not None and op.mask.tensor.dtype is DType.BOOL
    if op.mask is not None and not of_bools:
        scores = g.node("Add", [scores, g.name(op.mask)])
    allowed = g.name(op.mask) if of_bools else ""
    if op.is_causal:
        causal = _causal(op, g)
        allowed = g.node("And", [causal, allowed]) if allowed else causal
    if allowed:
        # A bool mask may bar a query from all its keys: finite scores keep that row from being NaN until it is zeroed.
        barred = np.asarray(float(_lowest(dtype)) if of_bools else -math.inf).astype(dtype.numpy)
        scores = g.node("Where", [allowed, scores, g.constant(barred, dtype)])
    weights = g.node("Softmax", [scores], axis=-1)
    if of_bools:
        weights = g.node("Where", [allowed, weights, g.constant(np.zeros((), dtype.numpy), dtype)])
    g.emit(op, "MatMul", [weights, op.value])


def _lowest(dtype: DType) -> float:
    if dtype is DType.BF16:
        return float(np.uint32(0xFF7F0000).view(np.float32))
    return float(np.finfo(dtype.numpy).min)


def _scaled_query(op: ScaledDotProductAttention, g: Graph) -> str:
    kind = op.query.tensor
    size = kind.shape[-1]
    if op.scale is None and not isinstance(size, int):
        sizes = g.node("Cast", [g.node("Shape", [g.name(op.query)], start=-1)], to=kind.dtype)
        return g.node("Div", [g.name(op.query), g.node("Sqrt", [sizes])])
    factor = np.asarray(op.factor(size if isinstance(size, int) else 0)).astype(kind.dtype.numpy)
    return g.node("Mul", [g.name(op.query), g.constant(factor, kind.dtype)])


def _causal(op: ScaledDotProductAttention, g: Graph) -> str:
    """`[L, S]`, true at and below the diagonal; made by nodes, since as a constant it may be large."""
    sizes = op.query.tensor.shape[-2], op.key.tensor.shape[-2]
    if all(isinstance(s, int) for s in sizes):
        shape = g.constant(sizes, DType.I64)
    else:
        parts = [g.node("Shape", [g.name(v)], start=-2, end=-1) for v in (op.query, op.key)]
        shape = g.node("Concat", parts, axis=0)
    full = g.node("ConstantOfShape", [shape], value=Tensor.of(np.ones((1,), np.bool_), DType.BOOL))
    return g.node("Trilu", [full], upper=0)


IMPORTERS: Mapping[str, Importer] = {"Attention": import_attention}
EXPORTERS: Exporters = {ScaledDotProductAttention: export_attention}
