"""Laws of palettes: the best there is (proved by trying all splits in exact fractions), and nearest indices."""

import math
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.errors import OptcError
from optc.numerics import native, partition
from optc.numerics.histogram import histogram
from optc.numerics.palette import as_stored, assign, kmeans_1d, uniform_palette, unique_palette
from optc.numerics.partition import Rounding, best_split

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
    with pytest.MonkeyPatch.context() as patch, native.without():
        whole = kmeans_1d(np.array(values), k)
        patch.setattr(partition, "_LEAST_CELLS", 2)
        patch.setattr(partition, "_CELLS_PER_RUN", 1)
        coarse = kmeans_1d(np.array(values), k)
    assert coarse.sse <= whole.sse + coarse.gap + 1e-12 * whole.sse
    assert whole.sse <= coarse.sse + whole.gap + 1e-12 * coarse.sse


grids = st.one_of(
    st.sampled_from([Rounding.of(np.float16), Rounding.of(ml_dtypes.bfloat16), Rounding(3, 2.0**-4)]),
    st.integers(1, 40).map(lambda n: Rounding(0, n / 7, -9.0, 9.0)),
)


@given(st.lists(st.integers(-300, 300).map(lambda n: n / 7), min_size=1, max_size=9), st.integers(1, 4), grids)
def test_no_table_that_can_be_stored_is_better(values: list[float], k: int, rounding: Rounding) -> None:
    array = np.array(values)
    palette = kmeans_1d(array, k, rounding=rounding)
    assert all(rounding.nearest(centre) == centre for centre in palette.centres.tolist())
    ordered = np.sort(array)
    least = math.inf
    for cuts in combinations_with_replacement(range(len(values) + 1), k - 1):
        runs = [run for run in np.split(ordered, cuts) if run.size]
        # Of all numbers near the mean, the best one that can be stored: rounding is not trusted to be nearest.
        near = [{rounding.nearest(float(run.mean()) * (1 + step / 64)) for step in range(-40, 41)} for run in runs]
        least = min(
            least, sum(min(float(np.square(run - c).sum()) for c in some) for run, some in zip(runs, near, strict=True))
        )
    assert palette.sse <= least * (1 + 1e-9) + palette.gap


@st.composite
def histograms(draw: st.DrawFn) -> tuple[Array, Array, int]:
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    size = draw(st.sampled_from([3, 17, 200, 1500, 5000]))
    kind = draw(st.sampled_from(["normal", "heavy", "comb", "clumps", "skewed"]))
    drawn = {
        "normal": lambda: rng.normal(size=size), "heavy": lambda: rng.standard_cauchy(size),
        "comb": lambda: np.arange(float(size)), "skewed": lambda: np.exp(4 * rng.normal(size=size)),
        "clumps": lambda: rng.integers(0, 9, size) * 10 + rng.normal(size=size) / 64,
    }[kind]()  # fmt: skip
    points = np.unique(
        np.clip(drawn, -6e4, 6e4).astype(np.float16 if draw(st.booleans()) else np.float32).astype(np.float64)
    )
    points /= 2 * np.abs(points).max()
    mass = draw(
        st.sampled_from([np.ones(len(points)), rng.integers(1, 99, len(points)) * 1.0, rng.random(len(points))])
    )
    return points, np.maximum(mass, 1e-9), draw(st.integers(1, min(len(points), 300)))


@given(histograms(), st.one_of(st.none(), grids))
@settings(max_examples=60)
@pytest.mark.skipif(native.kernels is None, reason="the compiled kernels were not built")
def test_compiled_splits_have_the_same_bits(case: tuple[Array, Array, int], rounding: Rounding | None) -> None:
    rounding = None if rounding is None else rounding.scaled(-6)
    compiled = best_split(*case, rounding)
    with native.without():
        plain = best_split(*case, rounding)
    np.testing.assert_array_equal(compiled.bounds, plain.bounds)
    assert compiled.gap == plain.gap


@given(samples, st.integers(1, 6), st.sampled_from([np.float16, np.float32]))
def test_indices_are_the_first_of_the_nearest(values: list[float], k: int, dtype: Any) -> None:
    array = np.array([v / 1e30 if abs(v) > 1e6 + 9 else v / 100 for v in values], dtype)
    table = as_stored(kmeans_1d(array, k).centres, dtype)
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
    with pytest.MonkeyPatch.context() as patch, native.without():
        patch.setattr(partition, "_LEAST_CELLS", 2)
        patch.setattr(partition, "_CELLS_PER_RUN", 1)
        palette = kmeans_1d(values, k, weights)
    assert np.isfinite(palette.centres).all()
    assert (np.diff(palette.centres) >= 0).all()
    assert values.min() <= palette.centres[0] <= palette.centres[-1] <= values.max()
    assert np.isfinite([palette.sse, palette.gap]).all()


@given(
    st.integers(0, 1 << 32),
    st.sampled_from([np.float16, ml_dtypes.bfloat16, np.float32, np.float64]),
    st.integers(1, 256),
    st.sampled_from([0, 1, 37, 70000]),
)
@settings(max_examples=40)
def test_each_way_to_count_and_to_assign_gives_the_same(seed: int, dtype: Any, k: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    values = (rng.standard_normal(size) * 10.0 ** rng.integers(-8, 4)).astype(dtype)
    table = np.unique(np.append(rng.choice(values, k) if size else [], 0.0).astype(np.float64))[:256]
    indices = assign(values, table)
    with native.without():
        np.testing.assert_array_equal(assign(values, table), indices)
        parts = [assign(part, table) for part in np.array_split(values, 3)]
        np.testing.assert_array_equal(np.concatenate(parts), indices)
        counted = histogram(values) if size else None
    if counted is not None:
        compiled = histogram(values)
        np.testing.assert_array_equal(compiled.points, counted.points)
        np.testing.assert_array_equal(compiled.mass, counted.mass)
        values[rng.integers(size)] = rng.choice([np.inf, -np.inf, np.nan])
        with pytest.raises(OptcError):
            assign(values, table)
        with native.without(), pytest.raises(OptcError):
            assign(values, table)
