"""The arrays of a placement problem, with all times in whole multiples of one quantum, so that sums are exact."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np

from optc.numerics.arrays import Array

if TYPE_CHECKING:  # placement builds on this module
    from backends.placement import Flow, Node

BITS = 50
"""Totals that matter are at most 2**BITS quanta; float64 holds whole numbers up to 2**53. Greater ones stay greater."""

_Row = tuple[int, tuple[int, ...], tuple[float, ...]]


@attrs.frozen(eq=False)
class Problem:
    """`n` nodes, with the outside of the model as another one behind them; `k` units; `f` values.

    Flows with the same source and users are one. Times are in quanta of `2**exponent` ms.

    Attributes:
        units: in the order in which the nodes name them.
        costs: `float64[n + 1, k]`, infinite where a node is not legal.
        rank: `int64[n + 1, k]`, the place of the unit in the order of the node.
        source: `int64[f]`, the node that each value comes from.
        users: all users of the first value, then those of the second, and so on.
        starts: `int64[f]`, where in `users` those of each value start.
        ms: `float64[f, k, k]`, from the unit of the first axis to that of the second.
        launch: `float64[k]`.
    """

    units: tuple[str, ...]
    costs: Array
    rank: Array
    source: Array
    users: Array
    starts: Array
    ms: Array
    launch: Array
    exponent: int = 0

    def total(self, states: Array) -> float:
        """The time of a placement: `states` is `int64[n + 1]`, numbers of units."""
        nodes = states[:-1]
        spent = self.costs[np.arange(len(nodes)), nodes].sum() + self.launch[np.unique(nodes)].sum()
        if len(self.source):
            sent = self.ms[np.arange(len(self.source)), states[self.source]]
            spent += (sent * self._copies(states)).sum()
        return float(spent)

    def _copies(self, states: Array) -> Array:
        """Whether a user of the value is on the unit: `bool[f, k]`."""
        there = np.bitwise_or.reduceat(1 << states[self.users], self.starts)
        return np.asarray(there[:, None] >> np.arange(len(self.units)) & 1, np.bool_)

    def least(self, allowed: Array) -> float:
        """What the nodes take at least on the units allowed, `bool[k]`; infinite if one of them is legal on none."""
        return float(self.costs[:-1, allowed].min(axis=1).sum())

    def cheapest(self) -> Array:
        """Each node on the unit that takes the least time."""
        return np.asarray(self.costs.argmin(axis=1))

    def simple(self) -> Iterator[Array]:
        """For each unit, all nodes on it where they are legal, and elsewhere on the unit that takes the least time."""
        for unit in range(len(self.units)):
            yield np.where(np.isfinite(self.costs[:, unit]), unit, self.cheapest())

    def bound_ms(self, total: float) -> float:
        """A total in quanta as ms, less what rounding to quanta can have added to any placement."""
        terms = len(self.costs) + len(self.users) + len(self.units)
        return max(0.0, math.ldexp(total - terms / 2, self.exponent))

    def in_quanta(self) -> "Problem":
        """The problem with times rounded to a quantum that suits the total of the best simple placement."""
        total = min(map(self.total, (self.cheapest(), *self.simple())))
        exponent = math.frexp(total or math.ulp(0.0))[1] - BITS
        costs = np.where(np.isfinite(self.costs), _rounded(self.costs, exponent), np.inf)
        ms, launch = _rounded(self.ms, exponent), _rounded(self.launch, exponent)
        return attrs.evolve(self, costs=costs, ms=ms, launch=launch, exponent=exponent)


def _rounded(times: Array, exponent: int) -> Array:
    """In quanta; what takes more than the simple placement is not told apart, as no better placement has it."""
    with np.errstate(over="ignore"):
        return np.asarray(np.minimum(np.rint(np.ldexp(times, -exponent)), 1 << BITS + 2))


def problem_of(nodes: "Sequence[Node]", flows: "Sequence[Flow]", launch_ms: Mapping[str, float], home: str) -> Problem:
    """The arrays of the problem; the arguments are those of `backends.placement.place`."""
    orders = list(dict.fromkeys(tuple(node.costs) for node in nodes))
    units = tuple(dict.fromkeys(itertools.chain(*orders)))
    if home not in units and any(flow.source == -1 or -1 in flow.users for flow in flows):
        units = (*units, home)
    outside = [0.0 if unit == home else math.inf for unit in units]
    if home not in units:  # nothing goes in or out: anywhere will do
        outside[0] = 0.0
    costs = [[node.costs.get(unit, math.inf) for unit in units] for node in nodes]
    ranks = {order: [order.index(unit) if unit in order else len(order) for unit in units] for order in orders}
    rank = [*(ranks[tuple(node.costs)] for node in nodes), [0] * len(units)]
    launch = np.array([launch_ms.get(unit, 0.0) if unit == home else launch_ms[unit] for unit in units])
    values = _values(flows, units, len(nodes))
    return Problem(units, np.array([*costs, outside]), np.array(rank), *values, launch).in_quanta()


def _values(flows: "Sequence[Flow]", units: Sequence[str], outside: int) -> tuple[Array, Array, Array, Array]:
    """`source`, `users`, `starts` and `ms` of a problem. Flows are sorted, so that their order makes no difference."""
    pairs = list(itertools.permutations(units, 2))
    rows: list[_Row] = sorted(
        (flow.source % (outside + 1), users, tuple(flow.ms[pair] for pair in pairs))
        for flow in flows
        if (users := tuple(sorted({user % (outside + 1) for user in flow.users if user != flow.source})))
    )
    groups = [list(rows_of_one) for _, rows_of_one in itertools.groupby(rows, key=lambda row: row[:2])]
    ends = [users for ((_, users, _), *_) in groups]
    ms = np.zeros((len(groups), len(units), len(units)))
    apart = ~np.eye(len(units), dtype=np.bool_)
    ms[:, apart] = np.array([_sums(group) for group in groups]).reshape(len(groups), len(pairs))
    starts = np.cumsum([0, *map(len, ends)])[:-1]
    source = np.array([group[0][0] for group in groups], np.int64)
    return source, np.array(list(itertools.chain(*ends)), np.int64), starts, ms


def _sums(group: Sequence[_Row]) -> tuple[float, ...]:
    if len(group) == 1:
        return group[0][2]
    return tuple(map(math.fsum, zip(*(times for _, _, times in group), strict=True)))
