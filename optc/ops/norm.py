"""Normalization. Semantics follow the ONNX operators of the same names, in their inference form.

Statistics are taken in float64 and results rounded once, whatever the element type.
"""

from typing import Any

import numpy as np

from optc.ir.dims import Dim
from optc.ir.dtypes import FLOATS, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axis
from optc.ops.expect import expect_rank, expect_shape


def _standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """`x` (float64) less its mean over `axes`, divided by its standard deviation."""
    if not x.size:
        return x
    centred = x - x.mean(axes, keepdims=True)
    return np.asarray(centred / np.sqrt(np.square(centred).mean(axes, keepdims=True) + epsilon))


def _per_channel(values: Array, rank: int) -> Array:
    """`[C]` as float64 `[C, 1, ...]`, to stand against `[N, C, ...]` of this rank."""
    return values.astype(np.float64).reshape(-1, *(1,) * (rank - 2))


def _times_elements(x: Value, factor: int) -> Dim:
    total: Any = x.tensor.elements
    return total * factor  # type: ignore[no-any-return]  # Dim arithmetic is typed Any


@abstract_op
class ChannelNorm(Op):
    """`x: [N, C, ...]` is normalized, then multiplied by `scale: [C]` and shifted by `bias: [C]`."""

    x: Value = operand(*FLOATS)
    scale: Value = operand(*FLOATS, same_as="x")
    bias: Value = operand(*FLOATS, same_as="x")

    def infer(self) -> TensorType:
        expect_rank(self, "x", self.x, 2)
        for field in self.spec.operands[1:]:
            expect_shape(self, field.name, getattr(self, field.name), self.x.tensor.shape[1:2])
        return self.x.tensor

    def scaled(self, normalized: Array, scale: Array, bias: Array, like: Array) -> Array:
        """The affine step, rounded to the dtype of `like`."""
        rank = normalized.ndim
        return (normalized * _per_channel(scale, rank) + _per_channel(bias, rank)).astype(like.dtype)

    def operations(self) -> Dim:
        return _times_elements(self.x, 7)


@op("batch_norm")
class BatchNorm(ChannelNorm):
    """`(x - mean) / sqrt(variance + epsilon) * scale + bias` per channel.

    `x: [N, C, ...]`; `mean` and `variance` (`[C]`) are those of the training data.
    """

    mean: Value = operand(*FLOATS, same_as="x")
    variance: Value = operand(*FLOATS, same_as="x")
    epsilon: float = attribute(default=1e-5)

    def evaluate(self, x: Array, scale: Array, bias: Array, mean: Array, variance: Array) -> Array:
        deviation = np.sqrt(_per_channel(variance, x.ndim) + self.epsilon)
        return self.scaled((x - _per_channel(mean, x.ndim)) / deviation, scale, bias, x)

    def operations(self) -> Dim:
        # Mean and variance are known beforehand, so that a runtime does one multiply-add per element.
        return _times_elements(self.x, 2)


@op("instance_norm")
class InstanceNorm(ChannelNorm):
    """Normalize each channel of each sample by its own mean and variance. `x: [N, C, ...]`, rank 3 or more."""

    epsilon: float = attribute(default=1e-5)

    def infer(self) -> TensorType:
        expect_rank(self, "x", self.x, 3)
        return super().infer()

    def evaluate(self, x: Array, scale: Array, bias: Array) -> Array:
        axes = tuple(range(2, x.ndim))
        return self.scaled(_standardized(x.astype(np.float64), axes, self.epsilon), scale, bias, x)


@op("group_norm")
class GroupNorm(ChannelNorm):
    """Normalize each of `groups` equal runs of channels of each sample by its mean and variance. `x: [N, C, ...]`."""

    groups: int = attribute(minimum=1)
    epsilon: float = attribute(default=1e-5)

    def infer(self) -> TensorType:
        kind = super().infer()
        channels = kind.shape[1]
        if isinstance(channels, int) and channels % self.groups:
            raise self.refuse("group-count", "attribute groups", f"a divisor of the {channels} channels", self.groups)
        return kind

    def evaluate(self, x: Array, scale: Array, bias: Array) -> Array:
        if not x.size:
            return x.copy()
        grouped = x.astype(np.float64).reshape(x.shape[0], self.groups, -1)
        return self.scaled(_standardized(grouped, (2,), self.epsilon).reshape(x.shape), scale, bias, x)


@abstract_op
class TrailingNorm(Op):
    """`x` is normalized over its dimensions from `axis` to the last, then multiplied by `scale`, if there is one."""

    x: Value = operand(*FLOATS)
    axis: int = attribute(minimum=0)
    scale: Value | None = operand(*FLOATS, same_as="x", default=None)

    def infer(self) -> TensorType:
        check_axis(self, self.axis, self.x.tensor.rank)
        for field in self.spec.operands[1:]:
            expect_shape(self, field.name, getattr(self, field.name), self.x.tensor.shape[self.axis :])
        return self.x.tensor

    def axes(self) -> tuple[int, ...]:
        """The dimensions that share their statistics."""
        return tuple(range(self.axis, self.x.tensor.rank))


@op("layer_norm")
class LayerNorm(TrailingNorm):
    """Normalize by mean and variance over the dimensions from `axis` on; `scale` and `bias` have their shape."""

    bias: Value | None = operand(*FLOATS, same_as="x", default=None)
    epsilon: float = attribute(default=1e-5)

    def evaluate(self, x: Array, scale: Array | None, bias: Array | None) -> Array:
        y = _standardized(x.astype(np.float64), self.axes(), self.epsilon)
        y = y if scale is None else y * scale
        return (y if bias is None else y + bias).astype(x.dtype)

    def operations(self) -> Dim:
        return _times_elements(self.x, 5 + (self.scale is not None) + (self.bias is not None))


@op("rms_norm")
class RmsNorm(TrailingNorm):
    """Divide by the root of the mean square over the dimensions from `axis` on; `scale` has their shape.

    Source: Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
    """

    epsilon: float = attribute(default=1e-5)

    def evaluate(self, x: Array, scale: Array | None) -> Array:
        if not x.size:
            return x.copy()
        wide = x.astype(np.float64)
        y = wide / np.sqrt(np.square(wide).mean(self.axes(), keepdims=True) + self.epsilon)
        return np.asarray(y if scale is None else y * scale).astype(x.dtype)

    def operations(self) -> Dim:
        return _times_elements(self.x, 3 + (self.scale is not None))


@op("lp_normalize")
class LpNormalize(Op):
    """Divide by the 1-norm or 2-norm along `axis`; where the norm is 0 the result is 0."""

    x: Value = operand(*FLOATS)
    axis: int = attribute(minimum=0)
    p: int = attribute(default=2, one_of=(1, 2))

    def infer(self) -> TensorType:
        check_axis(self, self.axis, self.x.tensor.rank)
        return self.x.tensor

    def evaluate(self, x: Array) -> Array:
        wide = x.astype(np.float64)
        powers = np.abs(wide) if self.p == 1 else np.square(wide)
        total = powers.sum(self.axis, keepdims=True)
        norm = total if self.p == 1 else np.sqrt(total)
        return (wide / np.where(norm == 0, 1, norm)).astype(x.dtype)

    def operations(self) -> Dim:
        return _times_elements(self.x, 3)


OPS: tuple[type[Op], ...] = (BatchNorm, InstanceNorm, GroupNorm, LayerNorm, RmsNorm, LpNormalize)
