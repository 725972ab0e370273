"""Elimination of all variables with at most two neighbours, many of them at a time.

A variable with two neighbours is replaced by a term of these: the least over its own states, of its own term and the
two between them. With one neighbour it goes into the own term of that, with none into the constant. So chains, trees
and series-parallel graphs vanish. In each round an independent set of such variables goes, about a third of a chain, so
that there are few rounds and the work is linear. Variables with one state are constants, and go first, with any number
of neighbours. When a round takes out little of what is left, the rest is for `backends.elimination`.
"""

import attrs
import numpy as np

from backends.pairwise import Pairwise, choose
from optc.numerics.arrays import Array

LEAST_SHARE = 1 / 16
"""Of the variables left, that a round must take out to be worth its price."""


@attrs.frozen(eq=False)
class Step:
    """Variables that were taken out together: no two of them are neighbours, so that they are decided together.

    Attributes:
        variables: `int64[n]`.
        near: `int64[2, n]`, their neighbours; the number of variables, if there is none.
        tables: `float64[2, n, s, s]`, by the state of the variable, then by that of the neighbour.
        unary: `float64[n, s]`.
    """

    variables: Array
    near: Array
    tables: Array
    unary: Array

    def decide(self, states: Array, terms: Pairwise) -> None:
        """Write the states of the variables, those of their neighbours given."""
        behind = np.append(states, 0)
        alike = np.append(terms.alike, False)
        score, switches = self.unary, np.zeros(self.unary.shape, np.int64)
        rows = np.arange(len(self.variables))
        for near, table in zip(self.near, self.tables, strict=True):
            score = score + table[rows, :, behind[near]]
            same = alike[near] & alike[self.variables]
            switches = switches + (same[:, None] & (behind[near][:, None] != np.arange(score.shape[1])))
        legal = np.isfinite(terms.unary[self.variables])
        states[self.variables] = choose(score, legal, switches, terms.rank[self.variables])


class _Rest:
    """The terms that are left. The last row of `unary` is of no variable: a neighbour for those that have too few."""

    def __init__(self, terms: Pairwise) -> None:
        self.none = len(terms.unary)
        self.unary = np.vstack([terms.unary, np.zeros(terms.unary.shape[1])])
        self.first, self.second, self.tables = terms.first, terms.second, terms.tables
        self.alive = np.ones(self.none, np.bool_)
        # A permutation without pattern: neighbours must not all be in the order of their numbers.
        self.priority = np.arange(self.none, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(1 << 32)

    def keep(self, kept: Array) -> None:
        self.first, self.second, self.tables = self.first[kept], self.second[kept], self.tables[kept]

    def merge(self) -> None:
        """Make one term of those of the same two variables."""
        turned = self.first > self.second
        if turned.any():
            self.tables = np.where(turned[:, None, None], self.tables.swapaxes(1, 2), self.tables)
        low, high = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        key = low * (self.none + 1) + high
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.diff(key[order], prepend=-1))
        self.first, self.second = low[order[starts]], high[order[starts]]
        if len(starts) == len(order):
            self.tables = self.tables[order]
        elif len(order):
            self.tables = np.add.reduceat(self.tables[order], starts)

    def take_fixed(self) -> Step | None:
        """Take out the variables with one state."""
        fixed = np.append(self.alive & (np.isfinite(self.unary[:-1]).sum(axis=1) == 1), False)
        if not fixed.any():
            return None
        state = np.isfinite(self.unary).argmax(axis=1)
        ahead = fixed[self.first]
        behind = fixed[self.second] & ~ahead
        own, other = self.first[ahead], self.second[ahead]
        np.add.at(self.unary, other, self.tables[ahead, state[own]])
        own, other = self.second[behind], self.first[behind]
        np.add.at(self.unary, other, self.tables[behind, :, state[own]])
        self.keep(~(ahead | behind))
        variables = np.flatnonzero(fixed)
        self.alive[variables] = False
        self.unary[-1] += self.unary[variables, state[variables]].sum()
        shape = (2, len(variables), *self.tables.shape[1:])
        near = np.full((2, len(variables)), self.none)
        return Step(variables, near, np.broadcast_to(0.0, shape), self.unary[variables])

    def ready(self) -> Array:
        """Variables with at most two neighbours, no two of which are neighbours of each other."""
        degree = np.bincount(self.first, minlength=self.none) + np.bincount(self.second, minlength=self.none)
        few = self.alive & (degree <= 2)
        both = few[self.first] & few[self.second]
        a, b = self.first[both], self.second[both]
        few[np.where(self.priority[a] < self.priority[b], a, b)] = False
        return np.flatnonzero(few)

    def take(self, variables: Array) -> Step:
        """Take out variables that `ready` gives."""
        near, tables = self._around(variables)
        unary = self.unary[variables]
        gone = np.zeros(self.none, np.bool_)
        gone[variables] = True
        self.alive[variables] = False
        self.keep(~(gone[self.first] | gone[self.second]))
        message = _least(unary, tables)
        wide = near[1] != self.none
        np.add.at(self.unary, near[0, ~wide], message[~wide, :, 0])
        self.first = np.concatenate([self.first, near[0, wide]])
        self.second = np.concatenate([self.second, near[1, wide]])
        self.tables = np.concatenate([self.tables, message[wide]])
        return Step(variables, near, tables, unary)

    def _around(self, variables: Array) -> tuple[Array, Array]:
        """`near` and `tables` of a step, from the ends of the terms, sorted by the variable at the end."""
        count = len(self.first)
        ends = np.concatenate([self.first, self.second])
        others = np.concatenate([self.second, self.first, [self.none]])
        order = np.append(np.argsort(ends, kind="stable"), 2 * count)
        ends = np.append(ends, self.none)
        at = np.searchsorted(ends[order], variables) + np.arange(2)[:, None]
        at = np.minimum(at, 2 * count)
        end = np.where(ends[order[at]] == variables, order[at], 2 * count)
        tables = np.zeros((*end.shape, *self.tables.shape[1:]))
        forward, backward = end < count, (end >= count) & (end < 2 * count)
        tables[forward] = self.tables[end[forward]]
        tables[backward] = self.tables[end[backward] - count].swapaxes(1, 2)
        return others[end], tables


def _least(unary: Array, tables: Array) -> Array:
    """The least over the states of a variable, by those of its two neighbours: `float64[n, s, s]`."""
    left, right = unary[:, :, None] + tables[0], tables[1]
    message: Array = left[:, 0, :, None] + right[:, 0, None, :]
    for state in range(1, unary.shape[1]):
        np.minimum(message, left[:, state, :, None] + right[:, state, None, :], out=message)
    return message


def contract(terms: Pairwise) -> tuple[list[Step], Pairwise]:
    """Take out what can be taken out, in steps, the last of which is to be decided first; and what is left."""
    rest = _Rest(terms)
    steps = []
    while rest.alive.any():
        while (fixed := rest.take_fixed()) is not None:
            steps.append(fixed)
        rest.merge()
        ready = rest.ready()
        if len(ready) <= rest.alive.sum() * LEAST_SHARE:
            break
        steps.append(rest.take(ready))
    left, constant = np.flatnonzero(rest.alive), float(rest.unary[-1, 0])
    return steps, Pairwise(
        rest.unary[:-1], rest.first, rest.second, rest.tables, terms.rank, terms.alike, left, constant
    )
