"""Laws of sparse storage and of the choice of what is zeroed."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.numerics.sparsity import block_mask, magnitude_mask, n_of_m_mask, sparse_decode, sparse_encode, zero_count

Array = np.ndarray[Any, np.dtype[Any]]

shapes = nps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)
# Few distinct values, so that ties are the rule.
weights = nps.arrays(np.float32, shapes, elements=st.integers(-3, 3).map(float))
fractions = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))


@given(weights)
def test_decode_undoes_encode(dense: Array) -> None:
    values, mask = sparse_encode(dense)
    assert values.size == np.count_nonzero(dense)
    assert mask.size == (dense.size + 7) // 8
    np.testing.assert_array_equal(sparse_decode(values, mask, dense.shape), dense)


@given(weights, fractions)
def test_a_mask_decides_what_is_stored(dense: Array, sparsity: float) -> None:
    kept = magnitude_mask(dense, sparsity)
    restored = sparse_decode(*sparse_encode(dense, kept), dense.shape)
    np.testing.assert_array_equal(restored, np.where(kept, dense, 0))


@given(weights, fractions)
def test_magnitudes_are_dropped_in_order_of_size_then_place(dense: Array, sparsity: float) -> None:
    flat = np.abs(dense).reshape(-1).tolist()
    dropped = sorted(range(len(flat)), key=lambda i: (flat[i], i))[: zero_count(len(flat), sparsity)]
    assert np.flatnonzero(~magnitude_mask(dense, sparsity)).tolist() == sorted(dropped)


@given(st.integers(0, 50), fractions)
def test_the_number_of_zeros_is_the_nearest(count: int, sparsity: float) -> None:
    assert abs(zero_count(count, sparsity) - count * sparsity) <= 0.5 + 1e-9


@given(weights, st.integers(1, 5), st.data())
def test_each_block_of_m_loses_its_n_least(dense: Array, block: int, data: st.DataObject) -> None:
    if dense.ndim == 0:
        dense = dense.reshape(1)
    axis = data.draw(st.integers(-dense.ndim, dense.ndim - 1))
    zeros = data.draw(st.integers(0, block))
    kept = np.moveaxis(n_of_m_mask(dense, zeros, block, axis), axis, -1)
    along = np.moveaxis(np.abs(dense), axis, -1)
    for place in np.ndindex(*along.shape[:-1]):
        for start in range(0, along.shape[-1], block):
            row = along[place][start : start + block].tolist()
            order = sorted(range(len(row)), key=lambda i: (row[i], i))
            expected = sorted(order[: max(0, zeros - (block - len(row)))])
            assert np.flatnonzero(~kept[place][start : start + block]).tolist() == expected


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), fractions, st.data())
def test_blocks_of_one_are_elements_and_blocks_stay_whole(
    rows: int, blocks: int, block: int, sparsity: float, data: st.DataObject
) -> None:
    elements = st.integers(-3, 3).map(float)
    dense = data.draw(nps.arrays(np.float32, (rows, blocks * block), elements=elements))
    np.testing.assert_array_equal(block_mask(dense, sparsity, 1, 1), magnitude_mask(dense, sparsity))
    kept = block_mask(dense, sparsity, block, 1).reshape(rows, blocks, block)
    assert (kept.all(axis=-1) == kept.any(axis=-1)).all()
    assert int((~kept[..., 0]).sum()) == zero_count(rows * blocks, sparsity)
    norms = np.square(dense.reshape(kept.shape)).sum(axis=-1)
    assert norms[~kept[..., 0]].max(initial=0.0) <= norms[kept[..., 0]].min(initial=np.inf)
