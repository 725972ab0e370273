"""Resizing of images and other sampled signals."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import FLOATS, INDEX, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axes, with_axis
from optc.ops.dynamic import Dynamic, integers
from optc.ops.movement import NOT_TEXT, Movement, check_elements
from optc.ops.resample import POSITIONS, ROUNDINGS, Axis, cubic, linear, nearest
from optc.ops.sizes import clash

MODES = ("nearest", "linear", "cubic")
MOST_SCALE = 1 << 31
_TAPS = {"nearest": 0, "linear": 2, "cubic": 4}


def _check_mode(op: Op, mode: str, kind: DType) -> None:
    if mode != "nearest" and kind not in FLOATS:
        raise op.refuse("operand-dtype", f"element type of operand x in mode {mode}", "a float type", kind)


@op("resize")
class Resize(Movement):
    """`x` sampled anew along `axes`, to `sizes` or by `scales` (whichever is given; sizes are rounded down).

    `coordinates` maps places of the result to places of the operand; mode `nearest` rounds them as `rounding`
    says, `linear` and `cubic` (kernel coefficient `cubic_coeff_a`) weigh the neighbours. All as ONNX Resize.
    """

    x: Value = operand(*NOT_TEXT)
    axes: tuple[int, ...] = attribute(minimum=0)
    sizes: tuple[int, ...] = attribute(default=(), minimum=1)
    scales: tuple[float, ...] = attribute(default=())
    mode: str = attribute(default="nearest", one_of=MODES)
    coordinates: str = attribute(default="half_pixel", one_of=tuple(POSITIONS))
    rounding: str = attribute(default="round_prefer_floor", one_of=tuple(ROUNDINGS))
    cubic_coeff_a: float = attribute(default=-0.75)
    exclude_outside: bool = attribute(default=False)

    def infer(self) -> TensorType:
        shape = self.x.tensor.shape
        check_axes(self, self.axes, len(shape))
        _check_mode(self, self.mode, self.x.tensor.dtype)
        given = sorted((len(self.sizes), len(self.scales)))
        if given != [0, len(self.axes)]:
            raise self.refuse("resize-form", "sizes or scales", f"{len(self.axes)} numbers, not both", given)
        if not all(1 / MOST_SCALE <= s <= MOST_SCALE for s in self.scales):
            raise self.refuse("resize-scale", "each scale", "positive and of a sane size", list(self.scales))
        for index, axis in enumerate(self.axes):
            shape = with_axis(shape, axis, self._size(index, shape[axis]))
        return self.x.tensor.with_shape(shape)

    def _size(self, index: int, dim: Dim) -> Dim:
        if dim == 0:
            raise self.refuse("resize-empty", f"size of axis {self.axes[index]}", "at least 1", 0)
        if self.sizes:
            return self.sizes[index]
        scale = self.scales[index]
        if isinstance(dim, int):
            return math.floor(np.float32(scale) * np.float32(dim))
        if scale == int(scale):
            return dim * int(scale)  # type: ignore[no-any-return]  # Dim arithmetic is typed Any
        if 1 / scale == int(1 / scale):
            return dim // int(1 / scale)  # type: ignore[no-any-return]  # as above
        return UNKNOWN

    def operations(self) -> Dim:
        """A multiply-add per neighbour of each axis, one axis after the other, counted at the final size."""
        return self.result.tensor.elements * (2 * _TAPS[self.mode] * len(self.axes))

    def evaluate(self, x: Array) -> Array:
        wide = np.float64 if x.dtype == np.float64 else np.float32
        table = x if self.mode == "nearest" else x.astype(wide)
        for index, axis in enumerate(self.axes):
            count: Any = self._size(index, x.shape[axis])
            check_elements(self, with_axis(table.shape, axis, count))
            scale = self.scales[index] if self.scales else np.float32(count) / np.float32(x.shape[axis])
            table = self._resample(table, axis, Axis(x.shape[axis], count, np.float32(scale)))
        return table.astype(x.dtype, copy=False)

    def _resample(self, x: Array, axis: int, along: Axis) -> Array:
        if self.mode == "nearest":
            return np.take(x, nearest(along, self.coordinates, self.rounding), axis)
        if self.mode == "linear":
            indices, weights = linear(along, self.coordinates)
        else:
            indices, weights = cubic(along, self.coordinates, self.cubic_coeff_a, self.exclude_outside)
        column = (-1,) + (1,) * (x.ndim - 1 - axis)
        parts = [np.take(x, i, axis) * w.astype(x.dtype).reshape(column) for i, w in zip(indices, weights, strict=True)]
        return np.asarray(sum(parts[1:], parts[0]))


@op("dynamic_resize")
class DynamicResize(Dynamic):
    """`resize` to `sizes` (i64[number of axes]) or by `scales` (f32[number of axes]), whichever is given."""

    x: Value = operand(*NOT_TEXT)
    axes: tuple[int, ...] = attribute(minimum=0)
    sizes: Value | None = operand(*INDEX, default=None)
    scales: Value | None = operand(DType.F32, default=None)
    mode: str = attribute(default="nearest", one_of=MODES)
    coordinates: str = attribute(default="half_pixel", one_of=tuple(POSITIONS))
    rounding: str = attribute(default="round_prefer_floor", one_of=tuple(ROUNDINGS))
    cubic_coeff_a: float = attribute(default=-0.75)
    exclude_outside: bool = attribute(default=False)
    parameters: ClassVar[tuple[str, ...]] = ("sizes", "scales")

    def infer(self) -> TensorType:
        own = self.x.tensor.shape
        check_axes(self, tuple(sorted(self.axes)), len(own))
        _check_mode(self, self.mode, self.x.tensor.dtype)
        given = [v for v in (self.sizes, self.scales) if v is not None]
        if len(given) != 1:
            raise self.refuse("resize-form", "sizes or scales", "given, and not both", f"{len(given)} of them")
        kind = given[0].tensor
        if kind.rank != 1 or clash(kind.shape[0], len(self.axes)):
            raise self.refuse("resize-form", "shape of sizes or scales", f"[{len(self.axes)}]", kind)
        return self.x.tensor.with_shape(tuple(UNKNOWN if i in self.axes else d for i, d in enumerate(own)))

    def operations(self) -> Dim:
        return self.result.tensor.elements * (2 * _TAPS[self.mode] * len(self.axes))

    def settled(self, given: Mapping[str, Array]) -> Op:
        """The twin; axes that keep their size are left out."""
        own = self.x.tensor.shape
        if "sizes" in given:
            pairs = sorted(zip(self.axes, integers(given["sizes"]), strict=True))
            kept: list[tuple[int, Any]] = [(axis, size) for axis, size in pairs if own[axis] != size]
        else:
            pairs_of_scales = sorted(zip(self.axes, map(float, given["scales"].reshape(-1)), strict=True))
            kept = [(axis, scale) for axis, scale in pairs_of_scales if scale != 1.0]
        axes, numbers = tuple(axis for axis, _ in kept), tuple(number for _, number in kept)
        sizes, scales = (numbers, ()) if "sizes" in given else ((), numbers)
        return Resize(
            self.x, axes, sizes, scales, self.mode, self.coordinates, self.rounding, self.cubic_coeff_a,
            self.exclude_outside,
        )  # fmt: skip


OPS: tuple[type[Op], ...] = (Resize, DynamicResize)
