"""Examples of sparse storage and of what is zeroed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.numerics.sparsity import (
    block_mask,
    magnitude_mask,
    n_of_m_mask,
    scatter,
    sparse_decode,
    sparse_encode,
    threshold_mask,
    zero_count,
)


def test_set_bits_take_values_in_row_major_order() -> None:
    values, mask = sparse_encode(np.array([[0.0, 5.0, 0.0], [6.0, 0.0, 7.0]], np.float16))
    assert values.tolist() == [5.0, 6.0, 7.0]
    assert mask.tolist() == [0b101010]
    assert sparse_decode(values, mask, (2, 3)).tolist() == [[0, 5, 0], [6, 0, 7]]


def test_ties_do_not_over_prune() -> None:
    assert magnitude_mask(np.ones(8), 0.25).tolist() == [False] * 2 + [True] * 6


def test_signs_do_not_matter() -> None:
    assert magnitude_mask(np.array([-3.0, 1.0, -2.0, 4.0], np.float16), 0.5).tolist() == [True, False, False, True]


def test_half_an_element_is_rounded_up() -> None:
    assert [zero_count(3, s) for s in (0.0, 0.16, 0.5, 0.84, 1.0)] == [0, 0, 2, 3, 3]


def test_threshold_is_kept_out() -> None:
    assert threshold_mask(np.array([0.5, -0.5, 0.6, -0.7]), 0.5).tolist() == [False, False, True, True]


def test_two_of_four_along_each_axis() -> None:
    weights = np.array([[1.0, -4.0, 2.0, 3.0, 9.0], [1.0, 1.0, 1.0, 1.0, 9.0]])
    assert n_of_m_mask(weights, 2, 4, axis=1).tolist() == [
        [False, True, False, True, True],
        [False, False, True, True, True],
    ]
    assert n_of_m_mask(weights, 1, 2, axis=0).tolist() == [
        [False, True, True, True, False],
        [True, False, False, False, True],
    ]


def test_blocks_go_as_a_whole() -> None:
    weights = np.array([[3.0, 0.0, 2.0, 2.5], [0.1, 0.1, 4.0, 0.0]])
    assert block_mask(weights, 0.5, 2, axis=1).tolist() == [[False, False, True, True], [False, False, True, True]]


@pytest.mark.parametrize(
    ("refuse", "slug"),
    [
        (lambda: magnitude_mask(np.ones(3), 1.5), "sparsity-range"),
        (lambda: magnitude_mask(np.ones(3), float("nan")), "sparsity-range"),
        (lambda: magnitude_mask(np.array([np.nan]), 0.0), "not-finite"),
        (lambda: threshold_mask(np.array([np.nan]), 0.0), "not-finite"),
        (lambda: n_of_m_mask(np.ones(4), 5, 4, 0), "n-of-m"),
        (lambda: n_of_m_mask(np.ones(4), 1, 2, 1), "axis-range"),
        (lambda: n_of_m_mask(np.array([np.nan, 1.0]), 1, 2, 0), "not-finite"),
        (lambda: block_mask(np.ones(4), 0.5, 3, 0), "block-size"),
        (lambda: sparse_encode(np.ones(4), np.ones(3, np.bool_)), "shape-mismatch"),
        (lambda: sparse_decode(np.ones(2), np.array([1], np.uint8), (3,)), "mask-count"),
        (lambda: sparse_decode(np.ones(1), np.array([1, 0], np.uint8), (3,)), "packed-size"),
        (lambda: scatter(np.ones(3), np.array([1, 0, 1], np.uint8)), "mask-count"),
    ],
)
def test_what_makes_no_sense_is_refused(refuse: Callable[[], Any], slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        refuse()
    assert caught.value.slug == slug
