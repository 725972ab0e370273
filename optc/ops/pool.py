"""Pooling over the spatial axes of `[batch, channels, spatial...]`.

Sums are taken in float64 and rounded once, so that the order of the sum does not show.
"""

import math
from typing import Any

import numpy as np

from optc.ir.dims import Dim
from optc.ir.dtypes import FLOATS, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.expect import expect_rank
from optc.ops.window import PAD_MODES, Window, checked_out, window_of


@abstract_op
class Pool(Op):
    """A window of `kernel_shape` that slides over `x`; strides, dilations and pads are those of `conv`.

    With `ceil_mode`, a last window that reaches past the padding at the end counts, if it starts before it.
    """

    x: Value = operand(*FLOATS, DType.I8, DType.U8)
    kernel_shape: tuple[int, ...] = attribute(minimum=1)
    strides: tuple[int, ...] = attribute(default=(), minimum=1)
    dilations: tuple[int, ...] = attribute(default=(), minimum=1)
    pads: tuple[int, ...] = attribute(default=(), minimum=0)
    pad_mode: str = attribute(default="explicit", one_of=PAD_MODES)
    ceil_mode: bool = attribute(default=False)

    @property
    def window(self) -> Window:
        """How the window moves, with all defaults filled in."""
        return window_of(self, self.kernel_shape, self.ceil_mode)

    def infer(self) -> TensorType:
        x, window = self.x.tensor, self.window
        expect_rank(self, "x", self.x, window.rank + 2, window.rank + 2)
        if self.ceil_mode and self.pad_mode != "explicit":
            raise self.refuse("pool-ceil-mode", "attribute pad_mode", "explicit beside ceil_mode", self.pad_mode)
        if any(pad >= kernel for pad, kernel in zip(self.pads, self.kernel_shape * 2, strict=False)):
            expected = f"smaller than the kernel, {list(self.kernel_shape)}"
            raise self.refuse("pool-pads", "attribute pads", expected, list(self.pads))
        return x.with_shape((*x.shape[:2], *checked_out(self, window, x.shape[2:])))

    def folded(self, x: Array, fill: Any, dtype: Any, ufunc: Any) -> tuple[Array, Window]:
        """All taps of each window folded by a binary ufunc, padding being `fill`."""
        window = self.window
        counts: Any = checked_out(self, window, x.shape[2:])
        laid_out = window.laid_out(x, fill, dtype)
        total: Any = None
        for at in window.taps(counts):
            total = laid_out[at].copy() if total is None else ufunc(total, laid_out[at], out=total)
        return total, window

    def operations(self) -> Dim:
        return self.result.tensor.elements * math.prod(self.kernel_shape)


@op("max_pool")
class MaxPool(Pool):
    """The greatest element in each window; padding never wins."""

    def evaluate(self, x: Array) -> Array:
        dtype = self.x.tensor.dtype
        least = -np.inf if dtype.is_float else dtype.integer_range[0]
        return self.folded(x, least, x.dtype, np.maximum)[0]


@abstract_op
class FloatPool(Pool):
    """A pooling that computes, so that integers are refused."""

    def infer(self) -> TensorType:
        if not self.x.tensor.dtype.is_float:
            raise self.refuse("operand-dtype", "element type of operand x", "a float type", self.x.tensor.dtype)
        return Pool.infer(self)


@op("avg_pool")
class AvgPool(FloatPool):
    """The mean of each window, over the elements of `x` in it, or with `count_include_pad` over the padding too."""

    count_include_pad: bool = attribute(default=False)

    def evaluate(self, x: Array) -> Array:
        total, window = self.folded(x, 0, np.float64, np.add)
        taps = window.taps_inside(x.shape[2:], self.count_include_pad)
        return np.asarray((total / taps).astype(x.dtype, copy=False))


@op("lp_pool")
class LpPool(FloatPool):
    """The `p`-norm of each window: the `p`-th root of the sum of `abs(x) ** p`."""

    p: int = attribute(default=2, minimum=1)

    def evaluate(self, x: Array) -> Array:
        powers = np.abs(x.astype(np.float64)) ** self.p
        total, _ = self.folded(powers, 0, np.float64, np.add)
        return np.asarray((total ** (1 / self.p)).astype(x.dtype, copy=False))


@abstract_op
class GlobalPool(Op):
    """All spatial axes of `x` reduced to size 1."""

    x: Value = operand(*FLOATS)

    def infer(self) -> TensorType:
        x = self.x.tensor
        expect_rank(self, "x", self.x, 3)
        if 0 in x.shape[2:]:
            raise self.refuse("window-size", "spatial sizes of x", "at least 1", list(x.shape[2:]))
        return x.with_shape((*x.shape[:2], *(1,) * (x.rank - 2)))

    def flat(self, x: Array) -> Array:
        """`x` with one spatial axis, which is not empty."""
        if 0 in x.shape[2:]:
            raise self.refuse("window-size", "spatial sizes of x", "at least 1", list(x.shape[2:]))
        return np.ascontiguousarray(x).reshape(*x.shape[:2], math.prod(x.shape[2:]))

    def operations(self) -> Dim:
        return self.x.tensor.elements


@op("global_avg_pool")
class GlobalAvgPool(GlobalPool):
    """The mean over all spatial axes, which are kept with size 1."""

    def evaluate(self, x: Array) -> Array:
        mean = self.flat(x).astype(np.float64).mean(2)
        return np.asarray(mean.astype(x.dtype, copy=False).reshape(*x.shape[:2], *(1,) * (x.ndim - 2)))


@op("global_max_pool")
class GlobalMaxPool(GlobalPool):
    """The greatest element over all spatial axes, which are kept with size 1."""

    def evaluate(self, x: Array) -> Array:
        return np.asarray(self.flat(x).max(2).reshape(*x.shape[:2], *(1,) * (x.ndim - 2)))


OPS: tuple[type[Op], ...] = (MaxPool, AvgPool, LpPool, GlobalAvgPool, GlobalMaxPool)
