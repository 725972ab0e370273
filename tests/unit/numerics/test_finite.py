"""Numbers that are not finite are seen in floats of every width."""

import ml_dtypes
import numpy as np
import pytest

from optc.numerics.finite import all_finite, any_nan

FLOATS = (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("odd", "finite", "nan"), [(np.inf, False, False), (-np.inf, False, False), (np.nan, False, True)]
)
def test_odd_numbers_are_seen(dtype: type, odd: float, finite: bool, nan: bool) -> None:
    array = np.linspace(-3, 3, 12).reshape(3, 4).astype(dtype)
    assert all_finite(array)
    array[2, 1] = odd
    assert all_finite(array) is finite
    assert any_nan(np.abs(array)) is nan


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_greatest_numbers_and_no_numbers_are_finite(dtype: type) -> None:
    most = ml_dtypes.finfo(dtype).max
    assert all_finite(np.array([most, -most], dtype))
    assert not any_nan(np.array([most, 0], dtype))
    assert all_finite(np.zeros((0, 3), dtype))
    assert not any_nan(np.zeros(0, dtype))
