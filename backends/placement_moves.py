"""A placement made better by moving one node at a time, until no move helps."""

import itertools

import numpy as np

from backends.placement_problem import Problem
from optc.numerics.arrays import Array

SWEEPS = 20
"""How often all nodes are gone through at most."""


class Moves:
    """A placement, with what is needed to price a move: how many users of each value, and nodes, are on each unit."""

    def __init__(self, problem: Problem, states: Array) -> None:
        count = len(problem.units)
        self.states: list[int] = states.tolist()
        self.costs, self.launch = problem.costs.tolist(), problem.launch.tolist()
        self.ms, self.source = problem.ms.tolist(), problem.source.tolist()
        self.on = np.bincount(states[:-1], minlength=count).tolist()
        self.there = [[0] * count for _ in self.source]
        self.given: list[list[int]] = [[] for _ in self.states]
        self.taken: list[list[int]] = [[] for _ in self.states]
        bounds = itertools.pairwise([*problem.starts.tolist(), len(problem.users)])
        for value, (start, stop) in enumerate(bounds):
            self.given[self.source[value]].append(value)
            for user in problem.users[start:stop].tolist():
                self.taken[user].append(value)
                self.there[value][self.states[user]] += 1

    def gain(self, node: int, to: int) -> float:
        """How much faster the placement is with the node on another unit."""
        now = self.states[node]
        if to == now:
            return 0.0
        gain = self.costs[node][now] - self.costs[node][to]
        gain += self.launch[now] * (self.on[now] == 1) - self.launch[to] * (self.on[to] == 0)
        for value in self.taken[node]:  # from a unit to itself costs nothing
            sent, there = self.ms[value][self.states[self.source[value]]], self.there[value]
            gain += sent[now] * (there[now] == 1) - sent[to] * (there[to] == 0)
        for value in self.given[node]:
            ms = self.ms[value]
            gain += sum(ms[now][end] - ms[to][end] for end, users in enumerate(self.there[value]) if users)
        return float(gain)

    def move(self, node: int, to: int) -> None:
        """Put the node on another unit."""
        now = self.states[node]
        self.states[node] = to
        for counts in (self.on, *(self.there[value] for value in self.taken[node])):
            counts[now] -= 1
            counts[to] += 1


def improved(problem: Problem, states: Array) -> Array:
    """The placement with each node, in turn, moved to the unit that makes the whole fastest, as long as that helps.

    States are `int64[n + 1]`, with the outside of the model, which stays, behind the nodes.
    """
    moves = Moves(problem, states)
    legal = [np.flatnonzero(np.isfinite(row)).tolist() for row in problem.costs[:-1]]
    for _ in range(SWEEPS):
        moved = False
        for node, units in enumerate(legal):
            best = max(units, key=lambda to, node=node: moves.gain(node, to))  # type: ignore[misc]
            if moves.gain(node, best) > 0:
                moves.move(node, best)
                moved = True
        if not moved:
            break
    return np.array(moves.states)
