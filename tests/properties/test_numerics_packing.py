"""Laws of sub-byte packing."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.numerics.packing import pack, packed_size, unpack

Array = np.ndarray[Any, np.dtype[Any]]


@st.composite
def packable(draw: st.DrawFn) -> tuple[Array, int]:
    bits = draw(st.integers(1, 8))
    signed = draw(st.booleans())
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    shape = draw(nps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9))
    dtype = np.int8 if signed else np.uint8
    return draw(nps.arrays(dtype, shape, elements=st.integers(low, high))), bits


@given(packable())
def test_unpack_undoes_pack(case: tuple[Array, int]) -> None:
    values, bits = case
    packed = pack(values, bits)
    assert packed.size == packed_size(values.size, bits)
    restored = unpack(packed, bits, values.size, values.dtype == np.int8)
    assert restored.dtype == values.dtype
    np.testing.assert_array_equal(restored, values.reshape(-1))


@given(packable())
def test_stream_is_the_sum_of_shifted_values(case: tuple[Array, int]) -> None:
    values, bits = case
    number = sum((int(v) % 2**bits) << (bits * i) for i, v in enumerate(values.reshape(-1)))
    assert pack(values, bits).tobytes() == number.to_bytes(packed_size(values.size, bits), "little")
