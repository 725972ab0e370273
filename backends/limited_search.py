"""Where kernels run and when weights are expanded within a limit of resident bytes: branch and bound.

Without the limit this is a placement. With a price on resident bytes instead of the limit it still is, and what such a
placement costs, less the price of the limit, is below what any plan within the limit takes (Lagrangian duality,
Everett, Operations Research 11, 1963). The price that gives the best bound is found by walking along the corners of the
hull of times and bytes: the next price is that at which the last two placements, one on each side of the limit, cost
the same. If they do not use the same units, the search goes on with plans that do not use a unit and with those that
launch it in any case; else with plans in which a kernel has few bytes and with those in which it has more.
"""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence

import attrs

from backends.placement import Flow, Node, place

HIGHEST_PRICE = 1.0
"""In ms a byte: nothing but bytes counts."""
MOST_CORNERS = 30
"""Of the hull, that are visited for one bound."""
MOST_PLACED = 30_000
"""Kernels that are placed in all, after which what is found stands, with the gap that is left; of few kernels `MOST`
placements are made, of many `LEAST`."""
LEAST, MOST = 16, 400
NEAR = 1e-4
"""The gap, as a fraction of the time, at which the search ends: no table is known to such a precision."""
TOLERANCE = 1e-12


@attrs.frozen
class Option:
    """One way to run a kernel on a unit: its time in ms, and its share of the resident bytes of its weights."""

    ms: float
    size: float


Options = Mapping[str, Sequence[Option]]
"""The ways to run a kernel by unit, each at least one."""
MOST_OPTIONS = 64
"""Of a kernel on a unit; of more, neighbours count as one that is as good as each."""
Found = Callable[[tuple[str, ...]], float]
"""Looks at what a placement comes to within the limit, and says how long that takes; infinity if nothing fits."""


def combined(options: Sequence[Option], more: Sequence[Option]) -> list[Option]:
    """The ways to do both, without those that others are as good as in time and bytes."""
    every = sorted((Option(a.ms + b.ms, a.size + b.size) for a in options for b in more), key=lambda o: (o.ms, o.size))
    kept: list[Option] = []
    for option in every:
        if not kept or option.size < kept[-1].size:
            kept.append(option)
    while len(kept) > MOST_OPTIONS:
        kept = [Option(a.ms, b.size) for a, b in zip(kept[::2], [*kept[1::2], kept[-1]], strict=False)]
    return kept


@attrs.frozen
class _Point:
    """A placement at a price: the units, the size of each kernel, the totals without the price, a bound with it."""

    units: tuple[str, ...]
    sizes: tuple[float, ...]
    ms: float
    size: float
    bound_ms: float


@attrs.frozen
class _Range:
    """The sizes that a kernel may have: more than `low`, at most `high`."""

    low: float = -1.0
    high: float = math.inf

    def has(self, size: float) -> bool:
        return self.low < size <= self.high


@attrs.frozen
class _Plans:
    """Some of the plans: kernels have sizes in `ranges`, none is on the units `without`, those `launched` are paid."""

    ranges: Mapping[int, _Range] = attrs.field(factory=dict)
    without: frozenset[str] = frozenset()
    launched: frozenset[str] = frozenset()

    def by_unit(self, unit: str) -> "list[_Plans]":
        """The plans that do not use a unit, and those that do."""
        without, launched = self.without | {unit}, self.launched | {unit}
        return [attrs.evolve(self, without=without), attrs.evolve(self, launched=launched)]

    def by_size(self, kernel: int, size: float) -> "list[_Plans]":
        """The plans in which a kernel has at most a size, and those in which it has more."""
        now = self.ranges.get(kernel, _Range())
        parts = attrs.evolve(now, high=size), attrs.evolve(now, low=size)
        return [attrs.evolve(self, ranges={**self.ranges, kernel: part}) for part in parts]


class LimitedSearch:
    """The search; `best_ms` is the least that `found` said, and `bound_ms` below what any plan within `limit` takes."""

    def __init__(
        self,
        kernels: Sequence[Options],
        flows: Sequence[Flow],
        launch_ms: Mapping[str, float],
        limit: int,
        found: Found,
    ) -> None:
        self.kernels, self.flows, self.launch_ms, self.limit, self.found = kernels, flows, launch_ms, limit, found
        self.best_ms = math.inf
        self.bound_ms = -math.inf
        self.left = max(LEAST, min(MOST, MOST_PLACED // max(1, len(kernels))))

    def run(self, branch: bool = True) -> None:
        """Search until the bound meets the best plan or the steps are used up; without `branch`, for one bound only."""
        bound, parts = self._bounded(_Plans())
        count = 0  # of equal bounds, the first goes on
        waiting: list[tuple[float, int, list[_Plans]]] = [(bound, count, parts)]
        settled = math.inf  # the least bound of what cannot be divided further
        while waiting:
            bound, _, parts = waiting[0]
            if bound >= min(self.best_ms * (1 - NEAR), settled) or not branch or self.left <= 0:
                break
            heapq.heappop(waiting)
            if not parts:
                settled = min(settled, bound)
            for part in parts:
                least, smaller = self._bounded(part)
                count += 1
                heapq.heappush(waiting, (max(least, bound), count, smaller))
        self.bound_ms = min([settled, self.best_ms, *(item[0] for item in waiting[:1])])

    def _bounded(self, plans: _Plans) -> tuple[float, list[_Plans]]:
        """A bound of these plans, and the parts to divide them into, if that can make it better."""
        fast, small = self._at(0.0, plans), self._at(HIGHEST_PRICE, plans)
        if fast is None or small is None:
            return math.inf, []
        bound = max(fast.bound_ms, small.bound_ms - HIGHEST_PRICE * self.limit)
        if fast.size <= self.limit or small.size > self.limit:
            return bound, []
        for _ in range(MOST_CORNERS):
            price = (small.ms - fast.ms) / (fast.size - small.size)
            corner = self._at(price, plans) if price > 0 and bound < self.best_ms and self.left > 0 else None
            if corner is None:
                break
            bound = max(bound, corner.bound_ms - price * self.limit)
            if corner.ms + price * corner.size >= (fast.ms + price * fast.size) * (1 - TOLERANCE):
                break
            fast, small = (corner, small) if corner.size > self.limit else (fast, corner)
        for unit in sorted(set(fast.units) ^ set(small.units)):
            if unit not in plans.launched:
                return bound, plans.by_unit(unit)
        differ = max(range(len(self.kernels)), key=lambda number: abs(fast.sizes[number] - small.sizes[number]))
        return bound, plans.by_size(differ, min(fast.sizes[differ], small.sizes[differ]))

    def _at(self, price: float, plans: _Plans) -> _Point | None:
        """The best placement where a byte costs `price` ms; None if there is none among these plans."""
        self.left -= 1
        chosen = [
            {
                unit: option for unit, options in kernel.items()
                if unit not in plans.without and (option := _best(options, price, plans.ranges.get(number)))
            }
            for number, kernel in enumerate(self.kernels)
        ]  # fmt: skip
        if not all(chosen):
            return None
        nodes = [Node({unit: o.ms + price * o.size for unit, o in kernel.items()}) for kernel in chosen]
        paid = math.fsum(self.launch_ms[unit] for unit in plans.launched)
        launch_ms = {unit: 0.0 if unit in plans.launched else ms for unit, ms in self.launch_ms.items()}
        placed = place(nodes, self.flows, launch_ms)
        self.best_ms = min(self.best_ms, self.found(placed.units))
        sizes = tuple(kernel[unit].size for kernel, unit in zip(chosen, placed.units, strict=True))
        size = math.fsum(sizes)
        return _Point(placed.units, sizes, placed.ms + paid - price * size, size, placed.bound_ms + paid)


def _best(options: Sequence[Option], price: float, allowed: _Range | None) -> Option | None:
    """The option of least cost, and of equal ones that of fewest bytes."""
    within = options if allowed is None else [option for option in options if allowed.has(option.size)]
    return min(within, key=lambda o: (o.ms + price * o.size, o.size), default=None)
