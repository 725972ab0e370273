"""Conversion between element types."""

from typing import Any

import numpy as np

from optc.ir.dtypes import ALL, FLOAT8S, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value

_NUMBERS = tuple(d for d in ALL if d is not DType.STR)


def _float_to_integer(x: Array, to: DType) -> Array:
    """Rounded towards zero; beyond the range the nearest value in it, and 0 for NaN."""
    least, most = to.integer_range
    # The bounds as floats: `most` itself is none in 64 bits, so what reaches the next power of two is too much.
    above, below = x >= float(most + 1), x < float(least)
    inside = np.where(above | below | np.isnan(x), np.zeros_like(x), x)
    out = np.trunc(inside).astype(to.numpy)
    return np.asarray(np.where(above, to.numpy.type(most), np.where(below, to.numpy.type(least), out)))


def _wrapped(x: Array, to: DType) -> Array:
    """The low bits of integers, read as `to`."""
    out = x.astype(to.numpy)
    if to.is_sub_byte:
        unused = np.array(8 - to.bits, to.numpy)
        out = (out << unused) >> unused
    return np.asarray(out)


def _float8(x: Array, to: DType, saturate: bool) -> Array:
    if saturate:
        most = 448.0 if to is DType.F8E4M3 else 57344.0
        x = np.clip(x, -most, most)
    return x.astype(to.numpy)


def convert(x: Array, to: DType, saturate: bool = True) -> Array:
    """The values of an array (not of strings) as element type `to`; see `Cast`."""
    if x.dtype.kind in "fV" and x.dtype.itemsize < 4:
        x = x.astype(np.float32)
    if to is DType.BOOL:
        return np.asarray(x != 0)
    if to.is_integer:
        return _float_to_integer(x, to) if x.dtype.kind == "f" else _wrapped(x, to)
    if to in FLOAT8S:
        return _float8(x.astype(np.float32) if x.dtype.kind != "f" else x, to, saturate)
    return x.astype(to.numpy)


@op("cast")
class Cast(Op):
    """`x` with its values converted to element type `to`.

    Floats become integers by rounding towards zero, the nearest value in range beyond it, and 0 for NaN; integers
    become integers by their low bits; anything becomes `bool` by not being 0. What is beyond the range of an 8-bit
    float becomes its greatest value with `saturate`, else infinity, or NaN where the type has no infinity.
    """

    x: Value = operand(*_NUMBERS)
    to: DType = attribute()
    saturate: bool = attribute(default=True)

    def infer(self) -> TensorType:
        if self.to is DType.STR:
            raise self.refuse("cast-to-str", "attribute to", "a type of numbers", self.to)
        return self.x.tensor.with_dtype(self.to)

    def evaluate(self, x: Array) -> Any:
        return convert(x, self.to, self.saturate)


OPS: tuple[type[Op], ...] = (Cast,)
