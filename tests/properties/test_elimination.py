"""Laws of elimination: it finds the least value of a sum of terms, and with small tables never more than that."""

import itertools

import attrs
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backends.contraction import contract
from backends.elimination import eliminate
from backends.pairwise import Pairwise
from optc.numerics.arrays import Array

VALUES = st.integers(0, 9).map(float)
LARGE = 1_000_000


@st.composite
def sums(draw: st.DrawFn, terms: int = 24) -> Pairwise:
    """Up to seven variables of one to three states, and terms of any two, in which some states exclude each other."""
    count = draw(st.integers(2, 7))
    width = 3
    unary = np.array([[draw(VALUES) for _ in range(width)] for _ in range(count)])
    for v in range(count):
        unary[v, draw(st.integers(1, width)) :] = np.inf
    ends = st.lists(st.integers(0, count - 1), min_size=2, max_size=2, unique=True)
    pairs = np.array(draw(st.lists(ends, max_size=terms)), np.int64).reshape(-1, 2)
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    tables = rng.integers(0, 20, (len(pairs), width, width)).astype(np.float64)
    tables[:, 1:, 1:][rng.random((len(pairs), width - 1, width - 1)) < 0.2] = np.inf
    rank = np.broadcast_to(np.arange(width), unary.shape)
    alike = np.arange(count) % 2 == 0
    return Pairwise(unary, pairs[:, 0], pairs[:, 1], tables, rank, alike, np.arange(count))


def value(terms: Pairwise, states: Array) -> float:
    own = terms.unary[np.arange(len(states)), states].sum()
    return float(own + terms.tables[np.arange(len(terms.first)), states[terms.first], states[terms.second]].sum())


def least(terms: Pairwise) -> float:
    """By trying all states of all variables."""
    return min(value(terms, np.array(states)) for states in itertools.product(*terms.domains().values()))


@given(sums(), st.booleans())
def test_taking_out_all_variables_in_any_order_finds_the_least_value(terms: Pairwise, program_order: bool) -> None:
    order = terms.left.tolist() if program_order else []
    found = eliminate(terms.domains(), terms.factors(), LARGE, order)
    states = np.zeros(len(terms.unary), np.int64)
    found.decide(states, terms)
    assert not found.split
    assert found.value == value(terms, states) == least(terms)


@given(sums(), st.integers(1, 60), st.booleans())
def test_with_small_tables_the_value_is_a_bound_of_the_least(terms: Pairwise, limit: int, program_order: bool) -> None:
    order = terms.left.tolist() if program_order else []
    found = eliminate(terms.domains(), terms.factors(), limit, order)
    assert 0 <= found.value <= least(terms)
    states = np.zeros(len(terms.unary), np.int64)
    found.decide(states, terms)
    assert np.isfinite(terms.unary[np.arange(len(states)), states]).all()
    assert found.split or value(terms, states) == found.value


@given(sums(8) | sums())
def test_contraction_leaves_a_sum_with_the_same_least_value(terms: Pairwise) -> None:
    steps, rest = contract(attrs.evolve(terms, left=np.zeros(0, np.int64)))
    found = eliminate(rest.domains(), rest.factors(), LARGE)
    states = np.zeros(len(terms.unary), np.int64)
    found.decide(states, terms)
    for step in reversed(steps):
        step.decide(states, terms)
    assert found.value == value(terms, states) == least(terms)
