"""Samples: how often work is called, and what is made of the times."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.cpu.timing import Sample, Watch, sample

SECONDS = st.floats(1e-9, 1e3)


class Machine:
    """Work that takes given seconds of a clock that only work moves."""

    def __init__(self) -> None:
        self.now, self.calls = 0.0, dict.fromkeys("abc", 0)

    def work(self, name: str, seconds: float) -> None:
        self.now += seconds
        self.calls[name] += 1

    def watch(self) -> Watch:
        return Watch(lambda: self.now, lambda: self.now)


def test_every_round_of_a_sample_has_the_time_that_a_call_takes() -> None:
    machine = Machine()
    works = {"a": lambda: machine.work("a", 0.25), "b": lambda: machine.work("b", 0.001)}
    found = sample(works, 8.0, machine.watch(), rounds=4)
    assert found["a"].seconds == pytest.approx([0.25] * 4)
    assert found["b"].seconds == pytest.approx([0.001] * 4)


def test_quick_and_slow_work_get_the_same_time() -> None:
    machine = Machine()
    works = {"a": lambda: machine.work("a", 0.03), "b": lambda: machine.work("b", 0.001)}
    sample(works, 6.0, machine.watch(), rounds=3)
    assert 0.8 < machine.calls["a"] * 0.03 / (machine.calls["b"] * 0.001) < 1.25
    assert 6.0 <= machine.now < 6.6


def test_without_any_time_each_round_still_has_one_call() -> None:
    machine = Machine()
    found = sample({"a": lambda: machine.work("a", 1.0)}, 0.0, machine.watch(), rounds=5)
    assert found["a"].rounds == 5
    assert machine.calls["a"] == 6  # one to warm up


def test_the_shortest_call_of_a_round_counts() -> None:
    machine = Machine()
    lengths = itertools.cycle([0.5, 0.125, 0.25])
    found = sample({"a": lambda: machine.work("a", next(lengths))}, 30.0, machine.watch(), rounds=2)
    assert found["a"].seconds == pytest.approx([0.125, 0.125])


def test_spread_is_the_middle_half_over_the_median() -> None:
    found = Sample((1.0, 2.0, 3.0, 4.0, 5.0))
    assert (found.median, found.quick, found.spread) == (3.0, 2.0, pytest.approx(2 / 3))


def test_one_round_has_no_spread() -> None:
    assert (Sample((2.0,)).quick, Sample((2.0,)).spread) == (2.0, 0.0)


@given(st.lists(SECONDS, min_size=1, max_size=20))
def test_the_quick_time_lies_between_the_shortest_and_the_median(times: list[float]) -> None:
    found = Sample(tuple(times))
    assert min(times) <= found.quick <= found.median * (1 + 1e-12)
    assert found.spread >= 0


@given(st.lists(SECONDS, min_size=1, max_size=20), st.sampled_from([0.25, 2.0, 16.0]))
def test_the_spread_does_not_depend_on_the_unit_of_time(times: list[float], factor: float) -> None:
    assert Sample(tuple(times)).spread == Sample(tuple(t * factor for t in times)).spread
