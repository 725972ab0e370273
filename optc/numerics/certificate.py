"""A check of the claim that a scalar palette is the best there is, which shares no code with the search for it.

A split of ascending points into runs is a way from position 0 to position n; a run from `i` to `j` costs the weighted
squares about its centre (`RunCosts`). Take any numbers, the *potentials*, one for each position, and a *penalty*. If
no potential exceeds an earlier one by more than the run between them costs with the penalty, then every way of `k`
runs costs at least `potentials[n] - potentials[0] - k * penalty` (weak duality of shortest paths). If one does, by
`excess`, a way of `k` runs can gain `k * excess` by that at the most. So whatever the certificate says, what
`lower_bound` returns is a bound; that of the search is one that its own palette meets, but for rounding.

To find the greatest excess at a position, not all earlier ones need be looked at: costs of runs satisfy the Monge
inequality, so the earlier position of greatest excess never moves back, and halving the range of positions leaves
`O(n log n)` costs (Aggarwal, Klawe, Moran, Shor and Wilber 1987, "Geometric applications of a matrix-searching
algorithm").
"""

import attrs
import numpy as np

from optc.numerics.arrays import Array
from optc.numerics.histogram import Histogram
from optc.numerics.partition import Rounding


@attrs.frozen(eq=False)
class Certificate:
    """A penalty per run, and a potential for each position between the ascending points, `float64[n + 1]`.

    Both are times `2**exponent`.
    """

    penalty: float
    potentials: Array
    exponent: int = 0


def lower_bound(certificate: Certificate, counted: Histogram, k: int, rounding: Rounding | None = None) -> float:
    """A number that the weighted squared error of no palette of `k` storable centres is below.

    Args:
        certificate: for as many points as `counted` has, from `optc.numerics.palette.kmeans_1d` or anywhere else.
        counted: the distinct values, at least one, and their weights.
        k: how many centres there may be.
        rounding: what centres may be; any number if None.
    """
    costs = RunCosts(counted, rounding)
    with np.errstate(over="ignore"):
        penalty = float(np.ldexp(certificate.penalty, certificate.exponent))
        potentials = np.ldexp(certificate.potentials, certificate.exponent)
    count = len(counted.points)
    excess = 0.0
    low, high, first, last = (np.array([place]) for place in (1, count, 0, count - 1))
    while low.size:  # all ranges of one size at a time; each is halved, and so is where its starts may be
        stops = (low + high) // 2
        lengths = np.minimum(last, stops - 1) - first + 1
        begins = np.cumsum(lengths) - lengths
        which = np.repeat(np.arange(len(stops)), lengths)
        starts = np.arange(len(which)) - (begins - first)[which]
        through = potentials[starts] + costs.of(starts, stops[which])
        least = np.minimum.reduceat(through, begins)
        excess = max(excess, float((potentials[stops] - penalty - least).max()))
        hits = np.flatnonzero(through == least[which])
        best = starts[hits[np.unique(which[hits], return_index=True)[1]]]
        low, high = np.concatenate([low, stops + 1]), np.concatenate([stops - 1, high])
        first, last = np.concatenate([first, best]), np.concatenate([best, last])
        there = low <= high
        low, high, first, last = (ends[there] for ends in (low, high, first, last))
    whole = float(potentials[-1] - potentials[0]) - k * (penalty + excess)
    rounded = 8 * float(np.finfo(np.float64).eps) * (float(np.abs(potentials).max()) + penalty + excess)
    return float(max(0.0, whole - k * (costs.error + rounded)))


class RunCosts:
    """The costs of runs of points, from sums over all points before a position in the widest float there is.

    `error` is more than any cost can be off by.
    """

    def __init__(self, counted: Histogram, rounding: Rounding | None) -> None:
        points, mass = counted.points.astype(np.longdouble), counted.mass.astype(np.longdouble)
        self.pivot = float((points * mass).sum() / mass.sum())
        self.rounding = rounding
        apart = points - self.pivot
        terms = (mass, mass * apart, mass * apart * apart)
        self.sums = [np.concatenate([np.zeros(1, np.longdouble), np.cumsum(term)]) for term in terms]
        spread = float(self.sums[2][-1]) + float(self.sums[0][-1]) * np.spacing(abs(self.pivot)) ** 2
        self.error = 8 * (len(points) + 8) * float(np.finfo(np.longdouble).eps) * spread

    def of(self, starts: Array, stops: Array) -> Array:
        """The costs of the runs from each of `starts` to that of `stops`, `float64`."""
        mass, first, second = (column[stops] - column[starts] for column in self.sums)
        mean = first / mass
        cost = np.maximum(second - first * mean, 0)
        if self.rounding is not None:
            centre = np.asarray(self.pivot + mean, np.float64)
            cost = cost + mass * np.square(centre - _nearest(centre, self.rounding))
        return np.asarray(cost, np.float64)


def _nearest(centres: Array, rounding: Rounding) -> Array:
    if not rounding.precision:
        return np.clip(np.rint(centres / rounding.step), rounding.low, rounding.high) * rounding.step
    unit = np.maximum(np.ldexp(1.0, np.frexp(centres)[1] - rounding.precision), rounding.step)
    return np.asarray(np.rint(centres / unit) * unit)
