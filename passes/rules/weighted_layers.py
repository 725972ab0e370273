"""Layers with a constant weight, as rules see them that fold what comes after a layer into its weight and bias."""

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from optc.ir.dtypes import Array
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.conv import Conv, ConvTranspose
from optc.ops.elementwise import Add
from optc.ops.matmul import Linear, MatMul
from optc.pipeline.rules import Match
from passes.rules.products import UNIT_ROUNDOFF, either_order, only_use

Wide = Array
"""An array of float64."""


@attrs.frozen(eq=False)
class Layer:
    """`op` with constant weight `w` computes values whose channels lie along `axis`, to which `bias` was added."""

    op: Any
    weight: Value
    axis: int
    channels: int
    bias: Value | None


def layer_of(match: Match, value: Value) -> Layer | None:
    """The layer that makes a value, if nothing else uses it, and its weight and bias are constants."""
    op = match.definition(value)
    if op is None or not match.single_use(value):
        return None
    layer = _biased_product(op, match) if isinstance(op, Add) else _layer(op)
    if layer is None or match.const(layer.weight) is None or not layer.weight.tensor.dtype.is_float:
        return None
    return layer if layer.bias is None or match.const(layer.bias) is not None else None


def _layer(op: Op) -> Layer | None:
    sizes: Any
    if isinstance(op, Conv | ConvTranspose):
        sizes = op.w.tensor.shape
        channels = sizes[0] if isinstance(op, Conv) else sizes[1] * op.groups
        return Layer(op, op.w, 1, channels, op.bias)
    if isinstance(op, Linear):
        sizes = op.w.tensor.shape
        return Layer(op, op.w, op.result.tensor.rank - 1, sizes[0], op.bias)
    if isinstance(op, MatMul) and op.y.tensor.rank == 2:
        sizes = op.y.tensor.shape
        return Layer(op, op.y, op.result.tensor.rank - 1, sizes[1], None)
    return None


def _biased_product(op: Add, match: Match) -> Layer | None:
    """A matrix product to which a constant per channel is added."""
    for value, bias in either_order(op):
        product = only_use(match, value, MatMul)
        layer = _layer(product) if product is not None and value.type == op.result.type else None
        if layer is not None and per_channel(match, bias, value.tensor, layer) is not None:
            return attrs.evolve(layer, bias=bias)
    return None


def per_channel(match: Match, value: Value, like: TensorType, layer: Layer) -> Wide | None:
    """A constant that is one number per channel (or one for all), broadcast against `like`: `[channels]`."""
    tensor = match.const(value)
    if tensor is None or len(tensor.shape) > like.rank:
        return None
    sizes = (1,) * (like.rank - len(tensor.shape)) + tensor.shape
    if any(size != 1 and (axis != layer.axis or size != layer.channels) for axis, size in enumerate(sizes)):
        return None
    return np.broadcast_to(tensor.array().reshape(-1).astype(np.float64), (layer.channels,))


def scaled_weight(match: Match, layer: Layer, factor: Wide) -> Tensor | None:
    """The weight of a layer times a factor per channel of its result; None if rounding would spoil it."""
    tensor = match.const(layer.weight)
    assert tensor is not None  # of every layer from layer_of
    values = tensor.array().astype(np.float64)
    spread = _spread(layer.op, factor, values.ndim)
    grouped = values.reshape(_grouped_shape(layer.op, values.shape))
    wide = grouped * spread
    rounded = rounded_tensor(wide.reshape(values.shape), layer.weight.tensor)
    if rounded is None:
        return None
    error = np.abs(rounded.array().astype(np.float64).reshape(wide.shape) - wide)
    allowed = 2 * UNIT_ROUNDOFF[tensor.dtype] * np.abs(spread) * np.abs(values).max(initial=0)
    return rounded if bool((error <= allowed).all()) else None  # a tiny factor may leave too few bits


def _grouped_shape(op: Op, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The weight's shape, with an axis of groups in front where its channels are counted within groups."""
    return (op.groups, -1, *shape[1:]) if isinstance(op, ConvTranspose) else shape


def _spread(op: Op, factor: Wide, rank: int) -> Wide:
    """The factor in a shape that broadcasts against the weight as `_grouped_shape` has it."""
    if isinstance(op, ConvTranspose):
        return factor.reshape(op.groups, 1, -1, *(1,) * (rank - 2))
    return factor if isinstance(op, MatMul) else factor.reshape(-1, *(1,) * (rank - 1))


def rounded_tensor(wide: Wide, like: TensorType) -> Tensor | None:
    """Float64 values as a tensor of the element type of `like`; None if one is not finite there."""
    with np.errstate(all="ignore"):
        values = wide.astype(like.dtype.numpy)
    return Tensor.of(values, like.dtype) if bool(np.isfinite(values.astype(np.float64)).all()) else None


def rebuilt(match: Match, layer: Layer, weight: Value, bias: Tensor | None, bias_name: str) -> Op:
    """The layer with another weight and bias."""
    if not isinstance(layer.op, MatMul):
        changes: Mapping[str, Any] = {} if bias is None else {"bias": match.constant(bias, bias_name)}
        made: Op = layer.op.evolve(w=weight, results=(), **changes)
        return made
    product = MatMul(layer.op.x, weight)
    return product if bias is None else Add(match.add(product), match.constant(bias, bias_name))
