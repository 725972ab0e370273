"""Softmax and its logarithm."""

from typing import Any

import numpy as np

from optc.ir.dtypes import FLOATS, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axis
from optc.ops.elementwise import Unary, widened


@abstract_op
class _AlongAxis(Unary):
    """A float tensor of rank at least 1, normalised along `axis` (counted from the front)."""

    x: Value = operand(*FLOATS)
    axis: int = attribute()
    steps = 5

    def infer(self) -> TensorType:
        check_axis(self, self.axis, self.x.tensor.rank)
        return self.x.tensor

    def shifted(self, x: Array) -> Any:
        """`x` less its greatest along the axis, so that the exponential cannot overflow."""
        return x - np.max(x, axis=self.axis, keepdims=True, initial=-np.inf)


@op("softmax")
class Softmax(_AlongAxis):
    """`exp(x) / sum(exp(x))`, the sum being along `axis`."""

    def evaluate(self, x: Array) -> Array:
        return widened(self._softmax, x)

    def _softmax(self, x: Array) -> Any:
        exponential = np.exp(self.shifted(x))
        return exponential / np.sum(exponential, axis=self.axis, keepdims=True)


@op("log_softmax")
class LogSoftmax(_AlongAxis):
    """`x - log(sum(exp(x)))`, the sum being along `axis`."""

    def evaluate(self, x: Array) -> Array:
        return widened(self._log_softmax, x)

    def _log_softmax(self, x: Array) -> Any:
        shifted = self.shifted(x)
        return shifted - np.log(np.sum(np.exp(shifted), axis=self.axis, keepdims=True))


OPS: tuple[type[Op], ...] = (Softmax, LogSoftmax)
