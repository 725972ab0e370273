"""Limiting values to a range."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from optc.ir.dims import Dim
from optc.ir.dtypes import NUMERIC, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.dynamic import Dynamic


@op("clip")
class Clip(Op):
    """Values below `min` become `min`, then values above `max` become `max`; NaN stays NaN.

    An infinite bound bounds nothing. For integers, finite bounds are whole numbers that the element type has.
    """

    x: Value = operand(*NUMERIC)
    min: float = attribute(default=-math.inf)
    max: float = attribute(default=math.inf)

    def infer(self) -> TensorType:
        self._check("min", self.min, -math.inf)
        self._check("max", self.max, math.inf)
        return self.x.tensor

    def _check(self, name: str, bound: float, none: float) -> None:
        dtype = self.x.tensor.dtype
        if math.isnan(bound):
            raise self.refuse("clip-bound", f"attribute {name}", "a number", bound)
        if dtype.is_float or bound == none:
            return
        least, most = dtype.integer_range
        if not (math.isfinite(bound) and bound == int(bound) and least <= int(bound) <= most):
            raise self.refuse("clip-bound", f"attribute {name}", f"{none} or a whole number of type {dtype}", bound)

    def evaluate(self, x: Array) -> Array:
        if self.min != -math.inf:
            x = np.maximum(x, _scalar(self.min, x.dtype))
        if self.max != math.inf:
            x = np.minimum(x, _scalar(self.max, x.dtype))
        return np.asarray(x)

    def operations(self) -> Dim:
        return self.x.tensor.elements * 2


def _scalar(bound: float, dtype: np.dtype[Any]) -> Array:
    return np.array(int(bound) if dtype.kind in "iu" else bound).astype(dtype)


def _number(array: Array) -> int | float:
    (element,) = array.reshape(-1)
    return int(element) if array.dtype.kind in "iu" else float(element)


@op("dynamic_clip")
class DynamicClip(Dynamic):
    """`clip` whose bounds are operands of one element; one that is absent bounds nothing."""

    x: Value = operand(*NUMERIC)
    min: Value | None = operand(*NUMERIC, same_as="x", default=None)
    max: Value | None = operand(*NUMERIC, same_as="x", default=None)
    parameters = ("min", "max")

    def infer(self) -> TensorType:
        for name, bound in (("min", self.min), ("max", self.max)):
            if bound is not None and bound.tensor.shape not in ((), (1,)):
                raise self.refuse("operand-shape", f"shape of operand {name}", "[] or [1]", bound.tensor)
        return self.x.tensor

    def settled(self, given: Mapping[str, Array]) -> Op | None:
        """None for a bound that is NaN or no float64: a whole number beyond 2**53."""
        low, high = (_number(given[n]) if n in given else none for n, none in (("min", -math.inf), ("max", math.inf)))
        return None if float(low) != low or float(high) != high else Clip(self.x, float(low), float(high))

    def compute(self, x: Array, low: Array | None, high: Array | None) -> Array:
        if low is not None:
            x = np.maximum(x, low.reshape(()))
        if high is not None:
            x = np.minimum(x, high.reshape(()))
        return np.asarray(x)

    def operations(self) -> Dim:
        return self.x.tensor.elements * 2


OPS: tuple[type[Op], ...] = (Clip, DynamicClip)
