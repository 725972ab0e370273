"""Laws of the certificate: whatever it says, no palette is below the bound; and that of the search is met."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optc.numerics import native
from optc.numerics.certificate import Certificate, lower_bound
from optc.numerics.histogram import Histogram, histogram
from optc.numerics.palette import kmeans_1d
from optc.numerics.partition import Rounding

ROUNDINGS = st.sampled_from([None, Rounding.of(np.float16), Rounding(0, 0.3, -9.0, 9.0)])


def least_error(counted: Histogram, k: int, rounding: Rounding | None) -> float:
    """The least error of all palettes of `k` centres, by trying every last run of every length."""
    points, mass = counted
    best = [0.0] + [np.inf] * len(points)
    for _ in range(k):
        following = list(best)
        for stop in range(1, len(points) + 1):
            for start in range(stop):
                run, load = points[start:stop], mass[start:stop]
                centre = float((run * load).sum() / load.sum())
                centre = centre if rounding is None else rounding.nearest(centre)
                error = float((load * np.square(run - centre)).sum())
                following[stop] = min(following[stop], best[start] + error)
        best = following
    return best[-1]


@st.composite
def tasks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int, Rounding | None]:
    count = draw(st.integers(1, 14))
    values = draw(st.lists(st.integers(-30, 30), min_size=count, max_size=count))
    weights = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    return np.array(values) / 8.0, np.array(weights, np.float64), draw(st.integers(1, 5)), draw(ROUNDINGS)


def test_no_bound_is_above_zero_by_the_rounding_of_its_own_arithmetic() -> None:
    counted = histogram(np.array([0.0]), np.array([1.0]))
    certificate = Certificate(0.636511597040066, np.array([1.0, 33.0]))
    assert lower_bound(certificate, counted, 1) == 0.0


@given(tasks(), st.floats(0, 20), st.data())
def test_whatever_a_certificate_says_no_palette_is_below_the_bound(
    task: tuple[np.ndarray, np.ndarray, int, Rounding | None], penalty: float, data: st.DataObject
) -> None:
    values, weights, k, rounding = task
    counted = histogram(values, weights)
    count = len(counted.points) + 1
    potentials = np.array(data.draw(st.lists(st.floats(-5, 60), min_size=count, max_size=count)))
    least = least_error(counted, k, rounding)
    assert lower_bound(Certificate(penalty, potentials), counted, k, rounding) <= least * (1 + 1e-12)
    rising = Certificate(penalty, np.sort(potentials))
    assert lower_bound(rising, counted, k, rounding) <= least * (1 + 1e-12)


@given(tasks(), st.booleans())
def test_the_certificate_of_the_search_proves_its_palette(
    task: tuple[np.ndarray, np.ndarray, int, Rounding | None], compiled: bool
) -> None:
    values, weights, k, rounding = task
    counted = histogram(values, weights)
    if compiled:
        palette = kmeans_1d(values, k, weights, rounding)
    else:
        with native.without():
            palette = kmeans_1d(values, k, weights, rounding)
    assert palette.certificate is not None
    bound = lower_bound(palette.certificate, counted, min(k, len(counted.points)), rounding)
    slack = 1e-12 * float((counted.mass * np.square(counted.points)).sum())
    assert palette.sse - slack <= bound + palette.gap
    assert bound <= least_error(counted, k, rounding) * (1 + 1e-12) + slack


def test_a_palette_of_many_values_is_proved_to_a_millionth() -> None:
    values = np.random.default_rng(3).standard_t(3, 40_000).astype(np.float16)
    for k in (2, 16, 200):
        palette = kmeans_1d(values, k, None, Rounding.of(np.float16))
        assert palette.certificate is not None
        bound = lower_bound(palette.certificate, histogram(values), k, Rounding.of(np.float16))
        assert palette.sse * (1 - 1e-6) <= bound <= palette.sse


def test_a_palette_that_is_not_the_best_is_not_proved() -> None:
    values = np.arange(100.0)
    palette = kmeans_1d(values, 4)
    assert palette.certificate is not None
    worse = kmeans_1d(values, 3).sse
    assert lower_bound(palette.certificate, histogram(values), 4) < 0.9 * worse
