"""Choosing for all weights at once: the least time within a limit of resident memory, and other objectives.

Each weight has a choice of two, so that under a limit this is a knapsack: starting from the best choices, the cheapest
set of changes that saves the bytes that are too many. The bound of its linear relaxation (changes in order of price per
byte, the last one in part; it is the Lagrangian's at its best multiplier) is the certificate, and branch and bound
closes the gap, within a number of steps (Martello and Toth, Knapsack Problems, 1990, chapter 2).
"""

import math
from collections.abc import Sequence
from typing import Any

import attrs

from backends.costs import CHOICES, LOAD, PREDICT
from backends.decision import Decision
from optc.errors import OptcError, UsageError

OBJECTIVES = ("latency", "memory", "load")
MOST_STEPS = 50_000
"""Nodes of the search tree, after which the best found stands, with the gap that is left."""


@attrs.frozen
class Selection:
    """The chosen decisions. `gap_ms`: how much better (in what is minimised) a choice could be at most; 0: it is best.

    `price_per_mb`: what 1e6 more bytes of memory would save at about, in ms; 0 without a limit that binds.
    """

    decisions: tuple[Decision, ...]
    gap_ms: float = 0.0
    price_per_mb: float = 0.0


@attrs.frozen
class _Change:
    """Taking the other choice for one weight: what it costs, and the bytes that it saves."""

    number: int
    choice: str
    ms: float
    saved: int


def select(decisions: Sequence[Decision], limit: int | None = None, objective: str = "latency") -> Selection:
    """Choose by an objective: `latency` (predicted time, then memory), `memory` (then time) or `load` (load time, then
    predicted time, then memory), within `limit` resident bytes. Pinned weights stay as they are.

    Raises:
        UsageError: slug `no-such-objective`.
        OptcError: slug `memory-limit`: the weights do not fit, however they are chosen.
    """
    if objective not in OBJECTIVES:
        raise UsageError("no-such-objective", "plan", "objective", f"one of {', '.join(OBJECTIVES)}", objective)
    best = tuple(_by_objective(d, objective) for d in decisions)
    total = sum(d.resident_bytes for d in best)
    if limit is None or total <= limit:
        return Selection(best)
    changes = [c for number, d in enumerate(best) if (c := _change(number, d, objective)) is not None]
    least = total - sum(c.saved for c in changes)
    if least > limit:
        expected = f"at least {least:,} bytes, what the weights take"
        raise OptcError("memory-limit", "plan", "memory limit", expected, limit, _held_by_pins(best))
    changes.sort(key=lambda c: (c.ms / c.saved, c.number))
    taken, gap = _cheapest(changes, total - limit)
    chosen = list(best)
    for change in taken:
        chosen[change.number] = attrs.evolve(best[change.number], choice=change.choice, reason="memory-limit")
    price = max((c.ms / c.saved for c in taken), default=0.0) * 1e6
    return Selection(tuple(chosen), gap, price)


def _held_by_pins(decisions: Sequence[Decision]) -> str:
    """Which pinned weights would take less memory with the other choice; empty if none would."""
    held = {d: d.resident_bytes - _other(d).resident_bytes for d in decisions if d.reason == "pinned" and d.is_free}
    most = sorted((d for d, size in held.items() if size > 0), key=lambda d: (-held[d], d.name))
    if not most:
        return ""
    names = ", ".join(f"{d.name}={d.choice}" for d in most[:3]) + (", ..." if len(most) > 3 else "")
    return f"pins hold {sum(held[d] for d in most):,} bytes of that: {names}"


def _other(decision: Decision) -> Decision:
    return attrs.evolve(decision, choice=PREDICT if decision.choice == LOAD else LOAD)


def _key(decision: Decision, choice: str, objective: str) -> tuple[float, ...]:
    other = attrs.evolve(decision, choice=choice)
    ms, size, load = other.predict_ms, other.resident_bytes, other.load_ms
    return {"latency": (ms, size), "memory": (size, ms), "load": (load, ms, size)}[objective]


def _by_objective(decision: Decision, objective: str) -> Decision:
    if objective == "latency" or not decision.is_free or decision.reason == "pinned":
        return decision
    choice = min(CHOICES, key=lambda c: (_key(decision, c, objective), c))
    return attrs.evolve(decision, choice=choice, reason=f"least-{objective}")


def _change(number: int, decision: Decision, objective: str) -> _Change | None:
    """The other choice, if it may be taken and saves memory."""
    if not decision.is_free or decision.reason == "pinned":
        return None
    other = _other(decision)
    saved = decision.resident_bytes - other.resident_bytes
    if saved <= 0:
        return None
    first = _key(other, other.choice, objective)[0] - _key(decision, decision.choice, objective)[0]
    return _Change(number, other.choice, max(0.0, first), saved)


def _cheapest(changes: Sequence[_Change], needed: int) -> tuple[list[_Change], float]:
    """The set of changes of least cost that saves `needed` bytes, and the gap to the bound if it may not be that.

    `changes` come by cost per byte. Of equal costs, the set that saves more is taken.
    """
    search = _Search(changes, needed)
    search.run()
    taken = [changes[i] for i in search.best_set]
    cost = math.fsum(c.ms for c in taken)
    return taken, 0.0 if search.finished else max(0.0, cost - search.bound(0, needed))


_Taken = tuple[int, Any] | None
"""The numbers of the changes that are taken, the last one first."""


def _listed(taken: _Taken) -> list[int]:
    out = []
    while taken is not None:
        out.append(taken[0])
        taken = taken[1]
    return out


class _Search:
    """Depth-first branch and bound over the changes in order; `best` is (cost, -bytes saved)."""

    def __init__(self, changes: Sequence[_Change], needed: int) -> None:
        self.changes, self.needed = changes, needed
        self.saved_before = [0]
        self.ms_before = [0.0]
        for change in changes:
            self.saved_before.append(self.saved_before[-1] + change.saved)
            self.ms_before.append(self.ms_before[-1] + change.ms)
        self.best, self.best_set = self._greedy()
        self.finished = False

    def bound(self, first: int, needed: int) -> float:
        """The least cost at which changes from `first` on could save `needed` bytes, the last one in part."""
        if needed <= 0:
            return 0.0
        target = self.saved_before[first] + needed
        low, high = first, len(self.changes)
        while low < high:  # the first number of changes that saves enough
            middle = (low + high) // 2
            low, high = (low, middle) if self.saved_before[middle] >= target else (middle + 1, high)
        if self.saved_before[low] < target:
            return math.inf
        last = self.changes[low - 1]
        over = self.saved_before[low] - target
        return self.ms_before[low] - self.ms_before[first] - last.ms * (over / last.saved)

    def _greedy(self) -> tuple[tuple[float, int], list[int]]:
        """Changes in order until they suffice, then without those that turn out not to be needed."""
        taken: list[int] = []
        left = self.needed
        for number, change in enumerate(self.changes):
            if left > 0:
                taken.append(number)
                left -= change.saved
        for number in sorted(taken, key=lambda i: -self.changes[i].ms):
            if left + self.changes[number].saved <= 0 and self.changes[number].ms > 0:
                taken.remove(number)
                left += self.changes[number].saved
        return self._value(taken), taken

    def _value(self, taken: Sequence[int]) -> tuple[float, int]:
        return math.fsum(self.changes[i].ms for i in taken), -sum(self.changes[i].saved for i in taken)

    def run(self) -> None:
        """Search until all is seen or the steps are used up."""
        open_nodes: list[tuple[int, int, float, _Taken]] = [(0, self.needed, 0.0, None)]
        steps = 0
        while open_nodes:
            steps += 1
            if steps > MOST_STEPS:
                return
            first, needed, cost, taken = open_nodes.pop()
            if needed <= 0 and (cost, needed - self.needed) < self.best:
                self.best, self.best_set = (cost, needed - self.needed), _listed(taken)
            if first == len(self.changes) or self._hopeless(first, needed, cost):
                continue
            change = self.changes[first]
            open_nodes.append((first + 1, needed, cost, taken))
            open_nodes.append((first + 1, needed - change.saved, cost + change.ms, (first, taken)))
        self.finished = True

    def _hopeless(self, first: int, needed: int, cost: float) -> bool:
        """Whether nothing from here is cheaper, nor as cheap with more bytes saved."""
        least = cost + self.bound(first, needed)
        if least > self.best[0] * (1 + 1e-12):
            return True
        free = needed <= 0 and self.changes[first].ms > 0
        return free or (least >= self.best[0] * (1 - 1e-12) and self._most_saved(first, needed) <= -self.best[1])

    def _most_saved(self, first: int, needed: int) -> int:
        return self.needed - needed + self.saved_before[-1] - self.saved_before[first]
