"""Laws of selection in slices: what it finds is what sorting everything finds, in the memory of a slice."""

import tracemalloc
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.numerics import sparsity
from optc.numerics.selection import kth_least
from optc.numerics.sparsity import (
    block_mask,
    drop_least,
    global_drops,
    magnitude_mask,
    n_of_m_mask,
    unit_mask,
    zero_count,
)

Array = np.ndarray[Any, np.dtype[Any]]
WEIGHTS = (np.float16, np.float32)
FRACTIONS = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def arrays(draw: st.DrawFn, low: float | None = None, dtypes: tuple[Any, ...] = WEIGHTS) -> Array:
    """Floats of any size, or few distinct ones, so that ties are the rule."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(nps.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=9))
    whole = st.integers(0 if low == 0 else -3, 3).map(float)
    wide = st.floats(low, None, allow_nan=False, allow_infinity=False, width=8 * dtype.itemsize)
    return draw(nps.arrays(dtype, shape, elements=draw(st.sampled_from([whole, wide]))))


@given(arrays(0, (*WEIGHTS, np.float64)), st.integers(1, 5), st.data())
def test_the_kth_least_is_that_of_the_sorted_numbers(numbers: Array, parts: int, data: st.DataObject) -> None:
    flat = numbers.reshape(-1) + numbers.dtype.type(0)
    if not flat.size:
        return
    k = data.draw(st.integers(1, flat.size))
    found, below = kth_least(lambda: np.array_split(flat, parts), k)
    assert found == np.sort(flat)[k - 1]
    assert below == np.count_nonzero(flat < found)


@pytest.fixture(params=[4, 1 << 20], scope="module")
def slice_size(request: pytest.FixtureRequest) -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparsity, "SLICE", request.param)
        yield request.param


def simple(ranks: list[Array], share: float) -> list[Array]:
    """What is kept, by sorting all ranks together."""
    whole = np.concatenate([rank.reshape(-1) for rank in ranks])
    kept = np.ones(whole.size, np.bool_)
    kept[np.argsort(whole, kind="stable")[: zero_count(whole.size, share)]] = False
    ends = np.cumsum([rank.size for rank in ranks])[:-1]
    return [part.reshape(rank.shape) for part, rank in zip(np.split(kept, ends), ranks, strict=True)]


@given(held=st.lists(arrays(), min_size=1, max_size=4), share=FRACTIONS)
def test_the_least_of_all_arrays_together_are_dropped(slice_size: int, held: list[Array], share: float) -> None:
    drops = global_drops([lambda array=array: (array, None) for array in held], share)  # type: ignore[misc]
    assert sum(drops) == zero_count(sum(array.size for array in held), share)
    expected = simple([np.abs(array.astype(np.float64)) for array in held], share)
    for array, drop, kept in zip(held, drops, expected, strict=True):
        np.testing.assert_array_equal(drop_least(array, drop), kept)


@given(held=st.lists(st.tuples(arrays(), st.booleans()), min_size=1, max_size=4), share=FRACTIONS, data=st.data())
def test_importance_times_the_square_is_what_is_ranked_by(
    slice_size: int, held: list[tuple[Array, bool]], share: float, data: st.DataObject
) -> None:
    counts = st.sampled_from([0.0, 0.5, 1.0, 7.0])
    counted = [
        (array, data.draw(nps.arrays(np.float32, array.shape, elements=counts)) if given else None)
        for array, given in held
    ]
    ranks = [np.square(a.astype(np.float64)) * (1.0 if i is None else i.astype(np.float64)) for a, i in counted]
    drops = global_drops([partial(lambda pair: pair, pair) for pair in counted], share)
    assert sum(drops) == zero_count(sum(array.size for array, _ in counted), share)
    if any(importance is not None for _, importance in counted):
        for (array, importance), drop, kept in zip(counted, drops, simple(ranks, share), strict=True):
            np.testing.assert_array_equal(drop_least(array, drop, importance), kept)


@given(arrays(), FRACTIONS, st.data())
def test_equal_importance_makes_no_difference(array: Array, share: float, data: st.DataObject) -> None:
    ones = np.broadcast_to(np.float32(1), array.shape)
    axis = data.draw(st.integers(0, array.ndim - 1))
    np.testing.assert_array_equal(magnitude_mask(array, share, ones), magnitude_mask(array, share))
    np.testing.assert_array_equal(unit_mask(array, share, (axis,), ones), unit_mask(array, share, (axis,)))
    np.testing.assert_array_equal(block_mask(array, share, 1, axis, ones), block_mask(array, share, 1, axis))
    np.testing.assert_array_equal(n_of_m_mask(array, 1, 2, axis, ones), n_of_m_mask(array, 1, 2, axis))


def test_what_counts_is_kept_in_every_form() -> None:
    weights = np.arange(1, 17, dtype=np.float32).reshape(4, 4)
    importance = np.where(weights <= 4, np.float32(1e6), np.float32(1))  # the first row is least, and counts most
    assert magnitude_mask(weights, 0.75, importance)[0].all()
    assert n_of_m_mask(weights, 3, 4, 0, importance)[0].all()
    assert block_mask(weights, 0.5, 2, 1, importance)[0].all()
    assert unit_mask(weights, 0.75, (0,), importance)[0].all()
    assert not any(m[0].any() for m in (magnitude_mask(weights, 0.75), unit_mask(weights, 0.75, (0,))))


def test_selection_takes_the_memory_of_a_slice_however_much_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparsity, "SLICE", 1 << 12)
    array = np.random.default_rng(0).standard_normal(1 << 16).astype(np.float32)
    read = [lambda: (array, None)] * 64
    tracemalloc.start()
    drops = global_drops(read, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(drops) == 32 << 16
    assert peak < 64 * array.nbytes / 4
