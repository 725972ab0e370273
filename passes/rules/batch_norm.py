"""Batch normalization, and scales and shifts per channel, folded into the layer before them.

New weights are computed in float64 and rounded once. A weight that other ops use too stays as it is: to fold into it
would store it twice.
"""

from typing import Any

import attrs
import numpy as np

from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.elementwise import Add, Div, Mul, Sub
from optc.ops.matmul import MatMul
from optc.ops.norm import BatchNorm
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import in_place_of
from passes.rules.weighted_layers import (
    Layer,
    Wide,
    layer_of,
    per_channel,
    rebuilt,
    rounded_tensor,
    scaled_weight,
)


@attrs.frozen(eq=False)
class Affine:
    """What is done to each channel: multiplied by `factor`, then shifted by `shift`; None is nothing of the kind."""

    factor: Wide | None
    shift: Wide | None
    name: str
    """Of the constant that a new bias takes over the name of."""


def _batch_norm(op: BatchNorm, match: Match) -> Replacement:
    layer = layer_of(match, op.x)
    if layer is None or layer.axis != 1:
        return None
    tensors = [match.const(value) for value in (op.scale, op.bias, op.mean, op.variance)]
    if any(tensor is None for tensor in tensors):
        return None
    scale, bias, mean, variance = (tensor.array().astype(np.float64) for tensor in tensors if tensor is not None)
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(variance + op.epsilon)
        shift = bias - mean * factor
    return _folded(op, match, layer, Affine(factor, shift, op.bias.name))


def _scale(op: Any, match: Match) -> Replacement:
    for value, constant in _sides(op):
        layer, found = _beside(op, match, value, constant)
        if layer is None or found is None:
            continue
        with np.errstate(all="ignore"):
            factor = 1 / found if isinstance(op, Div) else found
        return _folded(op, match, layer, Affine(factor, None, constant.name))
    return None


def _shift(op: Any, match: Match) -> Replacement:
    for value, constant in _sides(op):
        layer, found = _beside(op, match, value, constant)
        if layer is None or found is None or (isinstance(layer.op, MatMul) and layer.bias is None):
            continue  # a bare product and a shift are as they should be
        negated = isinstance(op, Sub) and value is op.y
        shift = -found if isinstance(op, Sub) and not negated else found
        factor = np.full(layer.channels, -1.0) if negated else None
        return _folded(op, match, layer, Affine(factor, shift, constant.name))
    return None


def _sides(op: Any) -> list[tuple[Value, Value]]:
    """The operands as (result of a layer, constant)."""
    return [(op.x, op.y)] if isinstance(op, Div) else [(op.x, op.y), (op.y, op.x)]


def _beside(op: Op, match: Match, value: Value, constant: Value) -> tuple[Layer | None, Wide | None]:
    """The layer that makes the one operand, and the other as a number per channel."""
    if match.const(constant) is None or value.type != op.result.type:
        return None, None
    layer = layer_of(match, value)
    return layer, per_channel(match, constant, value.tensor, layer) if layer is not None else None


def _folded(op: Op, match: Match, layer: Layer, affine: Affine) -> Replacement:
    weight = layer.weight
    if affine.factor is not None:
        if not match.single_use(weight) or not np.isfinite(affine.factor).all():
            return None
        tensor = scaled_weight(match, layer, affine.factor)
        if tensor is None:
            return None
        weight = match.constant(tensor, weight.name)
    wide = _bias(match, layer, affine)
    bias = rounded_tensor(wide, weight.tensor) if wide is not None else None
    if wide is not None and bias is None:
        return None
    name = layer.bias.name if layer.bias is not None else affine.name
    return in_place_of(op, rebuilt(match, layer, weight, bias, name))


def _bias(match: Match, layer: Layer, affine: Affine) -> Wide | None:
    """The new bias, in float64; None if there is none."""
    old = match.const(layer.bias)
    if old is None:
        return affine.shift
    with np.errstate(all="ignore"):
        bias = np.broadcast_to(old.array().reshape(-1).astype(np.float64), (layer.channels,))
        bias = bias if affine.factor is None else bias * affine.factor
        return bias if affine.shift is None else bias + affine.shift


FOLD_BATCH_NORM = (
    Rule("fold-batch-norm", (BatchNorm,), _batch_norm, "batch_norm(conv(x, w, b)) -> conv(x, w', b')"),
    Rule("fold-scale", (Mul, Div), _scale, "conv(x, w, b) * c -> conv(x, w * c, b * c)"),
    Rule("fold-shift", (Add, Sub), _shift, "conv(x, w, b) + c -> conv(x, w, b + c)"),
)
"""Rows that leave fewer ops after a layer with a constant weight."""
