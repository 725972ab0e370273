"""Zeros and distinct values, of every element type, agree with counting them one by one."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.numerics.census import distinct, sparsity

KINDS = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.int8, np.uint8, np.uint16, np.int32, np.bool_]


@given(st.sampled_from(KINDS), st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.5, 100.0]), max_size=20))
def test_counts_are_those_of_the_numbers(kind: type, numbers: list[float]) -> None:
    array = np.array(numbers).astype(kind)
    held = [float(value) for value in array]
    assert distinct(array) == len(set(held))
    assert sparsity(array) == (held.count(0.0) / len(held) if held else 0.0)


@pytest.mark.parametrize("kind", [np.float16, ml_dtypes.bfloat16, np.float32])
def test_all_nans_are_one_value(kind: type) -> None:
    assert distinct(np.array([np.nan, -np.nan, 1.0]).astype(kind)) == 2


def test_slices_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optc.numerics.census.SLICE", 3)
    assert sparsity(np.array([[0, 1, 0, 2], [0, 0, 3, 4]])) == 0.5
