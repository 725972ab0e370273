"""The search for the fastest plan within a limit of bytes: what trying all plans finds, and a bound that is one."""

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import optc
from backends.limited_search import NEAR, LimitedSearch, Option, Options, combined
from backends.placement import Flow

UNITS = ("npu", "cpu")
times = st.integers(0, 8).map(float) | st.floats(0, 10)
options = st.lists(st.builds(Option, times, st.integers(0, 9).map(lambda kb: 1000.0 * kb)), min_size=1, max_size=2)


@st.composite
def kernels(draw: st.DrawFn) -> list[Options]:
    """Up to five, each on one unit or both, in one way or two."""
    units = st.lists(st.sampled_from(UNITS), min_size=1, unique=True)
    return [
        {unit: combined([Option(0.0, 0.0)], draw(options)) for unit in draw(units)}
        for _ in range(draw(st.integers(1, 5)))
    ]


@given(kernels(), times, st.tuples(times, times), st.floats(0, 1))
def test_the_search_finds_what_trying_all_plans_finds(
    made: list[Options], handed: float, launches: tuple[float, float], between: float
) -> None:
    flows = [Flow(n, (n + 1,), {UNITS: handed, UNITS[::-1]: handed}) for n in range(len(made) - 1)]
    launch_ms = dict(zip(UNITS, launches, strict=True))
    ways = [[(unit, option) for unit, each in kernel.items() for option in each] for kernel in made]
    every: list[tuple[tuple[str, ...], float, float]] = []
    for plan in itertools.product(*ways):
        units = tuple(unit for unit, _ in plan)
        ms = sum(o.ms for _, o in plan) + handed * sum(a != b for a, b in itertools.pairwise(units))
        every.append((units, ms + sum(launch_ms[u] for u in set(units)), sum(o.size for _, o in plan)))
    least, most = (f(size for *_, size in every) for f in (min, max))
    limit = int(least + between * (most - least))
    assume(limit >= least)

    def found(units: tuple[str, ...]) -> float:
        return min((ms for own, ms, size in every if own == units and size <= limit), default=math.inf)

    search = LimitedSearch(made, flows, launch_ms, limit, found)
    search.run()
    best = min(ms for _, ms, size in every if size <= limit)
    assert search.bound_ms <= best * (1 + 1e-9) + 1e-12
    assert best <= search.best_ms * (1 + 1e-9) + 1e-12
    assert search.best_ms <= best * (1 + 2 * NEAR) + 1e-12
    assert search.best_ms - search.bound_ms <= 2 * NEAR * search.best_ms + 1e-12


@pytest.mark.parametrize("device", ["iphone14pro", "macbook-m1", "nvidia-h100"])
@pytest.mark.parametrize("batch", [1, 64])
def test_next_to_nothing_is_left_open_for_a_small_network(device: str, batch: int) -> None:
    small = optc.compress(optc.load(optc.demo_model()), optc.Palettize(bits=8))
    for limit in (63_100, 80_000, 110_000):
        plan = optc.plan(small, device, sizes={"batch": batch}, memory_limit=limit)
        assert plan.totals.resident_bytes <= limit
        assert plan.selection.gap_ms <= 2 * NEAR * plan.totals.predict_ms


def test_ways_that_are_never_better_are_left_out() -> None:
    first, second = [Option(1.0, 8.0), Option(2.0, 4.0)], [Option(0.0, 1.0), Option(3.0, 1.0)]
    assert combined(first, second) == [Option(1.0, 9.0), Option(2.0, 5.0)]


def test_of_many_ways_the_least_time_and_the_fewest_bytes_stay() -> None:
    many = [Option(float(n), float(300 - n)) for n in range(300)]
    kept = combined([Option(0.0, 0.0)], many)
    assert len(kept) <= 64
    assert min(o.ms for o in kept) == 0
    assert min(o.size for o in kept) == 1
    assert all(any(k.ms <= o.ms and k.size <= o.size for k in kept) for o in many)
