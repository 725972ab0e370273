"""Scalar palettes: a few centres that stand for all values of a tensor.

`kmeans_1d` gives the palette with the least weighted squared error there is, among those that its table can store;
`uniform_palette` and `unique_palette` are the plain alternatives.
"""

import math
from types import ModuleType
from typing import Any

import attrs
import ml_dtypes
import numpy as np

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.arrays import SLICE, Array
from optc.numerics.certificate import Certificate
from optc.numerics.histogram import SIXTEEN_BIT_FLOATS, Histogram, histogram
from optc.numerics.partition import Rounding, best_split

_KINDS = {
    np.dtype(np.float16): 2,
    np.dtype(ml_dtypes.bfloat16): 3,
    np.dtype(np.float32): 4,
    np.dtype(np.float64): 8,
}
INDEX_BITS = (1, 2, 3, 4, 6, 8)  # the widths of indices that are stored


@attrs.frozen(eq=False)
class Palette:
    """Centres that stand for the values of a tensor.

    Attributes:
        centres: `float64[m]`, ascending; `m` is less than was asked for if there are fewer distinct values.
        sse: weighted sum of squared errors when each value takes its nearest centre.
        gap: how much `sse` can at most exceed that of the best palette of so many centres: 0 where every value is a
            centre, else the bound on float64 rounding in the search, or infinity for a palette that is not optimised.
        certificate: what proves that no palette of so many centres has a much smaller error, if it was optimised.
    """

    centres: Array
    sse: float
    gap: float
    certificate: Certificate | None = None

    def rounded(self, rounding: Rounding) -> "Palette":
        """The palette of the nearest numbers that can be stored; its error is not known."""
        return Palette(_nearest(self.centres, rounding), math.inf, math.inf)


def as_stored(table: Array, dtype: Any) -> Array:
    """A table in the type that is stored.

    Raises:
        OptcError: an entry is beyond the range of `dtype` (`not-finite`).
    """
    with np.errstate(over="ignore"):  # reported below, as an error of ours
        made = table.astype(dtype)
    if not np.isfinite(made.astype(np.float64)).all():
        raise OptcError("not-finite", f"palette rounded to {made.dtype}", "every entry", "finite", "infinity")
    return made


def kmeans_1d(values: Array, k: int, weights: Array | None = None, rounding: Rounding | None = None) -> Palette:
    """The best palette of at most `k` centres: exact weighted one-dimensional k-means.

    Minimises the sum of `weight * (value - nearest centre)**2` over all palettes that can be stored, by a search on the
    histogram of distinct values (see `optc.numerics.partition`). With the compiled kernels a million
    distinct values and 256 centres take a tenth of a second, without them some seconds.

    Args:
        values: real numbers of any shape.
        k: at least 1.
        weights: non-negative, of the same shape; 1 each if not given.
        rounding: the numbers that can be stored; any float64 number if not given.

    Raises:
        OptcError: `k` is less than 1, or what `histogram` refuses.
    """
    if k < 1:
        raise OptcError("palette-size", "k-means", "number of centres", "at least 1", k)
    return kmeans_of_histogram(histogram(values, weights), k, rounding)


def kmeans_of_histogram(counted: Histogram, k: int, rounding: Rounding | None = None) -> Palette:
    """`kmeans_1d` of a histogram that is already there, so that several `k` may be tried on one tensor."""
    # Powers of two take out the scale without rounding, so that no square overflows.
    exponent = math.frexp(max(-float(counted.points[0]), float(counted.points[-1])))[1]
    load = math.frexp(float(counted.mass.max()))[1]
    points, mass = _times_power(counted.points, -exponent), _times_power(counted.mass, -load)
    if not mass.all():  # one may vanish beside another that is 2**1000 times as great
        points, mass = points[mass > 0], mass[mass > 0]
    near = None if rounding is None else rounding.scaled(-exponent)
    split = best_split(points, mass, min(k, len(points)), near)
    centres, sse = _centres(points, mass, split.bounds, near)
    scale = 2 * exponent + load
    certificate = Certificate(split.penalty, split.potentials, scale)
    return Palette(np.ldexp(centres, exponent), _ldexp(sse, scale), _ldexp(split.gap, scale), certificate)


def _times_power(array: Array, exponent: int) -> Array:
    """`array * 2**exponent`, for which a product is several times as quick as `ldexp`."""
    return array * math.ldexp(1.0, exponent) if abs(exponent) < 1000 else np.ldexp(array, exponent)


def _nearest(centres: Array, rounding: Rounding) -> Array:
    return np.unique(rounding.nearest_to_all(centres))


def _centres(points: Array, mass: Array, bounds: Array, rounding: Rounding | None) -> tuple[Array, float]:
    """The centres of runs of ascending points, and the weighted squared error of points that take the nearest.

    A centre is the weighted mean, never outside the run, or the number nearest to it that can be stored.
    """
    if native.kernels is not None:
        centres = np.empty(len(bounds) - 1)
        found, sse = native.kernels.centres(points, mass, bounds, rounding, centres)
        return centres[:found], sse
    centres = _means(points, mass, bounds)
    if rounding is not None:
        centres = _nearest(centres, rounding)
    return centres, _sse(points, mass, centres)


def _means(points: Array, mass: Array, bounds: Array) -> Array:
    runs = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    load = np.bincount(runs, mass)
    mean = np.bincount(runs, mass * points) / load
    # A second step about the first result gives a far-off narrow run its last digits.
    mean += np.bincount(runs, mass * (points - mean[runs])) / load
    return np.clip(mean, points[bounds[:-1]], points[bounds[1:] - 1])


def uniform_palette(values: Array, bits: int) -> Palette:
    """`2**bits` centres at equal distances from the least to the greatest value (one centre if all are equal).

    Raises:
        OptcError: `bits` is not 1 to 8, or what `histogram` refuses.
    """
    _check_bits(bits)
    counted = histogram(values)
    centres = np.unique(np.linspace(counted.points[0], counted.points[-1], 1 << bits))
    return Palette(centres, _sse(counted.points, counted.mass, centres), math.inf)


def unique_palette(values: Array, bits: int) -> Palette:
    """The distinct values themselves: a palette without any error.

    Raises:
        OptcError: there are more than `2**bits` distinct values (`too-many-values`), or what `histogram` refuses.
    """
    _check_bits(bits)
    points = histogram(values).points
    if len(points) > 1 << bits:
        raise OptcError(
            "too-many-values", "unique palette", "number of distinct values", f"at most {1 << bits} for {bits} bits",
            len(points), "use more bits, or k-means",
        )  # fmt: skip
    return Palette(points, 0.0, 0.0)


def index_bits(entries: int) -> int:
    """The least width of `INDEX_BITS` whose indices reach `entries` table entries.

    Raises:
        OptcError: there are more than 256 entries, or none.
    """
    for bits in INDEX_BITS:
        if 1 <= entries <= 1 << bits:
            return bits
    raise OptcError("palette-size", "palette", "number of entries", "from 1 to 256", entries)


def assign(values: Array, centres: Array) -> Array:
    """Indices (`uint8`, shape of `values`) of the nearest of ascending `centres`; the lower index on a tie.

    Borders are the midpoints of neighbouring centres in float64. Of equal centres the first is taken.

    Raises:
        OptcError: there are no or more than 256 centres, they descend, or a value or centre is not finite.
    """
    levels = centres.astype(np.float64)
    if not 1 <= levels.size <= 256 or levels.ndim != 1:
        raise OptcError("palette-size", "palette", "centres", "a list of 1 to 256 numbers", list(levels.shape))
    if not np.isfinite(levels).all():
        raise OptcError("not-finite", "palette", "every centre", "finite", "NaN or infinity")
    if (np.diff(levels) < 0).any():
        raise OptcError("palette-order", "palette", "centres", "in ascending order")
    distinct, first = np.unique(levels, return_index=True)
    return _assigned(values, distinct, first.astype(np.uint8))


def assign_to_palette(values: Array, palette: Palette) -> Array:
    """`assign` to the centres of a palette, which are ascending, distinct and finite.

    Raises:
        OptcError: a value is not finite.
    """
    return _assigned(values, palette.centres, _ENTRIES[: palette.centres.size])


_ENTRIES = np.arange(256, dtype=np.uint8)


def _assigned(values: Array, distinct: Array, entry: Array) -> Array:
    """The entries of the nearest of distinct ascending centres."""
    borders = _borders(distinct)
    flat = np.ascontiguousarray(values).reshape(-1)
    if flat.dtype in SIXTEEN_BIT_FLOATS and flat.size > 1 << 16:
        return _assign_by_code(flat, borders, entry).reshape(values.shape)
    if native.kernels is not None and flat.dtype in _KINDS:
        return _assign_compiled(native.kernels, flat, borders, entry).reshape(values.shape)
    out = np.empty(flat.size, np.uint8)
    for start in range(0, flat.size, SLICE):
        part = flat[start : start + SLICE].astype(np.float64)
        if not np.isfinite(part).all():
            raise _not_finite()
        out[start : start + SLICE] = entry[np.searchsorted(borders, part, side="left")]
    return out.reshape(values.shape)


def _assign_compiled(kernels: ModuleType, flat: Array, borders: Array, entry: Array) -> Array:
    steps = int(borders.size).bit_length()
    padded = np.full((1 << steps) - 1, np.inf)
    padded[: borders.size] = borders
    entries = np.zeros(1 << steps, np.uint8)
    entries[: entry.size] = entry
    out = np.empty(flat.size, np.uint8)
    finite = True
    kind = _KINDS[flat.dtype]
    bits = flat.view(np.uint16) if kind < 4 else flat
    for start in range(0, flat.size, SLICE):
        part = slice(start, start + SLICE)
        finite &= kernels.assign(kind, bits[part], padded, steps, entries, out[part])
    if not finite:
        raise _not_finite()
    return out


def _assign_by_code(flat: Array, borders: Array, entry: Array) -> Array:
    """`assign` for more 16-bit floats than there are: each of the 65,536 codes is looked up once."""
    with np.errstate(invalid="ignore"):  # of the codes that are NaN
        every = np.arange(1 << 16, dtype=np.uint16).view(flat.dtype).astype(np.float64)
    codes, finite = flat.view(np.uint16), np.isfinite(every)
    table = np.zeros(1 << 16, np.uint8)
    table[finite] = entry[np.searchsorted(borders, every[finite], side="left")]
    exponent = np.uint16(0x7C00 if flat.dtype == np.float16 else 0x7F80)
    out = np.empty(flat.size, np.uint8)
    for start in range(0, flat.size, SLICE):
        part = codes[start : start + SLICE]
        if ((part & exponent) == exponent).any():
            raise _not_finite()
        if native.kernels is not None:
            native.kernels.look_up_codes(part, table, out[start : start + SLICE])
        else:
            np.take(table, part, out=out[start : start + SLICE])
    return out


def _not_finite() -> OptcError:
    return OptcError("not-finite", "palette indices", "every value", "finite", "NaN or infinity")


def _borders(centres: Array) -> Array:
    return centres[:-1] / 2 + centres[1:] / 2


def _sse(points: Array, mass: Array, centres: Array) -> float:
    """Weighted squared error of points that take their nearest centres."""
    error = points - centres[np.searchsorted(_borders(centres), points)]
    return float(np.cumsum(mass * error * error)[-1])  # from first to last


def _check_bits(bits: int) -> None:
    if not 1 <= bits <= 8:
        raise OptcError("palette-bits", "palette", "bits per index", "from 1 to 8", bits)


def _ldexp(number: float, exponent: int) -> float:
    """`number * 2**exponent`, infinity where that is too large."""
    try:
        return math.ldexp(number, exponent)
    except OverflowError:
        return math.inf
