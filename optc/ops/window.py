"""Windows that slide over the spatial axes of a tensor `[batch, channels, spatial...]`.

Convolutions and poolings share this arithmetic, which is that of the ONNX operators. A window is a grid of
*taps*; a tap's view of the padded input is the array of what every window sees through that tap, so that ops
loop over a few taps instead of over many windows.
"""

import itertools
from collections.abc import Iterator
from typing import Any, Protocol

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.dims import Dim, Shape, SymDim
from optc.ir.dtypes import Array

PAD_MODES = ("explicit", "valid", "same_upper", "same_lower")
MOST_AXES = 3


@attrs.frozen
class Window:
    """A window over `len(kernel)` spatial axes; `pads` are those before each axis, then those after each."""

    kernel: Shape
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    pad_mode: str = "explicit"
    ceil_mode: bool = False

    @property
    def rank(self) -> int:
        return len(self.kernel)

    @property
    def extents(self) -> Shape:
        """What the window spans along each axis, dilation included."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def out(self, spatial: Shape) -> Shape:
        """How many windows there are along each axis; an integer below 1 says that not one fits."""
        return tuple(self._out(axis, size) for axis, size in enumerate(spatial))

    def _out(self, axis: int, size: Dim) -> Dim:
        stride, extent = self.strides[axis], self.extents[axis]
        if self.pad_mode.startswith("same"):
            return (size + (stride - 1)) // stride
        begin, end = self.pads[axis], self.pads[axis + self.rank]
        if self.ceil_mode and isinstance(extent, int):
            # A last, partial window counts only if it starts before the padding at the end.
            return (size + (begin - 1 + min(end - extent + stride, 0))) // stride + 1
        return (size + (begin + end) - extent) // stride + 1

    def padding(self, spatial: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """The elements before and after each axis of this size."""
        if not self.pad_mode.startswith("same"):
            return tuple(zip(self.pads[: self.rank], self.pads[self.rank :], strict=True))
        out: list[tuple[int, int]] = []
        for size, count, stride, extent in zip(spatial, self.out(spatial), self.strides, self.extents, strict=True):
            total = max((_known(count) - 1) * stride + _known(extent) - size, 0)
            less, more = total // 2, total - total // 2
            out.append((less, more) if self.pad_mode == "same_upper" else (more, less))
        return tuple(out)

    def laid_out(self, x: Array, fill: Any, dtype: Any) -> Array:
        """`x` as `dtype`, padded with `fill`, exactly as long along each axis as the windows reach."""
        spatial = x.shape[2:]
        counts = tuple(_known(c) for c in self.out(spatial))
        needed = tuple(
            (c - 1) * s + _known(e) for c, s, e in zip(counts, self.strides, self.extents, strict=True)
        )  # fmt: skip
        result = np.full((*x.shape[:2], *needed), fill, dtype)
        kept = [
            (begin, max(0, min(size, length - begin)))
            for (begin, _), size, length in zip(self.padding(spatial), spatial, needed, strict=True)
        ]
        inside: Any = (..., *(slice(begin, begin + size) for begin, size in kept))
        source: Any = (..., *(slice(size) for _, size in kept))
        result[inside] = x[source]
        return result

    def taps(self, counts: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
        """For each tap, in row-major order: the index of its view into a laid-out array."""
        for tap in itertools.product(*(range(_known(k)) for k in self.kernel)):
            yield (
                ...,
                *(
                    slice(t * d, t * d + (c - 1) * s + 1, s)
                    for t, d, c, s in zip(tap, self.dilations, counts, self.strides, strict=True)
                ),
            )

    def taps_inside(self, spatial: tuple[int, ...], with_padding: bool) -> Array:
        """For each window, how many taps fall on the input (or on it and its padding): shape `out(spatial)`."""
        total = np.ones((), np.int64)
        counts = self.out(spatial)
        for axis, ((begin, end), size) in enumerate(zip(self.padding(spatial), spatial, strict=True)):
            low, high = (0, begin + size + end) if with_padding else (begin, begin + size)
            starts = np.arange(_known(counts[axis]))[:, None] * self.strides[axis]
            at = starts + np.arange(_known(self.kernel[axis])) * self.dilations[axis]
            total = np.multiply.outer(total, ((at >= low) & (at < high)).sum(1))
        return total


def _known(size: Dim) -> int:
    """A size that is an integer because it was worked out from an array's shape."""
    if isinstance(size, SymDim):
        raise TypeError(f"size {size} is symbolic")
    return size


class Sliding(Protocol):
    """An op with a window."""

    @property
    def strides(self) -> tuple[int, ...]: ...
    @property
    def dilations(self) -> tuple[int, ...]: ...
    @property
    def pads(self) -> tuple[int, ...]: ...
    @property
    def pad_mode(self) -> str: ...
    def refuse(self, slug: str, what: str, expected: object, actual: object = "", hint: str = "") -> OptcError: ...


def window_of(op: Sliding, kernel: Shape, ceil_mode: bool = False) -> Window:
    """The window of an op whose kernel has this shape; what the op leaves empty is 1, or 0 for pads.

    Raises:
        OptcError: slugs `window-rank`, `window-kernel`, `window-attribute`, `window-pads`, said of `op`.
    """
    rank = len(kernel)
    if not 1 <= rank <= MOST_AXES:
        raise op.refuse("window-rank", "number of spatial axes", f"from 1 to {MOST_AXES}", rank)
    if any(isinstance(k, int) and k < 1 for k in kernel):
        raise op.refuse("window-kernel", "size of the kernel", "at least 1 on each axis", list(kernel))
    for name, held, length in (
        ("strides", op.strides, rank),
        ("dilations", op.dilations, rank),
        ("pads", op.pads, 2 * rank),
    ):
        if len(held) not in (0, length):
            raise op.refuse("window-attribute", f"attribute {name}", f"empty or {length} integers", list(held))
    if op.pad_mode != "explicit" and any(op.pads):
        raise op.refuse("window-pads", "attribute pads", f"empty where pad_mode is {op.pad_mode}", list(op.pads))
    ones = (1,) * rank
    return Window(
        kernel, op.strides or ones, op.dilations or ones, op.pads or (0, 0) * rank, op.pad_mode, ceil_mode
    )  # fmt: skip


def checked_out(op: Sliding, window: Window, spatial: Shape) -> Shape:
    """`window.out`, refused where not one window fits.

    Raises:
        OptcError: slug `window-size`, said of `op`.
    """
    out = window.out(spatial)
    for size, extent, count in zip(spatial, window.extents, out, strict=True):
        if isinstance(count, int) and count < 1:
            raise op.refuse("window-size", "padded input", f"at least as long as the window, {extent}", f"size {size}")
    return out
