"""Laws of distances."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.numerics.distance import max_error, snr_db, sum_squared_error

Array = np.ndarray[Any, np.dtype[Any]]

pairs = nps.arrays(
    np.float64,
    st.tuples(st.just(2), st.integers(0, 20)),
    elements=st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6),
)


@given(pairs, st.integers(1, 7))
def test_slices_do_not_matter(pair: Array, slice_size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = (sum_squared_error(*pair), max_error(*pair))
        patch.setattr("optc.numerics.distance.SLICE", slice_size)
        sliced = (sum_squared_error(*pair), max_error(*pair))
    assert sliced[0] == pytest.approx(whole[0], rel=1e-12)
    assert sliced[1] == whole[1]


@given(pairs)
def test_errors_are_symmetric_and_bound_each_other(pair: Array) -> None:
    first, second = pair
    total, worst = sum_squared_error(first, second), max_error(first, second)
    assert (total, worst) == (sum_squared_error(second, first), max_error(second, first))
    assert worst**2 <= total * (1 + 1e-12)
    assert total <= first.size * worst**2 * (1 + 1e-12)


@given(pairs, st.integers(-20, 20))
def test_snr_does_not_depend_on_scale(pair: Array, exponent: int) -> None:
    scaled = pair * 2.0**exponent
    assert snr_db(*scaled) == pytest.approx(snr_db(*pair), rel=1e-9, abs=1e-9)
