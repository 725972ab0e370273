"""The cost of an interval of points on a line: its weighted sum of squares about its own mean.

Points are grouped in *cells* of neighbours; an interval is a run of whole cells. With prefix sums of mass, first and
second moment, the cost of any interval takes a few operations. Costs of intervals satisfy the Monge (quadrangle)
inequality, on which the search in `optc.numerics.partition` rests.
"""

from typing import NamedTuple

import numpy as np

from optc.numerics.arrays import Array

EPSILON = float(np.finfo(np.float64).eps)


class Cells(NamedTuple):
    """Runs of neighbouring points; cell `c` holds the points `edges[c]` to `edges[c + 1] - 1`.

    Attributes:
        edges: `int64[cells + 1]`, strictly ascending, from 0 to the number of points.
        mass: `float64[cells]`, sum of weights.
        mean: `float64[cells]`, weighted mean.
        sse: `float64[cells]`, weighted sum of squares about the mean.
        spread: `float64[cells]`, weighted sum of absolute deviations from the mean.
    """

    edges: Array
    mass: Array
    mean: Array
    sse: Array
    spread: Array

    def mirrored(self) -> "Cells":
        """The same cells seen from the other end of the line."""
        edges = self.edges[-1] - self.edges[::-1]
        return Cells(edges, self.mass[::-1], -self.mean[::-1], self.sse[::-1], self.spread[::-1])


def single_cells(points: Array, weights: Array) -> Cells:
    """One cell for each point (`float64[n]`, ascending) with its weight."""
    zeros = np.zeros(len(points))
    return Cells(np.arange(len(points) + 1), weights, points, zeros, zeros)


def group_cells(points: Array, weights: Array, edges: Array) -> Cells:
    """The cells of ascending `points` that `edges` delimit."""
    starts = edges[:-1]
    sizes = np.diff(edges)
    mass = np.add.reduceat(weights, starts)
    mean = np.add.reduceat(weights * points, starts) / mass
    # A second step about the first result gives a far-off narrow cell its last digits.
    mean += np.add.reduceat(weights * (points - np.repeat(mean, sizes)), starts) / mass
    mean = np.clip(mean, points[starts], points[edges[1:] - 1])
    deviation = np.abs(points - np.repeat(mean, sizes))
    weighted = weights * deviation
    spread = np.add.reduceat(weighted, starts)
    sse = np.add.reduceat(weighted * deviation, starts)
    return Cells(edges, mass, mean, sse, spread)


class Moments(NamedTuple):
    """Prefix sums over a run of cells, relative to the run's own mean (each `float64[cells + 1]`, starting at 0).

    Attributes:
        mass: of the weights.
        first: of weight times deviation.
        second: of weight times squared deviation.
        least_mass: what a difference of `mass` is at least taken for, so that rounding cannot make it 0.
        error: bound on the rounding of an interval's cost `second - first**2 / mass` (differences at its ends).
    """

    mass: Array
    first: Array
    second: Array
    least_mass: float
    error: float


def moments(cells: Cells, start: int, stop: int) -> Moments:
    """Prefix sums over the cells `start` to `stop - 1`.

    They are centred on the run, so the error of an interval's cost is a few roundings of the run's second
    moment about its own mean, however far from zero the run lies. Counts add up exactly; other weights lose a rounding
    of the run's mass at the greatest deviation besides.
    """
    mass, mean = cells.mass[start:stop], cells.mean[start:stop]
    total = float(mass.sum())
    pivot = mean[0]
    pivot = pivot + float((mass * (mean - pivot)).sum()) / total
    deviation = mean - pivot
    weighted = mass * deviation
    masses, exact = _prefix_sums(mass)
    first, _ = _prefix_sums(weighted)
    second, _ = _prefix_sums(cells.sse[start:stop] + weighted * deviation)
    lost_mass = 0.0 if exact else EPSILON * total
    error = 4 * EPSILON * float(second[-1]) + 4 * lost_mass * float(np.square(deviation).max())
    return Moments(masses, first, second, max(lost_mass, float(np.finfo(np.float64).tiny)), error)


def _prefix_sums(terms: Array) -> tuple[Array, bool]:
    """Prefix sums, each within about one rounding of the true one, and whether they are exact.

    Terms are split at a power of two chosen so that the sums of the upper parts are exact; those of the lower
    parts are so small that their rounding does not matter.
    """
    out = np.zeros(len(terms) + 1)
    magnitude = float(np.abs(terms).sum())
    unit = np.ldexp(1.0, int(np.frexp(magnitude)[1]) - 52)
    if magnitude == 0.0 or unit == 0.0:  # nothing, or subnormals, whose sums are exact as they are
        np.cumsum(terms, out=out[1:])
        return out, True
    upper = np.rint(terms / unit) * unit
    lower = terms - upper
    np.cumsum(upper, out=out[1:])
    exact = not lower.any()
    if not exact:
        out[1:] += np.cumsum(lower)
    return out, exact
