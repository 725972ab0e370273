"""The scale, and the offset, of least squared error: `sum_i w_i (x_i - s clip(round(x_i / s)))**2` over a block.

For fixed codes the error is a quadratic function of the scale, and where the scale passes `x_i / (k + 1/2)`, a code
changes. The best scale is found by branch and bound over the scales that the float type has. Of a range of scales the
middle one is measured, and a bound is worked out below which no scale of the range comes: the least of the quadratic
function of those items whose code is the same all over the range, and for each of the others how far it is at least
from any multiple of any of the scales. A range whose bound is not below the best error so far holds nothing better;
any other is cut in two. For float32 and float64, whose scales are too many to end at single ones, ranges in which few
codes change are swept: sums are kept up to date from one change to the next, and each stretch between two changes has
its best scale in closed form, as a ratio of two sums. What that gives is rounded to the type and measured.

So there is no scale of the type (float16, bfloat16), or no scale at all before rounding to the type (float32,
float64), whose error is less by more than the rounding of the sums, which are taken in float64. That holds for
symmetric codes and, together with all offsets, for asymmetric ones of up to 4 bits. For wider asymmetric ones, the best
scale for the offset and the best offset for the scale (in which the error is convex) are taken in turns until neither
helps. In no case is the error above that of the scale to begin with.

What is written here in Python is for whoever reads it, for installations without the compiled kernel, and to hold the
kernel against: it takes milliseconds for a block, where the kernel takes 0.1 to 1.5 microseconds for a weight.
"""

import itertools
from typing import Any

import attrs
import numpy as np

from optc.numerics import native
from optc.numerics.arrays import Array

KINDS = {"float16": 2, "bfloat16": 3, "float32": 4, "float64": 8}
"""What the compiled kernels call the float types."""
_LANES = 8
_TRIES = 24
_MOST_EVENTS = 1 << 16
_ALL_OFFSETS = 15
_ROUND = 1.5 * 2.0**52


def search_scales(
    rows: Array, weights: Array | None, limits: tuple[int, int], symmetric: bool, scale: Array, offset: Array
) -> tuple[Array, Array]:
    """Better scales and offsets than those given.

    Args:
        rows: float64 `[blocks, size]`, finite.
        weights: float64 of the same shape, how much the squared error of each item counts; None for 1.
        limits: the least and greatest code.
        symmetric: whether offsets stay as they are.
        scale: of a float type, positive, `[blocks]`.
        offset: int64, `[blocks]`.

    Returns:
        Scales (of the type of `scale`) and offsets, of the same shapes.
    """
    kind = KINDS[scale.dtype.name]
    found, shift = scale.astype(np.float64), offset.astype(np.int64)
    rows = np.ascontiguousarray(rows)
    weights = None if weights is None else np.ascontiguousarray(weights)
    if native.kernels is not None:
        native.kernels.search_scales(kind, rows, weights, rows.shape[1], *limits, symmetric, found, shift)
    else:
        for b, row in enumerate(rows):
            search = _Search.of(row, None if weights is None else weights[b], limits, symmetric, scale.dtype)
            if search is not None:
                found[b], shift[b] = search.found(float(found[b]), int(shift[b]), symmetric)
    return found.astype(scale.dtype), shift


@attrs.frozen
class _Choice:
    scale: int
    offset: int
    error: float


@attrs.frozen
class _Node:
    """Scales with codes (bits as an integer) from `low` to `high`, offsets from `first` to `last`."""

    low: int
    high: int
    first: int
    last: int


@attrs.define(eq=False)
class _Search:
    """The search for one block; the kernel takes the very same steps.

    `a` are magnitudes, in units of a power of two near the largest, of the items that are positive (`up` of them,
    with zeros up to whole lanes) and of those that are negative. With symmetric codes all count as positive.
    """

    a: Array
    w: Array
    up: int
    items: int
    limits: tuple[int, int]
    unit: float
    dtype: np.dtype[Any]
    best: _Choice = _Choice(0, 0, np.inf)

    @classmethod
    def of(
        cls, row: Array, weights: Array | None, limits: tuple[int, int], symmetric: bool, dtype: np.dtype[Any]
    ) -> "_Search | None":
        """None if all items are 0."""
        most = float(np.abs(row).max(initial=0.0))
        if most == 0.0:
            return None
        unit = float(np.ldexp(1.0, max(int(np.frexp(most)[1]) - 1, -1000)))
        parts = [np.flatnonzero(row)] if symmetric else [np.flatnonzero(row > 0), np.flatnonzero(row < 0)]
        loads = np.ones_like(row) if weights is None else weights
        padded = [-part.size % _LANES for part in parts]
        a = [np.pad(np.abs(row[part]) / unit, (0, more)) for part, more in zip(parts, padded, strict=True)]
        w = [np.pad(loads[part], (0, more)) for part, more in zip(parts, padded, strict=True)]
        items = sum(part.size for part in parts)
        return cls(np.concatenate(a), np.concatenate(w), a[0].size, items, limits, unit, dtype)

    def found(self, scale: float, offset: int, symmetric: bool) -> tuple[float, int]:
        low, high = self.limits
        self._start(self._code(scale / self.unit), offset)
        if symmetric:
            self._find(offset, offset)
        elif high - low <= _ALL_OFFSETS:
            self._find(low, high)
        else:
            self._descend()
        return self._value(self.best.scale) * self.unit, self.best.offset

    def _value(self, code: int) -> float:
        kind = f"u{self.dtype.itemsize}"
        return float(np.array(code, kind).view(self.dtype).astype(np.float64)) / self.unit

    def _code(self, value: float) -> int:
        with np.errstate(over="ignore"):
            return int(np.array(value * self.unit).astype(self.dtype).view(f"u{self.dtype.itemsize}"))

    def _offer(self, scale: int, offset: int, error: float) -> None:
        if error < self.best.error:
            self.best = _Choice(scale, offset, error)

    def _attempt(self, scale: int, offset: int) -> None:
        s = self._value(scale)
        self._offer(scale, offset, self._measure(s, s, 0.0, offset, offset)[0])

    def _caps(self, first: int, last: int) -> Array:
        """The greatest code of each item's sign that any of these offsets allows."""
        low, high = self.limits
        return np.where(np.arange(self.a.size) < self.up, float(high - first), float(last - low))

    def _measure(self, s: float, least: float, reach: float, first: int, last: int) -> tuple[float, float, float]:
        """The error at `s`; a bound of it at scales from `least` on that are within `reach`; how many codes may change.

        No multiple k s' of such a scale is farther than k `reach` from k s, and a code stays the nearest while that
        does not take it farther off than half a scale.
        """
        caps, x, w = self._caps(first, last), self.a, self.w
        k = _nearest(x, 1.0 / s, caps)
        far = x * (1.0 / least) + 0.5
        far = np.where(far < caps, far, caps)
        d = x - k * s
        apart = np.abs(d)
        rest = np.maximum(apart - far * reach, 0.0)
        other = np.where(np.where(k < caps, apart, -d) + k * reach < 0.5 * least, 0.0, 1.0)
        same = w * (1.0 - other)
        slope, square = _sum(same * (k * d)), _sum(same * (k * k))
        step = slope / square if square > 0 else 0.0
        step = min(max(step, -reach), reach)
        bound = _sum(same * (d * d)) - step * (2.0 * slope - step * square) + _sum(w * other * (rest * rest))
        return _sum(w * (d * d)), bound, _sum(other)

    def _start(self, scale: int, offset: int) -> None:
        """The given choice and some smaller scales, so that there is something good to compare with."""
        self._attempt(scale, offset)
        given = self._value(scale)
        for j in range(1, _TRIES + 1):
            code = self._code(given * (1.0 - j / 32.0))
            if code > 0:
                self._attempt(code, offset)

    def _find(self, first: int, last: int) -> None:
        """Finds what is better than the best so far of all scales, with offsets from `first` to `last`."""
        low = max(self._code(2.0**-1000), 1)
        high = min(self._code(4.0), self._code(np.inf) - 1)
        cuts = [low - 1, self._code(self._value(self.best.scale) / 16.0), self.best.scale, high]
        stack = [
            _Node(below + 1, upto, first, last)
            for below, upto in itertools.pairwise(cuts)
            if low - 1 <= below < upto <= high
        ]
        while stack:
            stack += self._look(stack.pop())

    def _look(self, node: _Node) -> list[_Node]:
        """Looks at the middle of a node; what is left to look at."""
        middle = node.low + (node.high - node.low) // 2
        least, s, most = (self._value(code) for code in (node.low, middle, node.high))
        error, bound, others = self._measure(s, least, max(most - s, s - least), node.first, node.last)
        if node.first == node.last:
            self._offer(middle, node.first, error)
        if bound >= self.best.error:
            return []
        if node.first < node.last:
            return self._halves(node, middle, (least, s, most))
        few = self.dtype.itemsize >= 4 and node.low < node.high and others <= self._most_events()
        if few and self._sweep(least, most, node.first):
            return []
        parts = ((node.low, middle - 1), (middle + 1, node.high))
        return [attrs.evolve(node, low=low, high=high) for low, high in parts if low <= high]

    def _halves(self, node: _Node, middle: int, scales: tuple[float, float, float]) -> list[_Node]:
        """Cut by offsets or by scales, whichever moves the ends of the range more."""
        low, high = self.limits
        least, s, most = scales
        split = node.first + (node.last - node.first) // 2
        if node.low == node.high or (node.last - node.first) * s > (most - least) * (high - low) / 2.0:
            return [attrs.evolve(node, last=split), attrs.evolve(node, first=split + 1)]
        return [attrs.evolve(node, high=middle), attrs.evolve(node, low=middle + 1)]

    def _most_events(self) -> int:
        return min(self.items // 32 + 16, _MOST_EVENTS)

    def _sweep(self, least: float, most: float, offset: int) -> bool:
        """Tries the best scale of all from `least` to `most`; False if codes change too often there."""
        caps = self._caps(offset, offset)
        first, last = _nearest(self.a, 1.0 / most, caps), _nearest(self.a, 1.0 / least, caps)
        times = (last - first).astype(np.int64)
        if times.sum() > self._most_events():
            return False
        item = np.repeat(np.arange(times.size), times)
        k = first[item] + (np.arange(item.size) - np.repeat(np.cumsum(times) - times, times))
        x, w = self.a[item], self.w[item]
        order = np.argsort(-(x / (k + 0.5)), kind="stable")
        products = np.cumsum(np.append(_sum(self.w * (first * self.a)), (w * x)[order]))
        squares = np.cumsum(np.append(_sum(self.w * (first * first)), (w * (2.0 * k + 1.0))[order]))
        some = squares > 0.0
        scores = np.where(some, products * products / np.where(some, squares, 1.0), 0.0)
        at = int(np.argmax(scores))
        if squares[at] > 0.0 and products[at] > 0.0:
            code = self._code(float(products[at] / squares[at]))
            if 0 < code < self._code(np.inf):
                self._attempt(code, offset)
        return True

    def _descend(self) -> None:
        """Better scales for the offset, and better offsets for the scale, in turns."""
        while True:
            before = self.best
            self._find(before.offset, before.offset)
            for by in (-1, 1):
                self._climb(by)
            if self.best.error >= before.error:
                return

    def _climb(self, by: int) -> None:
        low, high = self.limits
        while low <= self.best.offset + by <= high:
            before = self.best
            self._attempt(before.scale, before.offset + by)
            if self.best is before:
                return


def _nearest(x: Array, per: float, caps: Array) -> Array:
    k = x * per
    k = np.where(k < caps, k, caps)
    return (k + _ROUND) - _ROUND


def _sum(terms: Array) -> float:
    """The sum in the order in which the kernel adds: lane by lane, then half of the lanes to the other half."""
    lanes = np.cumsum(terms.reshape(-1, _LANES), axis=0)[-1] if terms.size else np.zeros(_LANES)
    while lanes.size > 1:
        half = lanes.size // 2
        lanes = lanes[:half] + lanes[half:]
    return float(lanes[0])
