"""Sums of terms of one or two variables, whose least value is sought."""

from collections.abc import Iterator

import attrs
import numpy as np

from optc.numerics.arrays import Array

Factor = tuple[tuple[int, ...], Array]
"""Ascending variables, and a term of them: one axis for each."""


@attrs.frozen(eq=False)
class Pairwise:
    """`v` variables of up to `s` states each, and `t` terms of two variables.

    Attributes:
        unary: `float64[v, s]`, whole numbers not below 0, or infinite for what is no state of the variable.
        first, second: `int64[t]`, the variables of each term, which differ.
        tables: `float64[t, s, s]`, the term by the state of the first and that of the second.
        rank: `int64[v, s]`, the order of the states of a variable where all else is equal.
        alike: `bool[v]`, of which variables the states mean the same, so that neighbours are best in the same state.
        left: `int64[...]`, the variables that are still to be decided.
        constant: what the variables that are not have cost.
    """

    unary: Array
    first: Array
    second: Array
    tables: Array
    rank: Array
    alike: Array
    left: Array = attrs.field(factory=lambda: np.zeros(0, np.int64))
    constant: float = 0.0

    def domains(self) -> dict[int, Array]:
        """The states of each variable that is left: where its own term is finite."""
        return {v: np.flatnonzero(np.isfinite(self.unary[v])) for v in self.left.tolist()}

    def factors(self) -> Iterator[Factor]:
        """The terms as tables of the states in the domains only."""
        domains = self.domains()
        yield (), np.array(self.constant)
        for v, states in domains.items():
            yield (v,), self.unary[v, states]
        for a, b, table in zip(self.first.tolist(), self.second.tolist(), self.tables, strict=True):
            kept = table[domains[a][:, None], domains[b]]
            yield ((a, b), kept) if a < b else ((b, a), kept.T)


def choose(score: Array, legal: Array, switches: Array, rank: Array) -> Array:
    """In each row the state with the least score; of equal ones that with fewest switches, then of the least rank.

    All are `[rows, states]`. Only legal states are chosen, even if the score of all of them is infinite.
    """
    best = np.where(legal, score, np.inf).min(axis=1, keepdims=True)
    order = switches * (rank.max() + 1) + rank
    return np.asarray(np.where(legal & (score == best), order, order.max() + 1).argmin(axis=1))
