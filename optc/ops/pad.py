"""Padding: elements added before and after each axis."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import INDEX, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axes
from optc.ops.dynamic import Dynamic, integers
from optc.ops.movement import NOT_TEXT, Movement, check_elements
from optc.ops.sizes import clash

MODES = ("constant", "reflect", "edge", "wrap")


def _check_value(op: Op, elements: Dim) -> None:
    if clash(elements, 1):
        raise op.refuse("pad-value", "number of elements of operand value", 1, elements)


def _sources(mode: str, size: int, before: int, after: int) -> Array:
    """For each place of a padded axis, the place of the operand that it repeats."""
    places = np.arange(-before, size + after)
    if mode == "edge" or size == 1:
        return np.clip(places, 0, size - 1)
    if mode == "wrap":
        return places % size
    period = 2 * (size - 1)
    folded = places % period
    return np.minimum(folded, period - folded)


@op("pad")
class Pad(Movement):
    """`x` with `pads[i]` elements before axis `i` and `pads[rank + i]` after it.

    Mode `constant` adds `value` (0 if absent) and may take elements away (negative pads); `reflect` mirrors
    without repeating the border (so at most size - 1 elements), `edge` repeats it, `wrap` goes round.
    """

    x: Value = operand(*NOT_TEXT)
    pads: tuple[int, ...] = attribute()
    value: Value | None = operand(same_as="x", default=None)
    mode: str = attribute(default="constant", one_of=MODES)

    def infer(self) -> TensorType:
        own = self.x.tensor.shape
        _check_value(self, 1 if self.value is None else self.value.tensor.elements)
        if len(self.pads) != 2 * len(own):
            raise self.refuse("pads-count", "number of pads", f"twice the rank, {2 * len(own)}", len(self.pads))
        if self.mode != "constant" and min(self.pads, default=0) < 0:
            raise self.refuse("pads-sign", f"each of pads in mode {self.mode}", "at least 0", list(self.pads))
        for axis, dim in enumerate(own):
            if isinstance(dim, int):
                self._check_axis(axis, dim)
        pairs: Any = zip(own, self.pads, self.pads[len(own) :], strict=False)
        return self.x.tensor.with_shape(tuple(d + b + e for d, b, e in pairs))

    def _check_axis(self, axis: int, dim: int) -> None:
        before, after = self.pads[axis], self.pads[len(self.pads) // 2 + axis]
        if self.mode == "reflect" and max(before, after) > max(0, dim - 1):
            raise self.refuse("pads-reflect", f"pads of axis {axis}", f"at most {max(0, dim - 1)}", [before, after])
        if self.mode in ("edge", "wrap") and dim == 0 and before + after:
            raise self.refuse("pads-empty", f"pads of axis {axis}, which is empty,", 0, [before, after])
        if min(before, after, before + after) < -dim:
            raise self.refuse("pads-crop", f"pads of axis {axis}", f"at least -{dim} together", [before, after])

    def evaluate(self, x: Array, value: Array | None) -> Array:
        rank = x.ndim
        before, after = self.pads[:rank], self.pads[rank:]
        shape = tuple(d + b + e for d, b, e in zip(x.shape, before, after, strict=True))
        for axis, dim in enumerate(x.shape):
            self._check_axis(axis, dim)
        check_elements(self, shape)
        _check_value(self, 1 if value is None else value.size)
        if self.mode == "constant":
            return self._constant(x, value, shape)
        for axis, dim in enumerate(x.shape):
            if before[axis] or after[axis]:
                x = np.take(x, _sources(self.mode, dim, before[axis], after[axis]), axis)
        return x

    def _constant(self, x: Array, value: Array | None, shape: tuple[int, ...]) -> Array:
        rank = x.ndim
        out = np.zeros(shape, x.dtype) if value is None else np.full(shape, value.reshape(()), x.dtype)
        cropped = tuple(slice(max(0, -b), d - max(0, -e)) for d, b, e in self._sides(x))
        inner = x[cropped]
        places = tuple(slice(max(0, b), max(0, b) + s) for b, s in zip(self.pads[:rank], inner.shape, strict=True))
        out[places] = inner
        return out

    def _sides(self, x: Array) -> "zip[tuple[int, int, int]]":
        return zip(x.shape, self.pads[: x.ndim], self.pads[x.ndim :], strict=True)


@op("dynamic_pad")
class DynamicPad(Dynamic):
    """`pad` of the dimensions `axes` by `pads` (i64[2 * number of axes]: all befores, then all afters)."""

    x: Value = operand(*NOT_TEXT)
    pads: Value = operand(*INDEX)
    axes: tuple[int, ...] = attribute(minimum=0)
    value: Value | None = operand(same_as="x", default=None)
    mode: str = attribute(default="constant", one_of=MODES)
    parameters: ClassVar[tuple[str, ...]] = ("pads",)

    def infer(self) -> TensorType:
        own = self.x.tensor.shape
        _check_value(self, 1 if self.value is None else self.value.tensor.elements)
        check_axes(self, tuple(sorted(self.axes)), len(own))
        kind = self.pads.tensor
        if kind.rank != 1 or clash(kind.shape[0], 2 * len(self.axes)):
            raise self.refuse("pads-count", "shape of operand pads", f"[{2 * len(self.axes)}]", kind)
        return self.x.tensor.with_shape(tuple(UNKNOWN if i in self.axes else d for i, d in enumerate(own)))

    def settled(self, given: Mapping[str, Array]) -> Op:
        rank, count = self.x.tensor.rank, len(self.axes)
        listed = integers(given["pads"])
        pads = [0] * (2 * rank)
        for index, axis in enumerate(self.axes):
            pads[axis], pads[rank + axis] = listed[index], listed[count + index]
        return Pad(self.x, tuple(pads), self.value, self.mode)


OPS: tuple[type[Op], ...] = (Pad, DynamicPad)
