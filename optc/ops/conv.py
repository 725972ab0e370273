"""Convolution and transposed convolution over one to three spatial axes.

Products of float32 and narrower floats are summed in float64, where each product is exact: the order of the sum,
which depends on the linear-algebra library and its threads, then does not show in the rounded result. The sum is
rounded to float32, the bias is added in float32, and the result is rounded to its element type once.
"""

import math
from typing import Any

import numpy as np

from optc.ir.dims import Dim, Shape, product
from optc.ir.dtypes import FLOATS, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.expect import expect_rank, expect_shape
from optc.ops.sizes import clash, same_size
from optc.ops.window import MOST_AXES, PAD_MODES, Window, checked_out, window_of

_CHUNK = 1 << 22
"""Most elements of the input that are laid out as columns at once."""


@abstract_op
class Convolution(Op):
    """A kernel `w` that slides over the spatial axes of `x`, `[batch, channels, spatial...]`.

    `pads` holds the padding before each axis, then after each. Empty `strides` and `dilations` mean 1 on each
    axis, empty `pads` 0. Channels are divided into `groups` that do not see each other.
    """

    x: Value = operand(*FLOATS)
    w: Value = operand(*FLOATS, same_as="x")
    bias: Value | None = operand(*FLOATS, same_as="x", default=None)
    strides: tuple[int, ...] = attribute(default=(), minimum=1)
    dilations: tuple[int, ...] = attribute(default=(), minimum=1)
    pads: tuple[int, ...] = attribute(default=(), minimum=0)
    groups: int = attribute(default=1, minimum=1)
    pad_mode: str = attribute(default="explicit", one_of=PAD_MODES)

    @property
    def window(self) -> Window:
        """How the kernel moves, with all defaults filled in."""
        return window_of(self, self.w.tensor.shape[2:])

    def check_ranks(self) -> None:
        """Check that `x` and `w` have batch, channel and spatial axes.

        Raises:
            OptcError: slug `operand-rank`.
        """
        rank = self.x.tensor.rank
        expect_rank(self, "x", self.x, 3, 2 + MOST_AXES)
        expect_rank(self, "w", self.w, rank, rank)

    def check_channels(self, out_channels: Dim, in_channels: Dim) -> None:
        """Check the channels and the bias, given how many channels `w` makes and takes.

        Raises:
            OptcError: slugs `size-mismatch`, `conv-groups`, `operand-shape`.
        """
        x, w = self.x.tensor, self.w.tensor
        same_size(self, "number of channels of x", x.shape[1], in_channels)
        if clash(w.shape[0] // self.groups * self.groups, w.shape[0]):
            raise self.refuse("conv-groups", "first size of w", f"a multiple of groups, {self.groups}", w.shape[0])
        expect_shape(self, "bias", self.bias, (out_channels,))

    def finished(self, total: Array, bias: Array | None) -> Array:
        """The float64 sums with the bias added, in the element type of `x`."""
        dtype = self.x.tensor.dtype.numpy
        result: Any = total.astype(np.float64 if dtype == np.float64 else np.float32, copy=False)
        if bias is not None:
            result += bias.astype(result.dtype).reshape(-1, *(1,) * (total.ndim - 2))
        return np.asarray(result.astype(dtype, copy=False))


@op("conv")
class Conv(Convolution):
    """Convolution (correlation, as in all of deep learning); `w` is `[out, in / groups, kernel...]`."""

    def infer(self) -> TensorType:
        self.check_ranks()
        x, w = self.x.tensor, self.w.tensor
        self.check_channels(w.shape[0], w.shape[1] * self.groups)
        spatial = checked_out(self, self.window, x.shape[2:])
        return x.with_shape((x.shape[0], w.shape[0], *spatial))

    def evaluate(self, x: Array, w: Array, bias: Array | None) -> Array:
        window = window_of(self, w.shape[2:])
        counts: Any = checked_out(self, window, x.shape[2:])
        laid_out = window.laid_out(x, 0, np.float64)
        kernel = w.astype(np.float64).reshape(self.groups, -1, w.shape[1], math.prod(w.shape[2:]))
        correlate = _depthwise if w.shape[1] == 1 and self.groups > 1 else _grouped
        total = np.empty((x.shape[0], w.shape[0], *counts))
        for sample, out in zip(laid_out, total, strict=True):
            views = [sample[at] for at in window.taps(counts)]
            correlate(views, kernel, out.reshape(*kernel.shape[:2], *counts))
        return self.finished(total, bias)

    def operations(self) -> Dim:
        bias = self.result.tensor.elements if self.bias is not None else 0
        return self.result.tensor.elements * product(self.w.tensor.shape[1:]) * 2 + bias


def _depthwise(views: list[Array], kernel: Array, out: Array) -> None:
    """One input channel in each group; kernel is `[groups, out / groups, 1, taps]`."""
    weights = kernel.reshape(*kernel.shape[:2], *(1,) * (out.ndim - 2), len(views))
    out[...] = 0
    for tap, view in enumerate(views):
        out += weights[..., tap] * view[:, None]


def _grouped(views: list[Array], kernel: Array, out: Array) -> None:
    """A matrix product per group; kernel is `[groups, out / groups, in / groups, taps]`."""
    groups, made, taken, taps = kernel.shape
    matrix = kernel.reshape(groups, made, taken * taps)
    rows, row_size = out.shape[2], math.prod(out.shape[3:])
    step = max(1, _CHUNK // max(1, groups * taken * taps * row_size))
    for row in range(0, rows, step):
        parts = [view[:, row : row + step] for view in views]
        columns = np.stack(parts, axis=1).reshape(groups, taken * taps, -1)
        out[:, :, row : row + step] = (matrix @ columns).reshape(groups, made, *parts[0].shape[1:])


@op("conv_transpose")
class ConvTranspose(Convolution):
    """Transposed convolution, the gradient of `conv` by its input; `w` is `[in, out / groups, kernel...]`.

    Along each axis `stride * (size - 1) + output_padding + extent - pads` elements come out, where `extent` is
    what the dilated kernel spans. With `output_shape`, or a `same` mode (`size * stride` elements), the padding
    follows from that number; `same_upper` takes the odd element at the end, all else at the beginning.
    """

    output_padding: tuple[int, ...] = attribute(default=(), minimum=0)
    output_shape: tuple[int, ...] = attribute(default=(), minimum=1)

    def infer(self) -> TensorType:
        self.check_ranks()
        x, w = self.x.tensor, self.w.tensor
        made = w.shape[1] * self.groups
        self.check_channels(made, w.shape[0])
        window = self.window
        self._check_output(window)
        spatial, _ = self._cut(window, x.shape[2:])
        return x.with_shape((x.shape[0], made, *spatial))

    def _check_output(self, window: Window) -> None:
        for name, held in (("output_padding", self.output_padding), ("output_shape", self.output_shape)):
            if len(held) not in (0, window.rank):
                expected = f"empty or {window.rank} integers"
                raise self.refuse("window-attribute", f"attribute {name}", expected, list(held))
        limits = [max(pair) for pair in zip(window.strides, window.dilations, strict=True)]
        if any(p >= limit for p, limit in zip(self.output_padding, limits, strict=False)):
            expected = f"below the greater of stride and dilation, {limits}"
            raise self.refuse("conv-output-padding", "attribute output_padding", expected, list(self.output_padding))
        if self.output_shape and any(self.pads):
            raise self.refuse("window-pads", "attribute pads", "empty beside output_shape", list(self.pads))

    def _cut(self, window: Window, spatial: Shape) -> tuple[Shape, tuple[Dim, ...]]:
        """The spatial shape of the result, and where it begins in what the kernel covers."""
        counts: list[Dim] = []
        begins: list[Dim] = []
        extra = self.output_padding or (0,) * window.rank
        for axis, size in enumerate(spatial):
            stride = window.strides[axis]
            covered = (size - 1) * stride + (window.extents[axis] + extra[axis])
            begin: Dim = window.pads[axis]
            count = covered - (begin + window.pads[axis + window.rank])
            if self.output_shape or window.pad_mode.startswith("same"):
                count = self.output_shape[axis] if self.output_shape else size * stride
                begin = self._begin(covered - count, stride)
            if isinstance(count, int) and count < 1:
                raise self.refuse("window-size", "size of the result", "at least 1", count, "there is too much padding")
            counts.append(count)
            begins.append(begin)
        return tuple(counts), tuple(begins)

    def _begin(self, surplus: Dim, stride: int) -> Dim:
        """How much of the surplus is cut at the beginning."""
        if isinstance(surplus, int):
            if surplus <= -stride:
                raise self.refuse(
                    "conv-output-shape", "size of the result", f"less than {stride} past the last window", -surplus
                )
            surplus = max(surplus, 0)
        return surplus // 2 if self.pad_mode == "same_upper" else (surplus + 1) // 2

    def evaluate(self, x: Array, w: Array, bias: Array | None) -> Array:
        window = window_of(self, w.shape[2:])
        shape: Any
        begins: Any
        shape, begins = self._cut(window, x.shape[2:])
        covered = self._covered(window, x.shape[2:], shape, begins)
        made, spatial = w.shape[1], x.shape[2:]
        # [groups, out / groups * taps, in / groups]
        matrix = w.astype(np.float64).reshape(self.groups, -1, made * math.prod(w.shape[2:])).transpose(0, 2, 1)
        total = np.empty((x.shape[0], made * self.groups, *shape))
        inside: Any = (..., *(slice(b, b + n) for b, n in zip(begins, shape, strict=True)))
        for sample, out in zip(x, total, strict=True):
            parts = matrix @ sample.astype(np.float64).reshape(self.groups, matrix.shape[2], -1)
            parts = parts.reshape(self.groups * made, -1, *spatial)
            full = np.zeros((self.groups * made, *covered))
            for tap, at in enumerate(window.taps(spatial)):
                full[at] += parts[:, tap]
            out[...] = full[inside]
        return self.finished(total, bias)

    def _covered(self, window: Window, spatial: Any, shape: Any, begins: Any) -> tuple[int, ...]:
        """Long enough for every window, and for the result."""
        extents: Any = window.extents
        return tuple(
            max((size - 1) * stride + extent, begin + count)
            for size, stride, extent, begin, count in zip(spatial, window.strides, extents, begins, shape, strict=True)
        )

    def operations(self) -> Dim:
        bias = self.result.tensor.elements if self.bias is not None else 0
        return self.x.tensor.elements * product(self.w.tensor.shape[1:]) * 2 + bias


OPS: tuple[type[Op], ...] = (Conv, ConvTranspose)
