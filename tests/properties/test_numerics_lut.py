"""The law of lookup tables: each element of the result, taken from its own table."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.numerics.lut import lut_shape, lut_to_dense

Array = np.ndarray[Any, np.dtype[Any]]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Array, Array, int]:
    groups = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    shape = tuple(count * draw(st.integers(1, 3)) for count in groups)
    entries, vector = 2 ** draw(st.integers(1, 3)), draw(st.integers(1, 3))
    indices = draw(nps.arrays(np.uint8, shape, elements=st.integers(0, entries - 1)))
    lut = np.arange(np.prod(groups) * entries * vector, dtype=np.float32).reshape(*groups, entries, vector)
    return indices, lut, draw(st.integers(-len(groups), len(groups) - 1))


@given(cases(), st.sampled_from([1, 5, 1 << 20]))
def test_each_element_comes_from_its_own_table(case: tuple[Array, Array, int], slice_size: int) -> None:
    indices, lut, axis = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optc.numerics.lut.SLICE", slice_size)
        dense = lut_to_dense(indices, lut, axis)
    vector = lut.shape[-1]
    assert dense.shape == lut_shape(indices.shape, lut.shape, axis)
    for place in np.ndindex(*dense.shape):
        source = list(place)
        source[axis], part = divmod(place[axis], vector)
        group = tuple(i * g // dim for i, g, dim in zip(source, lut.shape, indices.shape, strict=False))
        assert dense[place] == lut[(*group, indices[tuple(source)], part)]
