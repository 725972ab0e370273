"""The cost of an interval of points on a line: its weighted sum of squares about its own mean.

Points are grouped in *cells* of neighbours; an interval is a run of whole cells. With prefix sums of mass, first and
second moment, the cost of any interval takes a few operations. Costs of intervals satisfy the Monge (quadrangle)
inequality, on which the search in `optc.numerics.partition` rests.
"""

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

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
    # Means are taken relative to the first point of the cell, so that a far-off narrow cell keeps its digits.
    first = points[starts]
    offset = points - np.repeat(first, sizes)
    mean_offset = np.add.reduceat(weights * offset, starts) / mass
    deviation = np.abs(offset - np.repeat(mean_offset, sizes))
    weighted = weights * deviation
    spread = np.add.reduceat(weighted, starts)
    sse = np.add.reduceat(weighted * deviation, starts)
    return Cells(edges, mass, first + mean_offset, sse, spread)


class Moments(NamedTuple):
    """Prefix sums over a run of cells, relative to the run's own mean (each `float64[cells + 1]`, starting at 0)."""

    mass: Array
    first: Array
    second: Array


def moments(cells: Cells, start: int, stop: int) -> Moments:
    """Prefix sums over the cells `start` to `stop - 1`.

    They are centred on the run, so the absolute error of an interval's cost is a few roundings of the run's
    second moment about its own mean, however far from zero the run lies.
    """
    mass, mean = cells.mass[start:stop], cells.mean[start:stop]
    total = float(mass.sum())
    pivot = mean[0]
    pivot = pivot + float((mass * (mean - pivot)).sum()) / total
    deviation = mean - pivot
    weighted = mass * deviation
    second = cells.sse[start:stop] + weighted * deviation
    return Moments(_prefix_sums(mass), _prefix_sums(weighted), _prefix_sums(second))


def _prefix_sums(terms: Array) -> Array:
    """Prefix sums, each within about one rounding of the true one.

    Terms are split at a power of two chosen so that the sums of the upper parts are exact; those of the lower
    parts are so small that their rounding does not matter.
    """
    out = np.zeros(len(terms) + 1)
    magnitude = float(np.abs(terms).sum())
    if magnitude == 0.0:
        return out
    unit = np.ldexp(1.0, int(np.frexp(magnitude)[1]) - 52)
    upper = np.rint(terms / unit) * unit
    np.cumsum(upper, out=out[1:])
    out[1:] += np.cumsum(terms - upper)
    return out
