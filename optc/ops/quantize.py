"""Quantization of activations: floats to integers and back, with scales that may be computed at run time.

`scale` is a scalar (one for the tensor), has one dimension (one scale per index of `axis`), or, where `block_size` is
not 0, the rank of the tensor with one scale for every `block_size` elements along `axis` (the last block may be
shorter). `zero_point`, if given, has the scale's shape.
"""

from typing import Any

import attrs
import numpy as np

from optc.ir.dims import Shape, product
from optc.ir.dtypes import Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axis, with_axis
from optc.ops.broadcast import broadcast
from optc.ops.sizes import clash

FLOATS = (DType.F16, DType.BF16, DType.F32)
CODES = (DType.I4, DType.U4, DType.I8, DType.U8, DType.I16, DType.U16)


@attrs.frozen
class Granularity:
    """Which elements share a scale."""

    axis: int
    block_size: int

    def check(self, op: Op, shape: Shape, scale: Value, zero_point: Value | None) -> None:
        """Check the shapes of scale and zero point against that of the tensor.

        Raises:
            OptcError: slugs `axis`, `scale-rank`, `scale-shape`, `offset-shape`, said of `op`.
        """
        own = scale.tensor.shape
        if zero_point is not None and (
            zero_point.tensor.rank != len(own) or any(map(clash, zero_point.tensor.shape, own))
        ):
            raise op.refuse("offset-shape", "shape of the zero point", f"that of {scale.type}", zero_point.type)
        if not own and not self.block_size:
            return
        check_axis(op, self.axis, len(shape))
        if len(own) != (len(shape) if self.block_size else 1):
            expected = f"{len(shape)}" if self.block_size else "0 or 1"
            raise op.refuse("scale-rank", "rank of the scale", expected, len(own))
        wanted = self._blocks(shape) if self.block_size else (shape[self.axis],)
        if any(map(clash, own, wanted)):
            raise op.refuse("scale-shape", "shape of the scale", list(map(str, wanted)), scale.type)

    def _blocks(self, shape: Shape) -> Shape:
        return with_axis(shape, self.axis, (shape[self.axis] + (self.block_size - 1)) // self.block_size)

    def spread(self, scale: Array, shape: tuple[int, ...]) -> Array:
        """Scale or zero point in a shape that broadcasts against a tensor of `shape`."""
        if self.block_size:
            long: Array = np.repeat(scale, self.block_size, self.axis)
            kept: Array = long[(slice(None),) * self.axis + (slice(shape[self.axis]),)]
            return kept
        return scale.reshape([-1 if a == self.axis else 1 for a in range(len(shape))]) if scale.ndim else scale


@op("quantize")
class Quantize(Op):
    """`x / scale` in float32, rounded half to even, plus the zero point, clipped to the range of `dtype`.

    NaN becomes the zero point.
    """

    x: Value = operand(*FLOATS)
    scale: Value = operand(*FLOATS, same_as="x")
    zero_point: Value | None = operand(*CODES, default=None)
    dtype: DType = attribute(default=DType.U8, one_of=CODES)
    axis: int = attribute(default=0)
    block_size: int = attribute(default=0, minimum=0)

    def infer(self) -> TensorType:
        Granularity(self.axis, self.block_size).check(self, self.x.tensor.shape, self.scale, self.zero_point)
        if self.zero_point is not None and self.zero_point.tensor.dtype is not self.dtype:
            raise self.refuse("offset-dtype", "element type of the zero point", self.dtype, self.zero_point.type)
        return self.x.tensor.with_dtype(self.dtype)

    def evaluate(self, x: Array, scale: Array, zero_point: Array | None) -> Array:
        shared = Granularity(self.axis, self.block_size)
        steps = shared.spread(scale, x.shape).astype(np.float32)
        quotient = np.rint(x.astype(np.float32) / steps)
        quotient = np.where(np.isnan(quotient), np.float32(0), quotient)
        if zero_point is not None:
            quotient = quotient + shared.spread(zero_point, x.shape).astype(np.float32)
        return np.asarray(np.clip(quotient, *self.dtype.integer_range).astype(self.dtype.numpy))

    def operations(self) -> Any:
        return 4 * product(self.x.tensor.shape)


@op("dequantize")
class Dequantize(Op):
    """`scale * (x - zero_point)` in float32, rounded to the scale's element type."""

    x: Value = operand(*CODES, DType.I32)
    scale: Value = operand(*FLOATS)
    zero_point: Value | None = operand(*CODES, DType.I32, same_as="x", default=None)
    axis: int = attribute(default=0)
    block_size: int = attribute(default=0, minimum=0)

    def infer(self) -> TensorType:
        Granularity(self.axis, self.block_size).check(self, self.x.tensor.shape, self.scale, self.zero_point)
        return self.x.tensor.with_dtype(self.scale.tensor.dtype)

    def evaluate(self, x: Array, scale: Array, zero_point: Array | None) -> Array:
        shared = Granularity(self.axis, self.block_size)
        codes = x.astype(np.int64)
        if zero_point is not None:
            codes = codes - shared.spread(zero_point, x.shape)
        steps = shared.spread(scale, x.shape).astype(np.float32)
        return np.asarray((codes.astype(np.float32) * steps).astype(scale.dtype))

    def operations(self) -> Any:
        return 2 * product(self.x.tensor.shape)


@op("dynamic_quantize")
class DynamicQuantize(Op):
    """Quantize to `u8` over the range of the values, widened to hold 0: codes, scale and zero point (scalars)."""

    x: Value = operand(DType.F32)

    def infer(self) -> tuple[TensorType, TensorType, TensorType]:
        return self.x.tensor.with_dtype(DType.U8), TensorType(DType.F32), TensorType(DType.U8)

    def evaluate(self, x: Array) -> tuple[Array, Array, Array]:
        least, greatest = x.min(initial=np.float32(0)), x.max(initial=np.float32(0))
        scale = np.float32(1) if least == greatest else np.float32((greatest - least) / np.float32(255))
        zero = np.rint(np.clip(-least / scale, 0, 255))
        codes = np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.uint8)
        return codes, np.asarray(scale), np.asarray(zero.astype(np.uint8))

    def operations(self) -> Any:
        return 6 * product(self.x.tensor.shape)


@op("matmul_integer")
class MatmulInteger(Op):
    """The matrix product of `x - x_zero` and `y - y_zero` in `i32`, batched over the leading axes.

    Both have rank 2 or more; `x_zero` is a scalar, `y_zero` a scalar or one number per column of `y`.
    """

    x: Value = operand(DType.I8, DType.U8)
    y: Value = operand(DType.I8, DType.U8)
    x_zero: Value | None = operand(DType.I8, DType.U8, same_as="x", default=None)
    y_zero: Value | None = operand(DType.I8, DType.U8, same_as="y", default=None)

    def infer(self) -> TensorType:
        x, y = self.x.tensor.shape, self.y.tensor.shape
        if min(len(x), len(y)) < 2:
            raise self.refuse("operand-rank", "rank of the operands", "at least 2", min(len(x), len(y)))
        if clash(x[-1], y[-2]):
            raise self.refuse("size-mismatch", "rows of operand y", f"{x[-1]}, the columns of operand x", y[-2])
        if self.x_zero is not None and self.x_zero.tensor.rank:
            raise self.refuse("offset-shape", "operand x_zero", "a scalar", self.x_zero.type)
        zero = () if self.y_zero is None else self.y_zero.tensor.shape
        if len(zero) > 1 or any(clash(d, y[-1]) for d in zero):
            raise self.refuse("offset-shape", "operand y_zero", f"a scalar or of length {y[-1]}", list(map(str, zero)))
        return TensorType(DType.I32, (*broadcast(self, x[:-2], y[:-2]), x[-2], y[-1]))

    def evaluate(self, x: Array, y: Array, x_zero: Array | None, y_zero: Array | None) -> Array:
        # float64 holds every sum exactly, and its product is far faster than that of integers.
        a = x.astype(np.float64) - (0 if x_zero is None else x_zero.astype(np.float64))
        b = y.astype(np.float64) - (0 if y_zero is None else y_zero.astype(np.float64))
        return np.asarray(np.matmul(a, b).astype(np.int64).astype(np.int32))

    def operations(self) -> Any:
        inner: Any = self.x.tensor.shape[-1]
        return 2 * inner * self.result.tensor.elements


OPS: tuple[type[Op], ...] = (Quantize, Dequantize, DynamicQuantize, MatmulInteger)
