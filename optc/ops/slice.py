"""Slices: every `step`-th element from `start` up to `end`, along some of the axes."""

from collections.abc import Mapping
from typing import Any, ClassVar

from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import INDEX, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axes, with_axis
from optc.ops.dynamic import Dynamic, integers
from optc.ops.extent import least_size, lower_bound
from optc.ops.movement import Movement
from optc.ops.sizes import clash

BEYOND = 2**31 - 1
"""What exporters write for "up to the end"; no dimension is larger."""


def taken(dim: int, start: int, end: int, step: int) -> range:
    """The positions that a slice takes of `dim` elements.

    Negative bounds count from the end; then bounds outside are moved to the border. Backwards, a start below 0
    becomes 0 (Python would take nothing). Source: ONNX, operator Slice.
    """
    start, end = (bound + dim if bound < 0 else bound for bound in (start, end))
    if step > 0:
        return range(min(max(start, 0), dim), min(max(end, 0), dim), step)
    return range(min(max(start, 0), dim - 1), min(max(end, -1), dim - 1), step)


def sliced_size(dim: Dim, start: int, end: int, step: int) -> Dim:
    """How many elements a slice takes of `dim`; unknown where that depends on how large a symbolic one is."""
    if isinstance(dim, int):
        return len(taken(dim, start, end, step))
    size: Any = dim
    if step == -1 and (start == -1 or start >= BEYOND) and end <= -BEYOND:
        return size  # type: ignore[no-any-return]  # Dim arithmetic is typed Any: int and SymDim mix
    if step < 1:
        return UNKNOWN
    inside = max(start if start >= 0 else -start, 0 if end >= BEYOND else end if end >= 0 else -end)
    if least_size(dim) < inside:
        return UNKNOWN
    first: Any = start if start >= 0 else size + start
    last: Any = size if end >= BEYOND else end if end >= 0 else size + end
    span: Any = last - first
    if (lower_bound(span) or 0) < 0 or lower_bound(span) is None:
        return UNKNOWN
    return (span + (step - 1)) // step  # type: ignore[no-any-return]  # as above


@op("slice")
class Slice(Movement):
    """`x[start:end:step]` along each of `axes` (increasing), with bounds as `taken` says."""

    x: Value = operand()
    starts: tuple[int, ...] = attribute()
    ends: tuple[int, ...] = attribute()
    axes: tuple[int, ...] = attribute(minimum=0)
    steps: tuple[int, ...] = attribute()

    def infer(self) -> TensorType:
        shape = self.x.tensor.shape
        if len({len(self.starts), len(self.ends), len(self.axes), len(self.steps)}) > 1:
            counts = [len(self.starts), len(self.ends), len(self.axes), len(self.steps)]
            raise self.refuse("slice-form", "numbers of starts, ends, axes and steps", "equal", counts)
        if 0 in self.steps:
            raise self.refuse("slice-step", "each step", "other than 0", list(self.steps))
        check_axes(self, self.axes, len(shape))
        for axis, start, end, step in zip(self.axes, self.starts, self.ends, self.steps, strict=True):
            shape = with_axis(shape, axis, sliced_size(shape[axis], start, end, step))
        return self.x.tensor.with_shape(shape)

    def evaluate(self, x: Array) -> Array:
        cuts = [slice(None)] * x.ndim
        for axis, start, end, step in zip(self.axes, self.starts, self.ends, self.steps, strict=True):
            places = taken(x.shape[axis], start, end, step)
            cuts[axis] = slice(places.start, None if places.stop < 0 else places.stop, step)
        return x[tuple(cuts)]


@op("dynamic_slice")
class DynamicSlice(Dynamic):
    """`slice` with bounds and steps (1 if absent) from operands (i64[number of axes]); axes in any order."""

    x: Value = operand()
    starts: Value = operand(*INDEX)
    ends: Value = operand(*INDEX)
    axes: tuple[int, ...] = attribute(minimum=0)
    steps: Value | None = operand(*INDEX, default=None)
    parameters: ClassVar[tuple[str, ...]] = ("starts", "ends", "steps")

    def infer(self) -> TensorType:
        shape = self.x.tensor.shape
        check_axes(self, tuple(sorted(self.axes)), len(shape))
        for name in self.parameters:
            value = getattr(self, name)
            if value is not None and (value.tensor.rank != 1 or clash(value.tensor.shape[0], len(self.axes))):
                raise self.refuse("slice-form", f"shape of operand {name}", f"[{len(self.axes)}]", value.tensor)
        return self.x.tensor.with_shape(tuple(UNKNOWN if i in self.axes else d for i, d in enumerate(shape)))

    def settled(self, given: Mapping[str, Array]) -> Op:
        steps = integers(given["steps"]) if "steps" in given else (1,) * len(self.axes)
        rows = sorted(zip(self.axes, integers(given["starts"]), integers(given["ends"]), steps, strict=True))
        axes, starts, ends, steps = zip(*rows, strict=True) if rows else ((), (), (), ())
        return Slice(self.x, starts, ends, axes, steps)


OPS: tuple[type[Op], ...] = (Slice, DynamicSlice)
