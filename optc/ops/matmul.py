"""Matrix products.

Products of float32 and narrower floats are summed in float64, where each product is exact: the order of the sum,
which depends on the linear-algebra library and its threads, then does not show in the rounded result. Integers wrap.
"""

import math
from typing import Any

import numpy as np

from optc.ir.dims import Dim, Shape
from optc.ir.dtypes import FLOATS, Array, DType
from optc.ir.fields import operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.broadcast import broadcast
from optc.ops.expect import expect_rank, expect_shape
from optc.ops.sizes import same_size

MATRIX_DTYPES = (*FLOATS, DType.I32, DType.I64, DType.U32, DType.U64)


def accumulator(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which sums of products of this dtype are taken."""
    return dtype if dtype.kind in "iu" else np.dtype(np.float64)


def rounded_sum(total: Array, dtype: np.dtype[Any]) -> Array:
    """A sum in the dtype in which it goes on: float32 for all floats but float64."""
    return total.astype(dtype if dtype.kind in "iu" or dtype.itemsize == 8 else np.float32, copy=False)


def widened_operand(array: Array) -> Array:
    """The array in its accumulator's dtype, contiguous, so that equal values give equal bits."""
    return np.ascontiguousarray(array, accumulator(array.dtype))


@op("matmul")
class MatMul(Op):
    """`x @ y` by NumPy's rules: matrices in the last two axes, broadcast leading axes, vectors promoted."""

    x: Value = operand(*MATRIX_DTYPES)
    y: Value = operand(*MATRIX_DTYPES, same_as="x")

    def infer(self) -> TensorType:
        x, y = self.x.tensor, self.y.tensor
        expect_rank(self, "x", self.x, 1)
        expect_rank(self, "y", self.y, 1)
        same_size(self, "second last size of y" if y.rank > 1 else "size of y", y.shape[max(-2, -y.rank)], x.shape[-1])
        rows: Shape = x.shape[-2:-1]
        columns: Shape = y.shape[-1:] if y.rank > 1 else ()
        return x.with_shape((*broadcast(self, x.shape[:-2], y.shape[:-2]), *rows, *columns))

    def evaluate(self, x: Array, y: Array) -> Array:
        total = np.asarray(np.matmul(widened_operand(x), widened_operand(y)))
        return rounded_sum(total, x.dtype).astype(x.dtype, copy=False)

    def operations(self) -> Dim:
        return self.result.tensor.elements * self.x.tensor.shape[-1] * 2


@op("linear")
class Linear(Op):
    """`x @ transpose(w) + bias`, with `x` `[..., in]`, `w` `[out, in]` and `bias` `[out]`: a dense layer."""

    x: Value = operand(*FLOATS)
    w: Value = operand(*FLOATS, same_as="x")
    bias: Value | None = operand(*FLOATS, same_as="x", default=None)

    def infer(self) -> TensorType:
        x, w = self.x.tensor, self.w.tensor
        expect_rank(self, "x", self.x, 1)
        expect_rank(self, "w", self.w, 2, 2)
        same_size(self, "second size of w", w.shape[1], x.shape[-1])
        expect_shape(self, "bias", self.bias, (w.shape[0],))
        return x.with_shape((*x.shape[:-1], w.shape[0]))

    def evaluate(self, x: Array, w: Array, bias: Array | None) -> Array:
        rows = widened_operand(x).reshape(math.prod(x.shape[:-1]), w.shape[1])
        result: Any = rounded_sum(rows @ widened_operand(w).T, x.dtype)
        if bias is not None:
            result += bias.astype(result.dtype)
        return np.asarray(result.astype(x.dtype, copy=False).reshape(*x.shape[:-1], w.shape[0]))

    def operations(self) -> Dim:
        elements: Any = self.result.tensor.elements
        total: Dim = elements * self.w.tensor.shape[1] * 2 + (elements if self.bias is not None else 0)
        return total


OPS: tuple[type[Op], ...] = (MatMul, Linear)
