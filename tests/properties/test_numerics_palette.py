"""Laws of palettes: the best there is (proved by trying all splits in exact fractions), and nearest indices."""

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.numerics import partition
from optc.numerics.palette import assign, kmeans_1d, uniform_palette, unique_palette

Array = np.ndarray[Any, np.dtype[Any]]

reals = st.one_of(
    st.integers(-20, 20).map(float),
    st.floats(-4, 4, width=32),
    st.floats(-(2.0**100), 2.0**100, width=32),
    st.integers(-3, 3).map(lambda n: 1e6 + n * 2.0**-10),
)
samples = st.lists(reals, min_size=1, max_size=14)


def least_sse(values: list[float], weights: list[float], k: int) -> Fraction:
    """The least error over all splits of the sorted values into at most `k` runs, in exact arithmetic."""
    pairs = sorted(zip(map(Fraction, values), map(Fraction, weights), strict=True))

    @cache
    def cost(i: int, j: int) -> Fraction:
        mass = sum((w for _, w in pairs[i:j]), Fraction())
        if mass == 0:
            return Fraction()
        first = sum((w * x for x, w in pairs[i:j]), Fraction())
        return sum((w * x * x for x, w in pairs[i:j]), Fraction()) - first * first / mass

    @cache
    def best(j: int, runs: int) -> Fraction:
        if runs == 1:
            return cost(0, j)
        return min(best(i, runs - 1) + cost(i, j) for i in range(j + 1))

    return best(len(pairs), k)


def error_of(values: list[float], weights: list[float], centres: Array) -> Fraction:
    levels = [Fraction(c) for c in centres.tolist()]
    return sum(
        (Fraction(w) * min((Fraction(x) - c) ** 2 for c in levels) for x, w in zip(values, weights, strict=True)),
        Fraction(),
    )


@given(samples, st.integers(1, 6), st.data())
def test_kmeans_is_the_best_palette_up_to_its_gap(values: list[float], k: int, data: st.DataObject) -> None:
    count = len(values)
    weights = data.draw(st.lists(st.integers(1, 64).map(lambda n: n / 8), min_size=count, max_size=count))
    palette = kmeans_1d(np.array(values), k, np.array(weights))
    assert 1 <= len(palette.centres) <= k
    least = least_sse(values, weights, k)
    # The error of the centres that came back, rounded as they are, not the figure that is claimed for them.
    rounding = sum(Fraction(w) * (Fraction(2.0**-50) * max(map(abs, map(Fraction, values)))) ** 2 for w in weights)
    error = error_of(values, weights, palette.centres)
    assert least <= error <= least + Fraction(palette.gap) + least / 10**12 + rounding
    assert float(error) == pytest.approx(palette.sse, rel=1e-9, abs=float(rounding))


@given(samples, st.integers(1, 6))
def test_coarse_first_changes_nothing(values: list[float], k: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = kmeans_1d(np.array(values), k)
        patch.setattr(partition, "_SMALL_WINDOWS", 0)
        patch.setattr(partition, "_LEAST_FIRST_CELLS", 2)
        patch.setattr(partition, "_FIRST_CELLS_PER_RUN", 1)
        patch.setattr(partition, "_REFINEMENT", 2)
        confined = kmeans_1d(np.array(values), k)
    assert confined.sse <= whole.sse + confined.gap + 1e-12 * whole.sse
    assert whole.sse <= confined.sse + whole.gap + 1e-12 * confined.sse


@given(samples, st.integers(1, 6), st.sampled_from([np.float16, np.float32]))
def test_indices_are_the_first_of_the_nearest(values: list[float], k: int, dtype: Any) -> None:
    array = np.array([v / 1e30 if abs(v) > 1e6 + 9 else v / 100 for v in values], dtype)
    table = kmeans_1d(array, k).table(dtype)
    indices = assign(array, table)
    for value, index in zip(array.tolist(), indices.tolist(), strict=True):
        distances = [abs(Fraction(value) - Fraction(c)) for c in table.tolist()]
        assert index == distances.index(min(distances))


@given(samples, st.randoms(use_true_random=False), st.integers(1, 6))
def test_order_of_values_does_not_matter(values: list[float], shuffler: Any, k: int) -> None:
    shuffled = list(values)
    shuffler.shuffle(shuffled)
    assert kmeans_1d(np.array(values), k).centres.tobytes() == kmeans_1d(np.array(shuffled), k).centres.tobytes()


@given(nps.arrays(np.float16, st.integers(1, 40), elements=st.integers(-9, 9).map(float)))
def test_counting_and_sorting_agree(values: Array) -> None:
    by_code, by_sorting = kmeans_1d(values, 4), kmeans_1d(values.astype(np.float32), 4)
    assert by_code.centres.tobytes() == by_sorting.centres.tobytes()


@given(samples)
def test_unique_palette_has_no_error_and_uniform_one_half_a_step(values: list[float]) -> None:
    array = np.array(values)
    unique = unique_palette(array, 4)
    np.testing.assert_array_equal(unique.centres[assign(array, unique.centres)], array)
    uniform = uniform_palette(array, 3)
    step = (array.max() - array.min()) / 7
    worst = np.abs(uniform.centres[assign(array, uniform.centres)] - array).max()
    assert worst <= step / 2 * (1 + 1e-12) + 1e-15 * np.abs(array).max()


@given(samples, st.integers(1, 5))
def test_more_centres_are_never_worse(values: list[float], k: int) -> None:
    fewer, more = kmeans_1d(np.array(values), k), kmeans_1d(np.array(values), k + 1)
    assert more.sse <= fewer.sse + more.gap


@given(
    st.lists(
        st.tuples(st.floats(-1, 1, width=16), st.integers(-120, 120), st.integers(-90, 90)), min_size=1, max_size=30
    ),
    st.integers(1, 8),
)
def test_any_spread_of_magnitudes_gives_an_ascending_finite_palette(
    parts: list[tuple[float, int, int]], k: int
) -> None:
    values = np.array([number * 2.0**exponent for number, exponent, _ in parts])
    weights = np.array([2.0**load for _, _, load in parts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partition, "_SMALL_WINDOWS", 0)
        patch.setattr(partition, "_LEAST_FIRST_CELLS", 2)
        patch.setattr(partition, "_FIRST_CELLS_PER_RUN", 1)
        palette = kmeans_1d(values, k, weights)
    assert np.isfinite(palette.centres).all()
    assert (np.diff(palette.centres) >= 0).all()
    assert values.min() <= palette.centres[0] <= palette.centres[-1] <= values.max()
    assert np.isfinite([palette.sse, palette.gap]).all()
