"""Placement: on which unit does each node run, so that the whole takes the least time. Knows no ops.

A node has a time on each unit on which it is legal; giving a value to another unit has a price, paid once per unit that
needs it; and each unit that is used has to be launched. The least total is found in three steps:

1. The sets of units that may be used are gone through (three units: at most seven sets), so that the launches of a set
   are a constant. Sets whose least possible total is not below the best one found are left out.
2. For one set, the rest is a sum of terms of two variables each (`backends.placement_graph`): fan-out does not make
   larger terms, as the set of units that get a copy of a value is a variable too.
3. Variables are eliminated exactly: chains and whatever else is series-parallel all at once
   (`backends.contraction`), what is left one by one (`backends.elimination`), with tables of at most `limit` entries.

Where a table would be larger, it is split. The result is then a lower bound, and the placement that it suggests is
improved node by node (`backends.placement_moves`): `exact` is true only if it meets the bound all the same.

Ties: all nodes on one unit, where legal, is preferred, units in the order in which the nodes name them. Otherwise
variables are decided in the reverse order of their elimination, which only the graph determines: of the units with
which the total is least, a node goes to the one that most of its decided neighbours (those that have a choice) are on,
then to that which its mapping names first.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from backends.placement_graph import Solution, graph_of
from backends.placement_moves import improved
from backends.placement_problem import Problem, problem_of
from optc.numerics.arrays import Array

LIMIT = 200_000
"""Entries of the largest table that is made: 1.6 MB."""


@attrs.frozen
class Node:
    """What is placed as a whole. `costs`: ms by unit on which it is legal, finite, not negative, at least one unit.

    The order of the units is the order of preference where times are equal.
    """

    costs: Mapping[str, float] = attrs.field(validator=attrs.validators.min_len(1))


@attrs.frozen
class Flow:
    """One value: given by the node `source`, used by the nodes `users`, numbers of nodes in program order.

    -1 is the outside of the model, which is on the unit `home`: as a source for inputs, among the users for outputs.
    `ms`: the time that it takes to give the value from one unit to another, for all pairs of different units that nodes
    (or home) may be on; finite, not negative. It is paid once per unit that needs the value, however many users are
    there, and always from the unit of the source.
    """

    source: int
    users: tuple[int, ...]
    ms: Mapping[tuple[str, str], float]


@attrs.frozen
class Placement:
    """The unit of each node; `ms`, what `placement_ms` says of it; and `bound_ms`, below which no placement is.

    `exact`: it is proven that no placement is faster; `bound_ms` is then `ms`. Times are held in multiples of a
    power of two, of about 1e-15 of the total of the best placement that is simple (all nodes on one unit where legal,
    or each where it takes the least time), so that sums are exact: what is least is least to that rounding.
    """

    units: tuple[str, ...]
    ms: float
    bound_ms: float
    exact: bool


@attrs.define
class _Best:
    states: Array
    total: float


def place(
    nodes: Sequence[Node], flows: Sequence[Flow], launch_ms: Mapping[str, float], home: str = "cpu", limit: int = LIMIT
) -> Placement:
    """The fastest placement, or a good one and a bound.

    Args:
        nodes: in program order.
        flows: in any order; it does not change the result.
        launch_ms: the time that it takes to launch each unit that a node may be on, paid if a node is on it.
        home: the unit that inputs come from and outputs go to.
        limit: entries of the largest table that may be made.
    """
    if not nodes:
        return Placement((), 0.0, 0.0, True)
    problem = problem_of(nodes, flows, launch_ms, home)
    best, bound = _search(problem, limit)
    units = tuple(problem.units[state] for state in best.states[:-1].tolist())
    ms = placement_ms(units, nodes, flows, launch_ms, home)
    if bound >= best.total:
        return Placement(units, ms, ms, True)
    return Placement(units, ms, min(ms, problem.bound_ms(bound)), False)


def placement_ms(
    units: Sequence[str],
    nodes: Sequence[Node],
    flows: Sequence[Flow],
    launch_ms: Mapping[str, float],
    home: str = "cpu",
) -> float:
    """The time of a placement in ms: of the nodes, of giving values to other units, of launching the units used."""
    at = (*units, home)  # the outside is number -1
    times = [node.costs[unit] for node, unit in zip(nodes, units, strict=True)]
    for flow in flows:
        start = at[flow.source]
        times += [flow.ms[start, end] for end in {at[user] for user in flow.users} if end != start]
    return math.fsum(times + [launch_ms[unit] for unit in set(units)])


def _search(problem: Problem, limit: int) -> tuple[_Best, float]:
    """The best placement found, and a bound of all placements, both in quanta."""
    best = _simplest(problem)
    bound = math.inf
    solved: list[tuple[Array, float]] = []
    for allowed in _sets(len(problem.units)):
        launches = float(problem.launch[allowed].sum())
        above = [value for units, value in solved if not (allowed & ~units).any()]
        if max([*above, problem.least(allowed)]) + launches >= best.total:
            continue
        solution = graph_of(problem, allowed).least(limit)
        solved.append((allowed, solution.value))
        bound = min(bound, solution.value + launches)
        # A placement that leaves units of the set out is found with a smaller set; with the full one it is welcome
        # as well, as every good placement spares sets.
        if allowed.all() or solution.value + launches < best.total:
            best = min([best, *_priced(problem, solution)], key=lambda one: one.total)
    return best, min(bound, best.total)


def _priced(problem: Problem, solution: Solution) -> list[_Best]:
    """The placements of a solution, and what becomes of them if they are not proven to be the best."""
    placements = list(solution.placements())
    if not solution.exact:
        placements += [improved(problem, states) for states in placements]
    return [_Best(states, problem.total(states)) for states in placements]


def _simplest(problem: Problem) -> _Best:
    """The best of the placements that put all nodes on one unit, where they are legal there."""
    found = [_Best(states, problem.total(states)) for states in problem.simple()]
    return min(found, key=lambda best: best.total)


def _sets(count: int) -> list[Array]:
    """All sets of units that are not empty, as masks, larger ones first: their values bound those of their parts."""
    masks = [np.array(mask) for mask in itertools.product((True, False), repeat=count)][:-1]
    return sorted(masks, key=lambda mask: -int(mask.sum()))
