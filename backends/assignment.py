"""Where kernels run and when weights are expanded, together: the fastest within a limit of resident memory.

Without a limit, or where the fastest plan fits, kernels are placed with the best choice for each weight, and that is
the best there is. Otherwise a price is put on resident bytes: for each price all is placed and chosen again, and the
fastest that fits is taken. Placements and choices at a price give a bound for all that fit (Lagrangian duality,
Everett, Operations Research 11, 1963), so that what is left open is known. Where each kernel has one place, that is the
knapsack's own.
"""

import math
from collections.abc import Mapping, Sequence

import attrs

from backends.capability import Refusal
from backends.costs import CHOICES, LOAD, PREDICT, UnitCosts
from backends.decision import Decision, decide
from backends.placement import Flow, Node, Placement, place, placement_ms
from backends.selection import Selection, select
from backends.uses import Use, Work
from optc.errors import OptcError

STEPS = 12
"""How many prices are tried."""
FIRST_PRICE = 1e-12
"""The lowest price, in ms a byte: a megabyte then counts a nanosecond."""


@attrs.frozen(eq=False)
class Problem:
    """What is to be assigned: kernels with their weights, what they cost where, and what is asked for.

    `refusals` has by unit, for each kernel, why it cannot run there; `limit` is in resident bytes of weights.
    """

    works: tuple[Work, ...]
    costs: Mapping[str, UnitCosts]
    refusals: Mapping[str, Sequence[Refusal | None]]
    flows: tuple[Flow, ...]
    disk_gbps: float
    pins: Mapping[str, str]
    limit: int | None
    objective: str

    def nodes(self, price: float = 0.0) -> tuple[Node, ...]:
        """The kernels with their times where they may run, with the best choice for each weight, or the pinned one.

        A resident byte costs `price` ms; weights of several kernels are shared out among them.
        """
        kernels: dict[str, int] = {}
        for work in self.works:
            for use in work.uses:
                kernels[use.weight.name] = kernels.get(use.weight.name, 0) + 1
        return tuple(
            Node({
                unit: self._kernel_ms(costs, work, price, kernels)
                for unit, costs in self.costs.items() if self.refusals[unit][number] is None
            })
            for number, work in enumerate(self.works)
        )  # fmt: skip

    def _kernel_ms(self, costs: UnitCosts, work: Work, price: float, kernels: Mapping[str, int]) -> float:
        if not work.uses:
            return costs.kernel_part(work).ms + costs.overhead_ms(work)
        spent = (self._use_ms(costs, work, use, price / kernels[use.weight.name]) for use in work.uses)
        return math.fsum(spent) + costs.overhead_ms(work)

    def _use_ms(self, costs: UnitCosts, work: Work, use: Use, price: float) -> float:
        choices: tuple[str, ...] = (LOAD,)
        if not costs.why_not(use):
            choices = (self.pins[use.weight.name],) if use.weight.name in self.pins else CHOICES
        size = {LOAD: use.dense_bytes(costs.bits), PREDICT: use.weight.stored_bytes}
        return min(costs.part(work, use, choice).ms + price * size[choice] for choice in choices)

    def decisions(self, units: Sequence[str]) -> list[Decision]:
        """A decision for each weight and unit that uses it, in order of first use."""
        uses: dict[tuple[str, str], list[Use]] = {}
        for work, unit in zip(self.works, units, strict=True):
            for use in work.uses:
                uses.setdefault((use.weight.name, unit), []).append(use)
        out = []
        for (name, unit), group in uses.items():
            decision = decide(group[0].weight, group, self.works, self.costs[unit], self.disk_gbps)
            if name in self.pins and decision.is_free:
                decision = attrs.evolve(decision, choice=self.pins[name], reason="pinned")
            out.append(decision)
        return out


@attrs.frozen(eq=False)
class Assignment:
    """What was found: the nodes and where each runs, and the choices."""

    nodes: tuple[Node, ...]
    placement: Placement
    selection: Selection


def assign(problem: Problem, launch_ms: Mapping[str, float]) -> Assignment:
    """Place and choose.

    Raises:
        OptcError: slug `memory-limit`: nothing that was tried fits; with the least that was found.
    """
    nodes = problem.nodes()
    placement = place(nodes, problem.flows, launch_ms)
    decisions = problem.decisions(placement.units)
    free = select(decisions, None, problem.objective)
    if problem.limit is None or sum(d.resident_bytes for d in free.decisions) <= problem.limit:
        return Assignment(nodes, placement, free)
    return _within(problem, launch_ms, nodes, placement)


def _within(
    problem: Problem, launch_ms: Mapping[str, float], nodes: tuple[Node, ...], fastest: Placement
) -> Assignment:  # fmt: skip
    """The fastest found within the limit, with what the best could save at most."""
    limit = problem.limit or 0
    found: dict[tuple[str, ...], tuple[float, Selection]] = {}
    bound, refused = fastest.bound_ms, []
    for price in (0.0, *(FIRST_PRICE * 10.0**step for step in range(STEPS))):
        priced = place(problem.nodes(price), problem.flows, launch_ms) if price else fastest
        bound = max(bound, priced.bound_ms - price * limit)
        if priced.units not in found:
            try:
                selection = select(problem.decisions(priced.units), limit, problem.objective)
            except OptcError as error:
                refused.append(error)
                continue
            found[priced.units] = _predicted_ms(problem, nodes, launch_ms, priced.units, selection), selection
    if not found:
        raise refused[-1]  # at the highest price memory is all that counts
    units, (ms, selection) = min(found.items(), key=lambda item: item[1][0])
    gap = selection.gap_ms
    if problem.objective == "latency" and any(len(node.costs) > 1 for node in nodes):
        for _, chosen in found.values():  # the price at which each set of choices is the best gives the best bounds
            price = chosen.price_per_mb * 1e-6
            bound = max(bound, place(problem.nodes(price), problem.flows, launch_ms).bound_ms - price * limit)
        gap = max(0.0, ms - bound)
    placement = attrs.evolve(fastest, units=units, ms=placement_ms(units, nodes, problem.flows, launch_ms))
    return Assignment(nodes, placement, attrs.evolve(selection, gap_ms=gap))


def _predicted_ms(
    problem: Problem, nodes: Sequence[Node], launch_ms: Mapping[str, float], units: Sequence[str], chosen: Selection
) -> float:
    """The time of a placement with these choices instead of the best for each use."""
    more = []
    for decision in chosen.decisions:
        for use in decision.uses:
            choices = CHOICES if decision.is_free else (LOAD,)
            if decision.reason == "pinned":
                choices = (decision.choice,)
            more.append(use.parts[decision.choice].ms - min(use.parts[choice].ms for choice in choices))
    return placement_ms(units, nodes, problem.flows, launch_ms) + math.fsum(more)
