"""Examples of palettes: exactness on known cases, refusals, and determinism."""

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from optc.errors import OptcError
from optc.numerics.histogram import histogram
from optc.numerics.palette import as_stored, assign, index_bits, kmeans_1d, uniform_palette, unique_palette

Array = np.ndarray[Any, np.dtype[Any]]


def test_two_clear_groups_get_their_means() -> None:
    palette = kmeans_1d(np.array([[1.0, 2.0, 3.0], [11.0, 12.0, 13.0]], np.float32), 2)
    np.testing.assert_array_equal(palette.centres, [2.0, 12.0])
    assert palette.sse == 4.0


def test_far_off_narrow_groups_keep_their_digits() -> None:
    step, far = 2.0**-10, 2.0**10
    values = np.array([0, step, far, far + 3 * step, -far, -far + 2 * step])
    palette = kmeans_1d(values, 5)
    assert palette.sse == step**2 / 2


def test_weights_move_centres() -> None:
    palette = kmeans_1d(np.array([0.0, 1.0]), 1, np.array([3.0, 1.0]))
    assert palette.centres.tolist() == [0.25]
    assert palette.sse == 0.75


def test_values_of_no_weight_do_not_count() -> None:
    assert kmeans_1d(np.array([0.0, 1.0, 9.0]), 2, np.array([1.0, 1.0, 0.0])).sse == 0.0


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_the_magnitude_of_values_does_not_matter(scale: float) -> None:
    values = np.array([1.0, 2.0, 5.0, 9.0, 9.5])
    power = 2.0 ** round(math.log2(scale))
    np.testing.assert_array_equal(kmeans_1d(values * power, 3).centres, kmeans_1d(values, 3).centres * power)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
def test_values_that_are_not_finite_are_refused(bad: float, dtype: Any) -> None:
    values = np.array([1.0, bad, 2.0], dtype)
    for refuse in (
        lambda: kmeans_1d(values, 2),
        lambda: uniform_palette(values, 2),
        lambda: unique_palette(values, 2),
        lambda: assign(values, np.array([0.0])),
        lambda: assign(np.array([1.0]), values),
    ):
        with pytest.raises(OptcError) as caught:
            refuse()
        assert caught.value.slug == "not-finite"


@pytest.mark.parametrize(
    ("values", "weights", "slug"),
    [
        ([], None, "no-values"),
        ([1.0], [0.0], "no-values"),
        ([1.0], [-1.0], "negative-weight"),
        ([1.0], [math.nan], "not-finite"),
        ([1.0], [1.0, 1.0], "weights-shape"),
    ],
)
def test_histograms_of_nothing_are_refused(values: list[float], weights: list[float] | None, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        histogram(np.array(values), None if weights is None else np.array(weights))
    assert caught.value.slug == slug


def test_unique_refuses_what_does_not_fit_and_counts_it() -> None:
    values = np.arange(5, dtype=np.float16)
    with pytest.raises(OptcError) as caught:
        unique_palette(values, 2)
    assert (caught.value.slug, caught.value.actual) == ("too-many-values", "5")
    assert unique_palette(values, 3).centres.tolist() == [0, 1, 2, 3, 4]


def test_uniform_centres_span_the_range() -> None:
    assert uniform_palette(np.array([-1.0, 0.1, 2.0]), 2).centres.tolist() == [-1.0, 0.0, 1.0, 2.0]
    assert uniform_palette(np.array([3.0, 3.0]), 2).centres.tolist() == [3.0]


def test_a_table_beyond_its_type_is_refused() -> None:
    with pytest.raises(OptcError) as caught:
        as_stored(kmeans_1d(np.array([1e6], np.float32), 1).centres, np.float16)
    assert caught.value.slug == "not-finite"


def test_ties_and_equal_centres_take_the_lower_index() -> None:
    centres = np.array([0.0, 1.0, 1.0, 3.0], np.float32)
    assert assign(np.array([0.5, 1.0, 2.0, 2.5, -9.0, 9.0]), centres).tolist() == [0, 1, 1, 3, 0, 3]


@pytest.mark.parametrize(
    ("centres", "slug"),
    [([], "palette-size"), (list(range(257)), "palette-size"), ([2.0, 1.0], "palette-order")],
)
def test_assign_refuses_bad_tables(centres: list[float], slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        assign(np.zeros(1), np.array(centres, np.float64))
    assert caught.value.slug == slug


def test_index_bits_are_the_least_stored_width_that_fits() -> None:
    assert [index_bits(n) for n in (1, 2, 3, 5, 9, 16, 17, 64, 65, 256)] == [1, 1, 2, 3, 4, 4, 6, 6, 8, 8]
    for entries in (0, 257):
        with pytest.raises(OptcError):
            index_bits(entries)
