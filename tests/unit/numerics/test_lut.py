"""Examples of lookup tables."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.numerics.lut import lut_shape, lut_to_dense


def test_one_table_for_all() -> None:
    lut = np.array([10.0, 20.0], np.float16).reshape(1, 1, 2, 1)
    dense = lut_to_dense(np.array([[0, 1], [1, 1]], np.uint8), lut)
    assert dense.tolist() == [[10, 20], [20, 20]]
    assert dense.dtype == np.float16


def test_groups_of_rows_have_their_own_tables() -> None:
    lut = np.array([[1, 2], [3, 4]], np.int8).reshape(2, 1, 2, 1)
    assert lut_to_dense(np.array([[0], [1], [0], [1]], np.uint8), lut).tolist() == [[1], [2], [3], [4]]


@pytest.mark.parametrize(("axis", "expected"), [(0, [[1, 3], [2, 4]]), (1, [[1, 2, 3, 4]]), (-1, [[1, 2, 3, 4]])])
def test_vectors_are_laid_out_along_their_axis(axis: int, expected: list[list[int]]) -> None:
    lut = np.array([[1, 2], [3, 4]], np.uint8).reshape(1, 1, 2, 2)
    assert lut_to_dense(np.array([[0, 1]], np.uint8), lut, axis).tolist() == expected


def test_scalars_and_nothing_expand_too() -> None:
    table = np.array([5.0, 6.0])
    assert lut_to_dense(np.array(1, np.uint8), table.reshape(2, 1)).tolist() == 6.0
    assert lut_to_dense(np.zeros((0, 3), np.uint8), table.reshape(1, 1, 2, 1)).shape == (0, 3)


@pytest.mark.parametrize(
    ("refuse", "slug"),
    [
        (lambda: lut_shape((4, 4), (1, 2, 1)), "lut-rank"),
        (lambda: lut_shape((4, 4), (3, 1, 2, 1)), "lut-groups"),
        (lambda: lut_shape((4, 4), (0, 1, 2, 1)), "lut-groups"),
        (lambda: lut_shape((4, 4), (1, 1, 0, 1)), "lut-entries"),
        (lambda: lut_shape((4, 4), (1, 1, 2, 2)), "vector-axis"),
        (lambda: lut_shape((4, 4), (1, 1, 2, 2), 2), "vector-axis"),
        (lambda: lut_to_dense(np.array([2], np.uint8), np.zeros((1, 2, 1))), "index-out-of-range"),
    ],
)
def test_what_does_not_go_together_is_refused(refuse: Callable[[], Any], slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        refuse()
    assert caught.value.slug == slug
