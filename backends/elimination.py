"""Bucket elimination: variables are taken out one by one, in a given order or each time the one with the least table.

To take out a variable, the factors that it is in (its bucket) are added up, and the least over its states is a new
factor of its neighbours (Dechter 1999, "Bucket elimination: a unifying framework for reasoning"). Where the sum would
have more than `limit` entries, the bucket is split into parts that are minimised each by itself: the result is then a
lower bound (mini-buckets; Dechter and Rish 2003), which is made tighter by first evening out what the parts say about
the variable (Ihler, Flerova, Dechter and Otten 2012, "Join-graph based cost-shifting schemes").
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import numpy as np

from backends.pairwise import Factor, Pairwise, choose
from optc.numerics.arrays import Array

TABLES = 200
"""How many of the largest tables may be made. When as many entries are spent, the limit falls to this part of it."""

_Scope = tuple[int, ...]


@attrs.frozen(eq=False)
class Bucket:
    """A variable that was taken out, and the factors that it was in then."""

    variable: int
    factors: tuple[Factor, ...]

    def score(self, places: Mapping[int, int]) -> Array:
        """The sum of the factors by the state of the variable, given where in their domains its neighbours are."""
        tables = (table[tuple(places.get(v, slice(None)) for v in scope)] for scope, table in self.factors)
        return np.asarray(sum(tables))

    def near(self) -> set[int]:
        """The neighbours of the variable."""
        return {v for scope, _ in self.factors for v in scope if v != self.variable}


class _Buckets:
    """The factors that are left, by scope, and the scopes that each variable is in."""

    def __init__(self, domains: Mapping[int, Array], factors: Iterable[Factor], limit: int) -> None:
        self.sizes = {v: len(states) for v, states in domains.items()}
        self.limit = self.most = limit
        self.constant = 0.0
        self.spent = 0
        self.split = False
        self.tables: dict[_Scope, Array] = {}
        self.scopes: dict[int, dict[_Scope, None]] = {v: {} for v in domains}
        for scope, table in factors:
            self.add(scope, table)

    def add(self, scope: _Scope, table: Array) -> None:
        if not scope:
            self.constant += float(table)
        elif scope in self.tables:
            self.tables[scope] = self.tables[scope] + table
        else:
            self.tables[scope] = table
            for v in scope:
                self.scopes[v][scope] = None

    def entries(self, variable: int) -> int:
        """How many entries the table of the variable would have; beyond the limit, only in how many factors it is."""
        size, seen = self.sizes[variable], {variable}
        for scope in self.scopes[variable]:
            for v in scope:
                if v not in seen:
                    seen.add(v)
                    size *= self.sizes[v]
                    if size > self.limit:
                        return self.limit + len(self.scopes[variable])
        return size

    def take(self, variable: int) -> Bucket:
        """Take out the variable."""
        factors = tuple((scope, self.tables.pop(scope)) for scope in self.scopes.pop(variable))
        bucket = Bucket(variable, factors)
        near = bucket.near()
        for scope, _ in factors:
            for v in scope:
                if v != variable:
                    del self.scopes[v][scope]
        fits = math.prod(self.sizes[v] for v in (variable, *near)) <= self.limit
        sums = [self._sum(part) for part in ([factors] if fits else self._parts(factors))]
        self.split |= len(sums) > 1
        for scope, table in _even(variable, sums):
            rest = tuple(v for v in scope if v != variable)
            self.add(rest, table.min(axis=scope.index(variable)))
        return bucket

    def _parts(self, factors: tuple[Factor, ...]) -> list[list[Factor]]:
        """Factors that may be added up, the largest first, each with the first part that it fits in."""
        parts: list[tuple[set[int], list[Factor]]] = []
        for factor in sorted(factors, key=lambda factor: -factor[1].size):
            for scope, part in parts:
                if math.prod(self.sizes[v] for v in scope.union(factor[0])) <= self.limit:
                    scope.update(factor[0])
                    part.append(factor)
                    break
            else:
                parts.append((set(factor[0]), [factor]))
        return [part for _, part in parts]

    def _sum(self, factors: Sequence[Factor]) -> Factor:
        scope = tuple(sorted({v for own, _ in factors for v in own}))
        total = np.zeros(tuple(self.sizes[v] for v in scope))
        self.spent += total.size
        if self.spent > TABLES * self.most:
            self.limit = self.most // TABLES
        for own, table in factors:
            total += table.reshape([self.sizes[v] if v in own else 1 for v in scope])
        return scope, total


def _even(variable: int, factors: list[Factor]) -> list[Factor]:
    """Move between the factors what depends on the variable alone, so that all have the same least value in each state.

    Their sum stays what it is, to the unit: values are whole numbers.
    """
    if len(factors) == 1:
        return factors
    axes = [tuple(a for a, v in enumerate(scope) if v != variable) for scope, _ in factors]
    least = np.array([table.min(axis=axis) for (_, table), axis in zip(factors, axes, strict=True)])
    finite = np.isfinite(least).all(axis=0)
    least = np.where(finite, least, 0.0)
    share = np.floor(least.sum(axis=0) / len(factors))
    moved = share - least
    moved[-1] -= moved.sum(axis=0)
    shapes = [[-1 if v == variable else 1 for v in scope] for scope, _ in factors]
    return [(scope, table + move.reshape(s)) for (scope, table), move, s in zip(factors, moved, shapes, strict=True)]


@attrs.frozen(eq=False)
class Elimination:
    """The buckets in the order of elimination; `value`: the least of the sum, or a bound if a bucket was `split`."""

    domains: Mapping[int, Array]
    buckets: list[Bucket]
    value: float
    split: bool

    def decide(self, states: Array, terms: Pairwise) -> None:
        """Write the states of all variables, the last that was taken out first."""
        places: dict[int, int] = {}
        for bucket in reversed(self.buckets):
            own = self.domains[bucket.variable]
            score = bucket.score(places)
            tied = np.flatnonzero(score == score.min())
            if len(tied) > 1:
                near = [v for v in bucket.near() if terms.alike[v] and terms.alike[bucket.variable]]
                switches = (states[near][:, None] != own).sum(axis=0)
                legal = (score == score.min())[None]
                tied = choose(score[None], legal, switches[None], terms.rank[bucket.variable, own][None])
            places[bucket.variable] = int(tied[0])
            states[bucket.variable] = own[tied[0]]


def eliminate(
    domains: Mapping[int, Array], factors: Iterable[Factor], limit: int, order: Sequence[int] = ()
) -> Elimination:
    """Take out all variables.

    Args:
        domains: the states of each variable.
        factors: whole numbers not below 0, or infinite.
        limit: entries of the largest table that may be made of several factors.
        order: of the variables, if not that of the sizes of tables.
    """
    rest = _Buckets(domains, factors, limit)
    buckets = [rest.take(v) for v in order] if order else list(_smallest_first(rest))
    return Elimination(domains, buckets, rest.constant, rest.split)


def _smallest_first(rest: _Buckets) -> Iterator[Bucket]:
    entries = {v: rest.entries(v) for v in rest.sizes}
    queue = [(size, v) for v, size in entries.items()]
    heapq.heapify(queue)
    while queue:
        size, variable = heapq.heappop(queue)
        if entries.get(variable) != size:
            continue
        del entries[variable]
        bucket = rest.take(variable)
        yield bucket
        for v in bucket.near():
            if entries[v] != (now := rest.entries(v)):
                entries[v] = now
                heapq.heappush(queue, (now, v))
