"""A placement problem on a set of units, as a sum of terms of one or two variables each.

The variables are the unit of each node and, for each value with several users, the set of units that get a copy of it.
That set holds the unit of the source and, of each user, its own: both are terms of two variables, and so is the price
of the copies, which depends on the set and the unit of the source. A value with one user is a term of two nodes.
"""

import itertools
from collections.abc import Iterator

import attrs
import numpy as np

from backends.contraction import Step, contract
from backends.elimination import Elimination, eliminate
from backends.pairwise import Pairwise
from backends.placement_problem import Problem
from optc.numerics.arrays import Array


@attrs.frozen(eq=False)
class PlacementGraph:
    """The terms, whose first variables are the nodes.

    Attributes:
        units: `int64[states]`, the unit that each state of a node means.
        nodes: how many of the variables are nodes, the outside among them.
        order: `int64[variables]`, that of the program.
    """

    terms: Pairwise
    units: Array
    nodes: int
    order: Array

    def least(self, limit: int) -> "Solution":
        """The least value of the sum, or a bound if tables of more than `limit` entries would be needed.

        Where the order of elimination that makes small tables first does not do, that of the program is tried too: it
        is the better one for what is long and everywhere equally wide, as recurrent layers are.
        """
        steps, rest = contract(self.terms)
        domains, factors = rest.domains(), list(rest.factors())
        found = [eliminate(domains, factors, limit)]
        if found[0].split:
            order = [v for v in self.order.tolist() if v in domains]
            found.append(eliminate(domains, factors, limit, order))
            if not found[1].split:
                found = found[1:]
        return Solution(self, steps, found)


@attrs.frozen(eq=False)
class Solution:
    """What elimination left behind."""

    graph: PlacementGraph
    steps: list[Step]
    found: list[Elimination]

    @property
    def value(self) -> float:
        """What all placements take at least, but for launches; what the only one of `placements` takes, if exact."""
        return max(elimination.value for elimination in self.found)

    @property
    def exact(self) -> bool:
        """Whether no table was split."""
        return not self.found[0].split

    def placements(self) -> Iterator[Array]:
        """`int64[n + 1]`, the outside behind the nodes."""
        terms = self.graph.terms
        for elimination in self.found:
            states = np.zeros(len(terms.unary), np.int64)
            elimination.decide(states, terms)
            for step in reversed(self.steps):
                step.decide(states, terms)
            yield self.graph.units[states[: self.graph.nodes]]


def graph_of(problem: Problem, allowed: Array) -> PlacementGraph:
    """The terms of the problem if nodes may only be on the units `allowed`, `bool[k]`, without the launches."""
    units = np.flatnonzero(allowed | np.isfinite(problem.costs[-1]))
    sets = _sets(len(units))
    single = np.diff(problem.starts, append=len(problem.users)) == 1
    nodes, hubs = len(problem.costs), int((~single).sum())
    width = sets.shape[1] if hubs else len(units)
    unary = np.full((nodes + hubs, width), np.inf)
    unary[:nodes, : len(units)] = problem.costs[:, units]
    unary[: nodes - 1, : len(units)][:, ~allowed[units]] = np.inf
    unary[nodes:, :] = 0.0
    rank = np.broadcast_to(np.arange(width), unary.shape).copy()  # the smaller sets of copies first
    rank[:nodes, : len(units)] = problem.rank[:, units]
    ms = problem.ms[:, units[:, None], units]
    first, second, tables = _terms(problem, single, ms, sets, width)
    terms = Pairwise(unary, first, second, tables, rank, np.arange(nodes + hubs) < nodes)
    return PlacementGraph(terms, units, nodes, _order(problem, single))


def _order(problem: Problem, single: Array) -> Array:
    """Variables in the order of the program: copies for two users behind the source, for more behind the last user."""
    bounds = np.append(problem.starts, len(problem.users))
    last = problem.users[bounds[1:] - 1] % (len(problem.costs) - 1)
    behind = np.where(np.diff(bounds) <= 2, problem.source % (len(problem.costs) - 1), last)[~single]
    return np.argsort(np.concatenate([np.arange(len(problem.costs)), behind]), kind="stable")


def _sets(count: int) -> Array:
    """All sets of units that are not empty, small ones first: `bool[count, 2**count - 1]`, whether a unit is in it."""
    sets = sorted(itertools.product((False, True), repeat=count), key=sum)[1:]
    return np.array(sets).T


def _terms(problem: Problem, single: Array, ms: Array, sets: Array, width: int) -> tuple[Array, Array, Array]:
    """The terms of two variables: values with one user, then from source to copies, then from copies to users."""
    count = ms.shape[1]
    value = np.repeat(np.arange(len(single)), np.diff(problem.starts, append=len(problem.users)))
    hub = len(problem.costs) + np.cumsum(~single) - 1
    shared = ~single[value]
    first = (problem.source[single], problem.source[~single], hub[value[shared]])
    second = (problem.users[~shared], hub[~single], problem.users[shared])
    direct, given = (np.zeros((len(part), width, width)) for part in first[:2])
    direct[:, :count, :count] = ms[single]
    used = np.zeros((width, width))
    if len(first[1]):
        copies = np.matmul(ms[~single], sets.astype(np.float64))
        given[:, :count, : sets.shape[1]] = np.where(sets, copies, np.inf)
        used[: sets.shape[1], :count] = np.where(sets.T, 0.0, np.inf)
    tables = np.concatenate([direct, given, np.broadcast_to(used, (len(first[2]), width, width))])
    return np.concatenate(first), np.concatenate(second), tables
