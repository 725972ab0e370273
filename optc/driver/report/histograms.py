"""The histogram of a weight with its palette, in a bounded number of bytes."""

import base64
import math
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from optc.driver.report.columns import number
from optc.ir.dtypes import Array
from optc.numerics.arrays import SLICE
from optc.ops.constexpr import LutToDense, LutToSparse, SparseToDense
from optc.ops.weights import Weight, chain_of, expand

BINS = 64
PLACES = 1024
"""How many places along the range a palette's entries can be shown at."""
MOST_LISTED = 16
"""Palettes of so many entries are listed number by number."""


@attrs.frozen(eq=False)
class Histogram:
    """How many elements lie in each of `BINS` equal parts of the range from `low` to `high`.

    `counts` are of the weight, `before` of what it is held against, if that is given. `palette` are the distinct
    entries of its `tables` lookup tables, in order; empty if it has none. `left_out` elements are no finite numbers.
    """

    low: float
    high: float
    counts: Array
    before: Array | None
    palette: Array
    tables: int
    left_out: int

    def to_json(self) -> dict[str, Any]:
        """As plain data: heights as bytes of their square roots, the palette as a bit for each of `PLACES`."""
        most = int(max(self.counts.max(), 0 if self.before is None else self.before.max()))
        return {
            "low": number(self.low), "high": number(self.high), "most": most, "counts": _heights(self.counts, most),
            "before": None if self.before is None else _heights(self.before, most), "left_out": self.left_out,
            "tables": self.tables, "entries": int(self.palette.size), "palette": self._places(),
            "listed": [number(float(v)) for v in self.palette] if self.palette.size <= MOST_LISTED else [],
        }  # fmt: skip

    def _places(self) -> str:
        if not self.palette.size:
            return ""
        bits = np.zeros(PLACES, np.bool_)
        bits[np.rint((self.palette - self.low) / (self.high - self.low) * (PLACES - 1)).astype(np.int64)] = True
        return base64.b64encode(np.packbits(bits).tobytes()).decode()


def histogram(array: Array, before: Array | None, weight: Weight) -> Histogram | None:
    """The histogram of a weight's expanded array; None if it has no finite number, or its range has no finite width."""
    palette, tables = palette_of(weight)
    ends = [_ends(array), *([] if before is None else [_ends(before)]), _ends(palette)]
    known = [pair for pair in ends if pair is not None]
    if ends[0] is None:
        return None
    low, high = min(pair[0] for pair in known), max(pair[1] for pair in known)
    if low == high:
        low, high = low - max(1.0, abs(low)) / 2, high + max(1.0, abs(high)) / 2
    if not math.isfinite(high - low):
        return None
    counts = _counts(array, low, high)
    before_counts = None if before is None else _counts(before, low, high)
    return Histogram(low, high, counts, before_counts, palette, tables, array.size - int(counts.sum()))


def palette_of(weight: Weight) -> tuple[Array, int]:
    """The distinct finite entries of a weight's lookup tables, and how many tables there are.

    None where the entries are no values of the weight, as they are scaled afterwards.
    """
    defined = {value: op for op in weight.chain for value in op.results}
    last = weight.chain[-1]
    looked_up = defined[last.values] if isinstance(last, SparseToDense) else last
    if not isinstance(looked_up, LutToDense | LutToSparse):
        return np.empty(0), 0
    lut = looked_up.lut
    entries = expand(chain_of(lut, defined.__getitem__), lut)
    return np.unique(np.concatenate([*_finite(entries)])), math.prod(lut.tensor.static_shape[:-2])


def _finite(array: Array) -> Iterator[Array]:
    """The finite elements in float64, slice by slice."""
    flat = np.ascontiguousarray(array).reshape(-1)
    for start in range(0, max(1, flat.size), SLICE):
        part = flat[start : start + SLICE].astype(np.float64)
        yield part[np.isfinite(part)]


def _ends(array: Array) -> tuple[float, float] | None:
    pairs = [(float(part.min()), float(part.max())) for part in _finite(array) if part.size]
    return (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else None


def _counts(array: Array, low: float, high: float) -> Array:
    counts = np.zeros(BINS, np.int64)
    for part in _finite(array):
        at = ((part - low) / (high - low) * BINS).astype(np.int64)
        counts += np.bincount(np.clip(at, 0, BINS - 1), minlength=BINS)
    return counts


def _heights(counts: Array, most: int) -> str:
    """Heights from 0 to 255, at least 1 where there is anything."""
    return base64.b64encode(np.ceil(255 * np.sqrt(counts / max(1, most))).astype(np.uint8).tobytes()).decode()
