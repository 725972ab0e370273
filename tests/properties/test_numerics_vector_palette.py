"""Laws of palettes of vectors: what stands for what, what can be stored, and what no palette may be worse than."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.grouped_palette import palettize_vectors
from optc.numerics.lut import lut_to_dense
from optc.numerics.palette import kmeans_1d
from optc.numerics.partition import Rounding
from optc.numerics.vector_palette import LONGEST, assign_vectors, kmeans_vectors, unique_vectors

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 60), st.integers(1, 5))
ENTRIES = st.integers(1, 17)


def drawn(seed: int, size: tuple[int, int], dtype: type = np.float32) -> np.ndarray:
    """Vectors in a few clusters, some of them equal, of any scale."""
    rng = np.random.default_rng(seed)
    near = rng.standard_normal((rng.integers(1, 9), size[1]))
    vectors = near[rng.integers(0, len(near), size[0])] + rng.choice([0, 0.1, 1.0]) * rng.standard_normal(size)
    return (vectors * 2.0 ** rng.integers(-8, 8)).astype(dtype)


def squares(vectors: np.ndarray, centres: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted squared distances, `[vectors, centres]`."""
    apart = vectors.astype(np.float64)[:, np.newaxis] - centres
    return np.asarray((weights[:, np.newaxis] * np.square(apart)).sum(axis=-1))


@given(SEEDS, SIZES, ENTRIES, st.booleans(), st.sampled_from([None, Rounding.of(np.float16), Rounding(0, 0.05, -9, 9)]))
def test_compiled_and_not_the_palette_has_the_same_bits(
    seed: int, size: tuple[int, int], k: int, weighted: bool, rounding: Rounding | None
) -> None:
    vectors = drawn(seed, size)
    weights = np.random.default_rng(seed + 1).random(size) if weighted else None
    found = kmeans_vectors(vectors, k, weights, rounding)
    with native.without():
        again = kmeans_vectors(vectors, k, weights, rounding)
    assert found.centres.tobytes() == again.centres.tobytes()
    assert found.codes.tobytes() == again.codes.tobytes()
    assert found.sse == again.sse


@given(SEEDS, SIZES, ENTRIES, st.booleans())
def test_each_vector_has_its_nearest_centre_and_the_error_is_that_of_the_codes(
    seed: int, size: tuple[int, int], k: int, weighted: bool
) -> None:
    vectors = drawn(seed, size, np.float16)
    weights = np.random.default_rng(seed + 1).random(size) if weighted else np.ones(size)
    found = kmeans_vectors(vectors, k, weights if weighted else None)
    apart = squares(vectors, found.centres, weights)
    taken = np.take_along_axis(apart, found.codes[:, np.newaxis].astype(np.int64), axis=1)[:, 0]
    scale = float(np.square(vectors.astype(np.float64)).max())
    assert len(found.centres) <= k
    assert (taken <= apart.min(axis=1) + 1e-5 * scale).all()
    share = float(weights.max()) or 1.0  # weights are taken relative to the largest
    assert np.isclose(found.sse * share, taken.sum(), rtol=1e-3, atol=1e-6 * scale * len(vectors))


@given(SEEDS, SIZES, ENTRIES, st.booleans())
def test_on_one_dimensional_data_no_palette_is_worse_than_exact_scalar_k_means(
    seed: int, size: tuple[int, int], k: int, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    places = drawn(seed, (size[0], 1)).astype(np.float64)
    way = rng.integers(-3, 4, size[1])
    vectors = (places * way).astype(np.float32)
    weights = rng.random((size[0], 1)) * np.ones(size) if weighted else np.ones(size)
    found = kmeans_vectors(vectors, k, weights)
    error = squares(vectors, found.centres, weights).min(axis=1).sum()
    best = kmeans_1d(places, k, weights[:, :1]).sse * float(np.square(way).sum())
    scale = float(np.square(vectors.astype(np.float64)).sum())
    assert error <= best * (1 + 1e-3) + 1e-11 * scale


@given(SEEDS, SIZES, st.sampled_from([(np.float16, 0), (np.float32, 0), (None, 0.25)]))
def test_centres_are_what_the_table_can_store(seed: int, size: tuple[int, int], kind: tuple[type, float]) -> None:
    dtype, step = kind
    rounding = Rounding.of(dtype) if dtype else Rounding(0, step, -6, 6)
    centres = kmeans_vectors(drawn(seed, size), 5, None, rounding).centres
    if dtype:
        assert (centres.astype(dtype).astype(np.float64) == centres).all()
    else:
        assert (np.rint(centres / step) * step == centres).all()
        assert (np.abs(centres) <= 6 * step).all()


@given(SEEDS, SIZES)
def test_as_many_centres_as_distinct_vectors_leave_no_error(seed: int, size: tuple[int, int]) -> None:
    vectors = drawn(seed, size)
    distinct = len(np.unique(vectors, axis=0))
    found = kmeans_vectors(vectors, distinct)
    assert found.sse == 0
    assert (found.centres[found.codes] == vectors).all()


def test_clusters_that_lie_far_apart_are_found_one_by_one() -> None:
    rng = np.random.default_rng(5)
    middles = rng.integers(-40, 40, (32, 3)) * 10.0
    vectors = np.repeat(middles, 2000, axis=0) + 0.01 * rng.standard_normal((64000, 3))
    found = kmeans_vectors(vectors, 32)
    assert np.abs(found.centres[found.codes] - vectors).max() < 0.1


def test_a_few_vectors_far_off_get_centres_of_their_own() -> None:
    vectors = np.random.default_rng(6).standard_normal((200_000, 2))
    vectors[[7, 90_000, 199_999]] = [[1e3, 0], [0, -1e3], [-1e3, 1e3]]
    found = kmeans_vectors(vectors, 16)
    assert found.sse < 2 * kmeans_vectors(vectors[8:89_000], 13).sse * 200_000 / 88_992


@given(SEEDS, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2))
def test_tables_expand_to_the_vectors_that_their_groups_chose(
    seed: int, length: int, groups: int, per_group: int, axis: int
) -> None:
    shape = [2, 3, 2]
    shape[axis] = length * groups * per_group
    values = np.random.default_rng(seed).integers(-2, 3, shape).astype(np.float32)
    counts = tuple(groups if a == axis else 1 for a in range(3))
    made = palettize_vectors(values, 8, counts, (axis, length), lambda vectors, weights: unique_vectors(vectors, 8))
    vector_axis = axis if length > 1 else None
    assert (lut_to_dense(made.indices, made.table, vector_axis) == values).all()


@given(SEEDS, SIZES)
def test_assigned_vectors_take_the_first_of_equally_near_centres(seed: int, size: tuple[int, int]) -> None:
    vectors = np.random.default_rng(seed).integers(-3, 4, size).astype(np.float32)
    centres = np.random.default_rng(seed + 1).integers(-3, 4, (6, size[1])).astype(np.float64)
    expected = squares(vectors, centres, np.ones(size)).argmin(axis=1)
    assert (assign_vectors(vectors, centres).codes == expected).all()


@pytest.mark.parametrize(
    ("vectors", "k", "weights", "slug"),
    [
        (np.array([[1.0, np.nan]]), 2, None, "not-finite"),
        (np.array([[1.0, 2.0]]), 2, np.array([[1.0, -1.0]]), "negative-weight"),
        (np.array([[1.0, 2.0]]), 2, np.array([[1.0, np.inf]]), "not-finite"),
        (np.array([[1.0, 2.0]]), 0, None, "palette-size"),
        (np.array([[1.0, 2.0]]), 257, None, "palette-size"),
        (np.zeros((1, LONGEST + 1)), 2, None, "vector-length"),
    ],
)
def test_what_is_no_data_for_a_palette_is_refused(
    vectors: np.ndarray, k: int, weights: np.ndarray | None, slug: str
) -> None:
    with pytest.raises(OptcError) as error:
        kmeans_vectors(vectors, k, weights)
    assert error.value.slug == slug


def test_too_many_distinct_vectors_are_refused() -> None:
    with pytest.raises(OptcError) as error:
        unique_vectors(np.arange(10.0).reshape(5, 2), 2)
    assert error.value.slug == "too-many-values"
