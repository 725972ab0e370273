"""The best split of points on a line into `k` runs, exactly: optimal one-dimensional k-means.

A run costs its weighted sum of squares about its centre, which is its mean, or the nearest number to it that can be
stored (`Rounding`). Either cost satisfies the Monge inequality: for two runs that are one inside the other, exchanging
their ends never costs more. (With a set of allowed centres: of the best centres of the two, take the one that the
inner run prefers for the outer run's near part; which of two centres is nearer changes but once along the line.)

So the least cost is convex in `k`, and the search is for a *penalty* per run such that the cheapest split with
penalties has `k` runs (Aggarwal, Schieber and Tokuyama 1994, "Finding a minimum-weight k-link path in graphs with the
concave Monge property"; Gronlund, Larsen, Mathiasen, Nielsen, Schneider and Song 2017, "Fast exact k-means, k-medians
and Bregman divergence clustering in 1D"). For one penalty, the least costs `least[j] = min over i < j of least[i] +
cost(i, j) + penalty`, where a later `i` once better stays better, take a queue of candidates and few evaluations per
point. Where several numbers of runs share a penalty, the cheapest splits with fewer and with more runs are spliced.

A first search, over edges of coarse cells, nearly finds the penalty. The result is exact whatever it finds.

The penalty proves the result: no split into `k` runs costs less than `least[n] - k * penalty`
(`optc.numerics.certificate` checks such a proof).
`optc.numerics.native` holds the same algorithm compiled, operation by operation, so that both give the same bits.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from optc.numerics import native
from optc.numerics.arrays import Array

EPSILON = float(np.finfo(np.float64).eps)
_FOR_NORMAL = math.pi * math.sqrt(3.0)
"""The penalty of k runs of normally distributed points is about so many times their variance over k**3 (Panter and Dite
1951, "Quantization distortion in pulse-count modulation with nonuniform spacing of levels")."""
_CUBIC_STEPS, _ROUGH_STEPS = 6, 8
_CELLS_PER_RUN, _LEAST_CELLS = 16, 256
_NEAR = 4


class Rounding(NamedTuple):
    """The numbers that centres may be: floats of `precision` bits, at least `step` apart; or, for precision 0, the
    multiples `low` to `high` of `step`."""

    precision: int
    step: float
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, dtype: Any) -> "Rounding":
        """The floats of a dtype (NumPy's or of ml_dtypes)."""
        facts = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
        return cls(int(facts.nmant) + 1, float(facts.smallest_subnormal))

    def scaled(self, exponent: int) -> "Rounding":
        """The same numbers times `2**exponent`."""
        return self._replace(step=math.ldexp(self.step, exponent))

    def nearest(self, centre: float) -> float:
        """The allowed number nearest to `centre`."""
        if self.precision:
            unit = max(math.ldexp(1.0, math.frexp(centre)[1] - self.precision), self.step)
            return round(centre / unit) * unit
        return min(max(float(round(centre / self.step)), self.low), self.high) * self.step

    def nearest_to_all(self, centres: Array) -> Array:
        """`nearest` of each element, `float64` of the same shape."""
        return np.array([self.nearest(centre) for centre in centres.reshape(-1).tolist()]).reshape(centres.shape)


class Split(NamedTuple):
    """A split of points into runs.

    Attributes:
        bounds: `int64[k + 1]`, strictly ascending from 0 to the number of points; run `t` is `bounds[t]:bounds[t + 1]`.
        gap: how much the cost of the split can at most exceed the least possible (from rounding in float64 alone).
        penalty: what each run was made to cost more in the search.
        potentials: `float64[n + 1]`, the least costs, with penalties, of splits of the points before each position.
    """

    bounds: Array
    gap: float
    penalty: float
    potentials: Array


def best_split(points: Array, weights: Array, k: int, rounding: Rounding | None = None) -> Split:
    """The split of `points` into `k` runs with the least weighted sum of squares about the runs' centres.

    Args:
        points: `float64[n]`, strictly ascending, finite, of magnitude at most 1.
        weights: `float64[n]`, positive. They are rounded to multiples of 2**-51 of their sum.
        k: from 1 to n.
        rounding: what centres may be; any number if None.
    """
    if k == len(points):
        near = points if rounding is None else rounding.nearest_to_all(points)
        return Split(
            np.arange(k + 1), 0.0, 0.0, np.concatenate([[0.0], np.cumsum(weights * np.square(points - near))])
        )  # fmt: skip
    if native.kernels is not None:
        bounds, potentials = np.empty(k + 1, np.int64), np.empty(len(points) + 1)
        gap, penalty = native.kernels.best_split(points, weights, k, rounding, bounds, potentials)
        return Split(bounds, gap, penalty, potentials)
    sums = _Sums.of(points, weights, rounding)
    penalty = 0.0
    cells = max(_CELLS_PER_RUN * k, _LEAST_CELLS)
    if 2 * cells < len(points):
        edges = _coarse_cells(points, np.diff(sums.mass), cells)
        if len(edges) - 1 > k:
            penalty = _search(sums.at(edges), k, 0.0, rough=True).penalty
    found = _search(sums, k, penalty)
    cost = 0.0
    for start, stop in pairwise(found.bounds):
        cost += sums.cost(start, stop)
    slack = EPSILON * float(32 + 8 * k) * (sums.spread + found.dual + float(k) * found.penalty)
    gap = max(cost - found.dual, 0.0) + slack
    return Split(np.array(found.bounds), gap, found.used, np.array(found.potentials))


class _Sums(NamedTuple):
    """Prefix sums at positions `0..count` on the line: of the mass, and of its first and second moment about `pivot`.

    Moments are pairs, of which the first part adds up exactly and the other holds the rest, so that a difference is
    as precise as its own magnitude allows.
    """

    mass: list[float]
    first: list[float]
    first_rest: list[float]
    second: list[float]
    second_rest: list[float]
    pivot: float
    spread: float
    rounding: Rounding | None

    @classmethod
    def of(cls, points: Array, weights: Array, rounding: Rounding | None) -> "_Sums":
        unit = math.ldexp(1.0, math.frexp(_total(weights))[1] - 51)
        mass = np.maximum(np.rint(weights / unit) * unit, unit)
        masses = np.concatenate([[0.0], np.cumsum(mass)])
        pivot = float(points[0]) + _total(mass * (points - points[0])) / float(masses[-1])
        terms = mass * (points - pivot)
        first, first_rest, _ = _prefix_sums(terms)
        second, second_rest, spread = _prefix_sums(terms * (points - pivot))
        return cls(masses.tolist(), first, first_rest, second, second_rest, pivot, spread, rounding)

    def at(self, edges: list[int]) -> "_Sums":
        """The sums at some of the positions."""
        mass, first, first_rest, second, second_rest = ([column[edge] for edge in edges] for column in self[:5])
        return _Sums(mass, first, first_rest, second, second_rest, self.pivot, self.spread, self.rounding)

    def cost(self, i: int, j: int) -> float:
        """The cost of the run from position `i` to position `j`."""
        mass = self.mass[j] - self.mass[i]
        first = (self.first[j] - self.first[i]) + (self.first_rest[j] - self.first_rest[i])
        second = (self.second[j] - self.second[i]) + (self.second_rest[j] - self.second_rest[i])
        mean = first / mass
        cost = second - first * mean
        if cost < 0.0:
            cost = 0.0
        if self.rounding is not None:
            centre = self.pivot + mean
            error = centre - self.rounding.nearest(centre)
            cost = cost + mass * error * error
        return cost


def _total(terms: Array) -> float:
    """The sum, from first to last; `numpy.sum` adds in another order."""
    return float(np.cumsum(terms)[-1])


def _prefix_sums(terms: Array) -> tuple[list[float], list[float], float]:
    """Prefix sums in two parts, and the sum of magnitudes."""
    magnitude = _total(np.abs(terms))
    unit = math.ldexp(1.0, math.frexp(magnitude)[1] - 51) or math.ldexp(1.0, -1074)
    upper = np.rint(terms / unit) * unit
    return (
        np.concatenate([[0.0], np.cumsum(upper)]).tolist(),
        np.concatenate([[0.0], np.cumsum(terms - upper)]).tolist(),
        magnitude,
    )


def _coarse_cells(points: Array, mass: Array, cells: int) -> list[int]:
    """Positions that cut the line into at most `cells` cells, closer where there are more points."""
    measure = np.concatenate([[0.0], np.cumsum(np.sqrt(mass[:-1] * np.diff(points)))])
    limits = np.arange(1, cells) * (measure[-1] / float(cells))
    inner = np.searchsorted(measure, limits, side="left")
    edges: list[int] = np.unique(np.concatenate([[0], inner, [len(points)]])).tolist()
    return edges


class _Found(NamedTuple):
    """A split that is cheapest with a penalty; `dual` bounds the cost of any split into `k` runs from below.

    `penalty` is where the search goes on, `used` that for which the potentials are.
    """

    bounds: list[int]
    cost: float
    penalty: float
    dual: float = 0.0
    used: float = 0.0
    potentials: Sequence[float] = ()

    @property
    def runs(self) -> int:
        return len(self.bounds) - 1


def _search(sums: _Sums, k: int, penalty: float, rough: bool = False) -> _Found:
    """The cheapest split into `k` runs, starting from a guess of the penalty (0 for none).

    A rough search stops after some steps, whatever it has found.
    """
    n = len(sums.mass) - 1
    few = _Found([0, n], sums.cost(0, n), math.inf)
    many = singles = _Found(list(range(n + 1)), 0.0, 0.0)
    size = float(k)
    if not penalty > 0.0:
        penalty = _FOR_NORMAL * few.cost / (size * size * size)
    chord = False
    step = 0
    while True:
        found = _penalised(sums, k, penalty)
        runs = found.runs
        if runs == k or (rough and step == _ROUGH_STEPS):
            return found
        stuck = chord and (
            not few.runs < runs < many.runs
            or not found.cost + penalty * float(runs) < few.cost + penalty * float(few.runs)
        )
        if not stuck:
            if runs < k and penalty < few.penalty:
                few = found
            elif runs > k and penalty > many.penalty:
                many = found
            ratio = float(runs) / size
            guess = penalty * ratio * ratio * ratio  # the least cost falls about as 1 / k**2
            if step < _CUBIC_STEPS and many.penalty < guess < few.penalty:
                chord, penalty = False, guess
            else:  # the penalty at which both sides are equally good
                chord = True
                if many is singles and sums.rounding is not None:  # seldom asked for
                    many = singles._replace(cost=_total(np.array([sums.cost(i, i + 1) for i in range(n)])))
                penalty = (few.cost - many.cost) / float(many.runs - few.runs)
                stuck = not many.penalty < penalty < few.penalty
        if stuck:
            return found._replace(bounds=_splice(few.bounds, many.bounds, k), penalty=penalty)
        step += 1


def _splice(few: list[int], many: list[int], k: int) -> list[int]:
    """A split into `k` runs: the first part of one split, the rest of the other.

    They are joined where a run of `few` holds a run of `many`, so that by the Monge inequality the result is
    cheapest for a penalty for which both are.
    """
    more = k - (len(few) - 1)
    join = 1
    while many[join + more] > few[join]:
        join += 1
    return many[: join + more] + few[join:]


def _penalised(sums: _Sums, k: int, penalty: float) -> _Found:
    """The cheapest split where each run costs `penalty` more."""
    n = len(sums.mass) - 1
    cost = sums.cost
    least = [0.0] * (n + 1)
    previous = [0] * (n + 1)
    candidates, starts = [0], [1]  # each candidate is the best predecessor from its start to the next one's
    head = 0
    for j in range(1, n + 1):
        if head + 1 < len(candidates) and starts[head + 1] == j:
            head += 1
        best = candidates[head]
        least[j] = least[best] + cost(best, j) + penalty
        previous[j] = best
        if j == n:
            break
        low, high = 0, n + 1  # the older is as good at `low`, the newer better at `high`
        own = least[j]
        while len(candidates) > head:
            low = max(starts[-1], j + 1)
            other = candidates[-1]
            if not own + cost(j, low) < least[other] + cost(other, low):
                break
            high = low
            candidates.pop()
            starts.pop()
        if len(candidates) == head:
            candidates.append(j)
            starts.append(j + 1)
            continue
        high = _takeover(sums, (other, least[other]), (j, own), low, high)
        if high <= n:
            candidates.append(j)
            starts.append(high)
    return _found(sums, previous, penalty, least, k)


def _takeover(sums: _Sums, older: tuple[int, float], newer: tuple[int, float], low: int, high: int) -> int:
    """The first position from which the newer of two candidates (position and least cost there) is better.

    The older is as good at `low`, and the newer better at `high`, or nowhere if that is beyond the last position.
    """
    cost = sums.cost
    other, base = older
    j, own = newer

    def takes_over(position: int) -> bool:
        return own + cost(j, position) < base + cost(other, position)

    for position in range(low + 1, min(low + 1 + _NEAR, high)):  # most often it is soon after the last takeover
        if takes_over(position):
            return position
    low += _NEAR
    reach = 1
    while low + reach < high:
        if takes_over(low + reach):
            high = low + reach
            break
        low += reach
        reach *= 2
    while high - low > 1:
        middle = low + (high - low) // 2
        if takes_over(middle):
            high = middle
        else:
            low = middle
    return high


def _found(sums: _Sums, previous: list[int], penalty: float, least: list[float], k: int) -> _Found:
    """The split that each position's predecessor leads to."""
    bounds = [len(previous) - 1]
    while bounds[-1]:
        bounds.append(previous[bounds[-1]])
    bounds.reverse()
    cost = 0.0
    for start, stop in pairwise(bounds):
        cost += sums.cost(start, stop)
    return _Found(bounds, cost, penalty, least[-1] - float(k) * penalty, penalty, least)
