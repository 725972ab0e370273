"""The best split of points on a line into `k` runs, exactly: optimal one-dimensional k-means.

The dynamic programme is `F[t][j] = min over i < j of F[t - 1][i] + cost(i, j)`, where `cost` is Monge, so the best
`i` never decreases with `j` (Aggarwal, Klawe, Moran, Shor and Wilber 1987; Wu 1991, "Optimal quantization by matrix
searching"). In full, for a million points and 256 runs, it would be slow, so the boundaries are first confined to
windows by a bound that is proved on coarser questions:

* Let `E` be the least cost and `a[t]` the means of its runs. Group the points in cells, and move each boundary that
  is inside a cell to one of the cell's edges, such that all of the cell goes to the mean nearest to the cell's own.
  With the means as they were, a boundary in cell `c`, where the midpoint of two means is `z`, makes some points `x`
  of the cell pay `2 (a[t + 1] - a[t]) |x - z|` more. That sum is greatest for `z` at the cell's mean, where it is
  `(a[t + 1] - a[t]) spread[c]`. The differences of means add up to at most the range of the points. So there is
  a split at edges of cost at most `E + range * max(spread)`.
* `F` from the left plus the same from the right give, for each edge and each `t`, the least cost of a split at edges
  whose boundary `t` is that edge. Where it exceeds `best cost known + range * max(spread)`, boundary `t` of the best
  split lies in neither cell beside that edge.

Finer cells give narrower windows. The last step, over single points, decides among all positions that are left, so
the result is exact whatever the data; only the time depends on how well the windows close.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from optc.numerics.arrays import Array
from optc.numerics.partition_cost import EPSILON, Cells, Moments, group_cells, moments, single_cells

_BRANCHING = 8  # rows of a cost matrix that are solved together between two solved ones
_FIRST_CELLS_PER_RUN = 8
_LEAST_FIRST_CELLS = 512
_REFINEMENT = 4  # how many times more cells the next grid has
_SMALL_WINDOWS = 1 << 18  # so few positions in all windows are searched directly
_DESCENT_STEPS = 100


class Split(NamedTuple):
    """A split of points into runs.

    Attributes:
        bounds: `int64[k + 1]`, strictly ascending from 0 to the number of points; run `t` is `bounds[t]:bounds[t + 1]`.
        gap: how much the cost of the split can at most exceed the least possible (from rounding in float64 alone).
    """

    bounds: Array
    gap: float


class _Windows(NamedTuple):
    """Positions that each boundary `0..k` may take: from `low` to `high`, both included (`int64[k + 1]`)."""

    low: Array
    high: Array

    def mirrored(self, positions: int) -> "_Windows":
        return _Windows(positions - self.high[::-1], positions - self.low[::-1])


class _Layers(NamedTuple):
    """Results of the programme: least costs and best predecessors for each position of each window."""

    costs: list[Array]
    previous: list[Array]
    rounding: float


def best_split(points: Array, weights: Array, k: int) -> Split:
    """The split of `points` into `k` runs with the least weighted sum of squares about the runs' means.

    Args:
        points: `float64[n]`, strictly ascending, finite.
        weights: `float64[n]`, positive.
        k: from 1 to n.
    """
    count = len(points)
    if k == count:
        return Split(np.arange(count + 1), 0.0)
    inner = np.arange(k + 1)
    windows = _Windows(np.where(inner == k, count, inner), np.where(inner == 0, 0, count - k + inner))
    cell_count = max(_LEAST_FIRST_CELLS, _FIRST_CELLS_PER_RUN * k)
    while 2 * cell_count < count and int((windows.high - windows.low).sum()) > _SMALL_WINDOWS:
        cells = group_cells(points, weights, _even_edges(points, weights, cell_count))
        windows = _confine(points, weights, cells, windows)
        cell_count *= _REFINEMENT
    layers = _forward(single_cells(points, weights), windows, strict=True)
    return Split(_backtrack(layers, windows), layers.rounding)


def split_cost(points: Array, weights: Array, bounds: Array) -> float:
    """The weighted sum of squares of the runs about their means."""
    return float(group_cells(points, weights, bounds).sse.sum())


def _even_edges(points: Array, weights: Array, cell_count: int) -> Array:
    """Edges of at most `cell_count` cells whose spreads (mass times width) are about equal."""
    measure = np.concatenate([[0.0], np.cumsum(np.sqrt(weights[:-1] * np.diff(points)))])
    steps = np.arange(1, cell_count) * (measure[-1] / cell_count)
    inner = np.searchsorted(measure, steps, side="left")
    return np.unique(np.concatenate([[0], inner, [len(points)]]))


def _confine(points: Array, weights: Array, cells: Cells, windows: _Windows) -> _Windows:
    """Narrower windows that still hold every boundary of a best split."""
    edges = cells.edges
    # A boundary inside a cell moves to one of the cell's edges, so the window widens to whole cells.
    grid = _Windows(
        np.searchsorted(edges, windows.low, side="right") - 1, np.searchsorted(edges, windows.high, side="left")
    )
    from_left = _forward(cells, grid, strict=False)
    from_right = _forward(cells.mirrored(), grid.mirrored(len(edges) - 1), strict=False)
    best = _descend(points, weights, edges[_backtrack(from_left, grid)])
    used = np.zeros(len(edges), np.int64)  # cells that some window touches: +1 where one starts, -1 where it ends
    np.add.at(used, grid.low[1:-1], 1)
    np.add.at(used, grid.high[1:-1], -1)
    spread = float(cells.spread[np.cumsum(used)[:-1] > 0].max(initial=0.0))
    limit = best + (points[-1] - points[0]) * spread + from_left.rounding + from_right.rounding
    low, high = windows.low.copy(), windows.high.copy()
    for t in range(1, len(low) - 1):
        through = from_left.costs[t] + from_right.costs[len(low) - 1 - t][::-1]
        kept = np.flatnonzero(through <= limit) + grid.low[t]
        low[t] = max(low[t], edges[max(kept[0] - 1, 0)] + 1)
        high[t] = min(high[t], edges[min(kept[-1] + 1, len(edges) - 1)] - 1)
    order = np.arange(len(low))  # boundaries are strictly ascending
    low = np.maximum.accumulate(low - order) + order
    high = np.minimum.accumulate((high - order)[::-1])[::-1] + order
    return _Windows(low, high)


def _descend(points: Array, weights: Array, bounds: Array) -> float:
    """The cost of the split that alternating means and nearest points (Lloyd) reaches from `bounds`."""
    bounds = np.unique(bounds)  # a run of a split at edges may be empty; leaving it out changes no cost
    mass = np.concatenate([[0.0], np.cumsum(weights)])
    moment = np.concatenate([[0.0], np.cumsum(weights * points)])
    cost = split_cost(points, weights, bounds)
    for _ in range(_DESCENT_STEPS):
        loads = np.diff(mass[bounds])
        if not (loads > 0).all():  # a run too light to show in the sums; the bound of the start will do
            break
        means = np.diff(moment[bounds]) / loads
        moved = bounds.copy()
        moved[1:-1] = np.searchsorted(points, (means[1:] + means[:-1]) / 2)
        if np.array_equal(moved, bounds) or not (np.diff(moved) > 0).all():
            break
        bounds = moved
    return min(cost, split_cost(points, weights, bounds))


def _forward(cells: Cells, windows: _Windows, strict: bool) -> _Layers:
    """The dynamic programme over the positions of `windows`; runs may be empty unless `strict`."""
    costs = [np.zeros(1)]
    previous = [np.zeros(1, np.int64)]
    rounding = 0.0
    for t, ((low, high), (next_low, next_high)) in enumerate(pairwise(zip(*windows, strict=True))):
        sums = moments(cells, int(low), int(next_high))
        rows = np.arange(next_low - low, next_high - low + 1)
        last = np.minimum(rows - int(strict), high - low)
        cost, choice, stages = _row_minima(sums, costs[t], rows, last)
        costs.append(cost)
        previous.append(choice + low)
        # An entry errs by a few roundings of the numbers it is made from; a choice that is wrong by so little can,
        # by the Monge inequality, mislead the rows beside it by twice that at each stage.
        entry = 2 * sums.error + 4 * EPSILON * float(costs[t].max())
        rounding += (2 * stages + 2) * entry
    return _Layers(costs, previous, rounding)


def _row_minima(sums: Moments, base: Array, rows: Array, last: Array) -> tuple[Array, Array, int]:
    """For each row `j` the least `base[i] + cost(i, j)` over `i <= last[j]`, that `i`, and the number of stages.

    `rows` and `last` ascend; positions count from the start of `sums`. Rows far apart come first, and each solved
    row bounds the search of those between.
    """
    count = len(rows)
    best = np.empty(count)
    choice = np.zeros(count, np.int64)
    head = base - sums.second[: len(base)]
    stride = 1
    while stride < count:
        stride *= _BRANCHING
    _solve_rows(sums, head, rows, np.zeros(1, np.int64), np.zeros(1, np.int64), last[:1], best, choice)
    stages = 1
    while stride > 1:
        wide, stride = stride, stride // _BRANCHING
        todo = np.arange(0, count, stride)
        todo = todo[todo % wide != 0]
        before = todo - todo % wide
        after = before + wide
        least = choice[before]
        most = np.where(after < count, choice[np.minimum(after, count - 1)], last[todo])
        if len(todo):
            # Rounding may leave two solved rows out of order by a tie; the range must not become empty.
            most = np.maximum(least, np.minimum(most, last[todo]))
            _solve_rows(sums, head, rows, todo, least, most, best, choice)
        stages += 1
    return best, choice, stages


def _solve_rows(
    sums: Moments, head: Array, rows: Array, todo: Array, least: Array, most: Array, best: Array, choice: Array
) -> None:
    """Fill in `best` and `choice` of the rows `todo`, searching from `least` to `most`, both included."""
    lengths = most - least + 1
    starts = np.cumsum(lengths) - lengths
    at = np.repeat(least - starts, lengths)
    at += np.arange(len(at))
    position = rows[todo]
    mass = np.repeat(sums.mass[position], lengths)
    mass -= sums.mass[at]
    np.maximum(mass, sums.least_mass, out=mass)  # an empty run has moment 0 and must cost 0
    moment = np.repeat(sums.first[position], lengths)
    moment -= sums.first[at]
    moment *= moment
    moment /= mass
    entries = head[at]
    entries -= moment
    minima = np.minimum.reduceat(entries, starts)
    hits = np.flatnonzero(entries == np.repeat(minima, lengths))
    best[todo] = minima + sums.second[position]
    choice[todo] = at[hits[np.searchsorted(hits, starts)]]


def _backtrack(layers: _Layers, windows: _Windows) -> Array:
    """The boundaries of the split that the last layer found."""
    bounds = windows.high.copy()
    for t in range(len(bounds) - 1, 0, -1):
        bounds[t - 1] = layers.previous[t][bounds[t] - windows.low[t]]
    return bounds
