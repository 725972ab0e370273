"""Where kernels run and when weights are expanded, together: the fastest within a limit of resident memory.

Without a limit, or where the fastest plan fits, kernels are placed with the best choice for each weight, and that is
the best there is; where memory or load time is to be least, with a price on that which is far above that of time.
Otherwise placements are searched (`backends.limited_search`), choices within the limit are made for
each by the knapsack, and the fastest is taken; what is left open is the search's gap, or where each kernel has one
place the knapsack's own.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import attrs

from backends.capability import Refusal
from backends.costs import CHOICES, LOAD, PREDICT, UnitCosts
from backends.decision import Decision, decide
from backends.limited_search import LimitedSearch, Option, Options, combined
from backends.placement import Flow, Node, Placement, place, placement_ms
from backends.selection import Selection, select
from backends.uses import Use, Work
from optc.errors import OptcError


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

    def nodes(self) -> tuple[Node, ...]:
        """The kernels with their times where they may run, with the best choice for each weight, or the pinned one."""
        return tuple(
            Node({unit: min(option.ms for option in options) for unit, options in kernel.items()})
            for kernel in self.options
        )

    @cached_property
    def options(self) -> tuple[Options, ...]:
        """The ways to run each kernel where it may run, with their times and resident bytes."""
        return self._options(_resident_bytes)

    def nodes_by_objective(self, launch_ms: Mapping[str, float]) -> tuple[Node, ...]:
        """The kernels with their times and, at a price at which these count for little, what the objective makes least.

        A byte, or `_LEAST_LOAD_MS` of load time, counts more than any plan can take.
        """
        options = self._options(_expansion_ms) if self.objective == "load" else self.options
        slowest = math.fsum(max((o.ms for ways in kernel.values() for o in ways), default=0.0) for kernel in options)
        handed = math.fsum(len(launch_ms) * max(flow.ms.values(), default=0.0) for flow in self.flows)
        price = slowest + handed + math.fsum(launch_ms.values())
        if self.objective == "load":
            price /= _LEAST_LOAD_MS
        return tuple(
            Node({unit: min(o.ms + price * o.size for o in ways) for unit, ways in kernel.items()})
            for kernel in options
        )

    def _options(self, size: "Size") -> tuple[Options, ...]:
        """The ways to run each kernel; what weights of several kernels take is shared out among them."""
        kernels: dict[str, int] = {}
        for work in self.works:
            for use in work.uses:
                kernels[use.weight.name] = kernels.get(use.weight.name, 0) + 1
        return tuple(
            {
                unit: self._kernel_options(costs, work, kernels, size)
                for unit, costs in self.costs.items() if self.refusals[unit][number] is None
            }
            for number, work in enumerate(self.works)
        )  # fmt: skip

    def _kernel_options(self, costs: UnitCosts, work: Work, kernels: Mapping[str, int], size: "Size") -> list[Option]:
        if not work.uses:
            return [Option(costs.kernel_part(work).ms + costs.overhead_ms(work), 0.0)]
        found = [Option(costs.overhead_ms(work), 0.0)]
        for use in work.uses:
            found = combined(found, self._use_options(costs, work, use, kernels[use.weight.name], size))
        return found

    def _use_options(self, costs: UnitCosts, work: Work, use: Use, kernels: int, size: "Size") -> list[Option]:
        choices: tuple[str, ...] = (LOAD,)
        if not costs.why_not(use):
            choices = (self.pins[use.weight.name],) if use.weight.name in self.pins else CHOICES
        return [Option(costs.part(work, use, choice).ms, size(costs, use, choice) / kernels) for choice in choices]

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


Size = Callable[[UnitCosts, Use, str], float]
"""What a choice for a weight on a unit takes, besides time at prediction."""
_LEAST_LOAD_MS = 1e-6
"""Differences in load time that matter."""


def _resident_bytes(costs: UnitCosts, use: Use, choice: str) -> float:
    return use.weight.stored_bytes if choice == PREDICT else use.dense_bytes(costs.bits)


def _expansion_ms(costs: UnitCosts, use: Use, choice: str) -> float:
    if choice == PREDICT or costs.scheme(use) is None:
        return 0.0
    return use.weight.elements / costs.unit.expand_gweights_per_s.value * 1e-6


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
    if problem.objective != "latency":
        placement = _by_objective(problem, launch_ms, nodes, placement)
    decisions = problem.decisions(placement.units)
    free = select(decisions, None, problem.objective)
    if problem.limit is None or sum(d.resident_bytes for d in free.decisions) <= problem.limit:
        return Assignment(nodes, placement, free)
    return _within(problem, launch_ms, nodes, placement)


def _by_objective(
    problem: Problem, launch_ms: Mapping[str, float], nodes: tuple[Node, ...], fastest: Placement
) -> Placement:  # fmt: skip
    """The placement for which memory or load time can be least; of those, about the fastest."""
    placed = place(problem.nodes_by_objective(launch_ms), problem.flows, launch_ms)
    ms = placement_ms(placed.units, nodes, problem.flows, launch_ms)
    return Placement(placed.units, ms, ms if placed.exact else min(ms, fastest.bound_ms), placed.exact)


def _within(
    problem: Problem, launch_ms: Mapping[str, float], nodes: tuple[Node, ...], fastest: Placement
) -> Assignment:  # fmt: skip
    """The fastest found within the limit, with what the best could save at most."""
    found: dict[tuple[str, ...], tuple[float, Selection | None]] = {}
    refused: list[OptcError] = []

    def look(units: tuple[str, ...]) -> float:
        if units not in found:
            try:
                selection = select(problem.decisions(units), problem.limit, problem.objective)
            except OptcError as error:
                refused.append(error)
                found[units] = math.inf, None
            else:
                found[units] = _predicted_ms(problem, nodes, launch_ms, units, selection), selection
        return found[units][0]

    several = any(len(node.costs) > 1 for node in nodes)
    search = LimitedSearch(problem.options, problem.flows, launch_ms, problem.limit or 0, look)
    if several:
        search.run(branch=problem.objective == "latency")
    else:
        look(fastest.units)
    units, (ms, selection) = min(found.items(), key=lambda item: item[1][0])
    if selection is None:
        raise refused[min(1, len(refused) - 1)]  # the second placement is that for which memory is all that counts
    gap = max(0.0, ms - search.bound_ms) if several and problem.objective == "latency" else selection.gap_ms
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
