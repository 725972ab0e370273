"""The compiled kernels give the bits that NumPy gives, for all types, sizes and layouts."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.numerics import native
from optc.numerics.distance import distance
from optc.numerics.histogram import histogram
from optc.numerics.lut import lut_to_dense
from optc.numerics.packing import pack, unpack
from optc.numerics.palette import assign
from optc.numerics.sparsity import scatter, sparse_encode

FLOATS = (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)
SEEDS = st.integers(0, 2**32 - 1)
pytestmark = pytest.mark.skipif(native.kernels is None, reason="the kernels are not built")


def bits_of(result: Any) -> Any:
    """What an equal result is equal in: the bytes of arrays, and their types."""
    if isinstance(result, np.ndarray):
        return result.dtype, result.shape, result.tobytes()
    return [bits_of(part) for part in result] if isinstance(result, tuple) else repr(result)


def assert_same_bits(compute: Callable[[], Any]) -> None:
    compiled = compute()
    with native.without():
        plain = compute()
    assert bits_of(compiled) == bits_of(plain)


def numbers(seed: int, size: int, dtype: Any) -> np.ndarray:
    """Numbers of many magnitudes, with zeros of both signs and equal ones among them."""
    rng = np.random.default_rng(seed)
    found = rng.standard_normal(size) * 2.0 ** rng.integers(-20, 5, size)
    found = np.where(rng.random(size) < 0.2, rng.choice([0.0, -0.0, 0.5, -0.5], size), found)
    return np.asarray(found.astype(dtype))


@given(SEEDS, st.integers(0, 70), st.integers(1, 8), st.booleans())
def test_packing_and_unpacking(seed: int, size: int, bits: int, signed: bool) -> None:
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
    values = np.random.default_rng(seed).integers(low, high, size).astype(np.int8 if signed else np.uint8)
    assert_same_bits(lambda: pack(values, bits))
    packed = pack(values, bits)
    assert_same_bits(lambda: unpack(packed, bits, size, signed))
    assert (unpack(packed, bits, size, signed) == values).all()


@given(
    SEEDS, st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=4), st.integers(1, 4),
    st.sampled_from((np.int8, *FLOATS)), st.data(),
)  # fmt: skip
def test_looking_up_in_tables_of_groups_and_vectors(
    seed: int, axes: list[tuple[int, int]], vector: int, dtype: Any, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    groups = tuple(count for count, _ in axes)
    indices = rng.integers(0, 8, [count * size for count, size in axes]).astype(np.uint8)
    lut = rng.standard_normal((*groups, 8, vector)).astype(dtype)
    axis = data.draw(st.integers(0, len(axes) - 1)) if vector > 1 else None
    assert_same_bits(lambda: lut_to_dense(indices, lut, axis))
    moved = np.asfortranarray(indices)
    assert_same_bits(lambda: lut_to_dense(moved, lut, axis))


@given(SEEDS, st.integers(0, 300), st.sampled_from((np.int8, *FLOATS)), st.floats(0, 1))
def test_keeping_and_scattering(seed: int, size: int, dtype: Any, share: float) -> None:
    dense = numbers(seed, size, dtype)
    mask = np.random.default_rng(seed).random(size) < share
    assert_same_bits(lambda: sparse_encode(dense, mask))
    assert_same_bits(lambda: sparse_encode(dense))
    values = dense[mask]
    assert_same_bits(lambda: scatter(values, mask))
    assert_same_bits(lambda: scatter(values, mask.astype(np.uint8)))


@given(SEEDS, st.integers(0, 300), st.sampled_from(FLOATS), st.sampled_from([0.0, np.inf, -np.inf, np.nan, 1e30]))
def test_how_far_arrays_are_apart(seed: int, size: int, dtype: Any, odd: float) -> None:
    first, second = numbers(seed, size, dtype), numbers(seed + 1, size, dtype)
    assert_same_bits(lambda: distance(first, second))
    with np.errstate(over="ignore"):
        first[size // 2 : size // 2 + 1] = odd
    assert_same_bits(lambda: distance(first, second))
    assert_same_bits(lambda: distance(first, first))


@given(SEEDS, st.integers(1, 400), st.sampled_from(FLOATS), st.booleans())
def test_counting_and_assigning_values(seed: int, size: int, dtype: Any, weighted: bool) -> None:
    values = numbers(seed, size, dtype)
    weights = np.random.default_rng(seed).random(size) + 0.5 if weighted else None
    assert_same_bits(lambda: histogram(values, weights))
    points = histogram(values).points
    assert_same_bits(lambda: assign(values, points[:200]))


@pytest.mark.parametrize("dtype", FLOATS)
def test_counting_assigning_and_comparing_more_values_than_are_handled_at_once(dtype: Any) -> None:
    values = numbers(7, (1 << 20) + 77, dtype)
    centres = np.linspace(-3, 3, 16)
    assert_same_bits(lambda: assign(values, centres))
    assert_same_bits(lambda: histogram(values))
    assert_same_bits(lambda: distance(values, np.zeros_like(values)))
    assert_same_bits(lambda: pack(assign(values, centres), 4))
