"""Laws of affine quantization, for every type, granularity and mode."""

from contextlib import nullcontext
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.numerics import block_codes, native
from optc.numerics.affine import CODE_RANGES, FLOAT8S, Quantized, code_range, dequantize, quantize, quantize_float8

Array = np.ndarray[Any, np.dtype[Any]]


class Case(NamedTuple):
    weights: Array
    dtype: str
    blocks: tuple[int, ...]
    symmetric: bool

    def quantized(self) -> Quantized:
        return quantize(self.weights, self.dtype, self.blocks, self.symmetric)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    counts = draw(st.lists(st.integers(1, 3), min_size=0, max_size=3))
    blocks = tuple(draw(st.integers(1, 4)) for _ in counts)
    shape = tuple(count * block for count, block in zip(counts, blocks, strict=True))
    elements = draw(
        st.sampled_from(
            [
                st.floats(-8, 8, width=16),
                st.floats(-(2.0**15), 2.0**15, width=16),
                st.floats(-(2.0**-14), 2.0**-14, width=16),
            ]
        )
    )
    weights = draw(nps.arrays(np.float32, shape, elements=elements))
    kind = draw(st.sampled_from([np.float16, ml_dtypes.bfloat16, np.float32, np.float64]))
    dtype = draw(st.sampled_from(sorted(CODE_RANGES)))
    return Case(weights.astype(kind), dtype, blocks, draw(st.booleans()))


def spread(scale: Array, blocks: tuple[int, ...]) -> Array:
    for axis, block in enumerate(blocks):
        scale = np.repeat(scale, block, axis)
    return scale.astype(np.float64)


@given(cases())
def test_error_is_at_most_half_a_step_and_the_rounding_of_the_type(case: Case) -> None:
    result = case.quantized()
    exact = dequantize(result.codes, result.scale.astype(np.float64), result.offset, np.float64)
    steps = spread(result.scale, case.blocks)
    # The scale and the quotient are each rounded once in the weights' dtype, and the quotient is at most 255. The
    # offset is rounded to a whole step, so an end of the range may be cut by another half.
    epsilon = float(ml_dtypes.finfo(case.weights.dtype).eps)
    allowed = (0.5 + 255 * epsilon) * steps + (0.0 if case.symmetric else 0.5) * steps
    assert (np.abs(exact - case.weights.astype(np.float64)) <= allowed).all()


@given(cases())
def test_codes_are_within_the_type_and_scales_positive(case: Case) -> None:
    result = case.quantized()
    low, high = code_range(case.dtype, case.symmetric)
    assert result.codes.shape == case.weights.shape
    assert result.scale.dtype == case.weights.dtype
    assert low <= int(result.codes.min()) <= int(result.codes.max()) <= high
    assert (result.scale.astype(np.float64) > 0).all()
    assert result.codes.dtype == (np.int8 if low < 0 else np.uint8)


@given(cases())
def test_zero_stays_zero(case: Case) -> None:
    dense = case.quantized().dense().astype(np.float64)
    assert (dense[case.weights.astype(np.float64) == 0] == 0).all()


@given(cases())
def test_each_block_is_quantized_as_if_alone(case: Case) -> None:
    result = case.quantized()
    for place in np.ndindex(*result.scale.shape):
        part = tuple(slice(i * b, (i + 1) * b) for i, b in zip(place, case.blocks, strict=True))
        alone = quantize(case.weights[part], case.dtype, case.blocks, case.symmetric)
        np.testing.assert_array_equal(result.codes[part], alone.codes)
        assert result.scale[place] == alone.scale.reshape(-1)[0]


@given(cases())
def test_symmetric_quantization_commutes_with_negation(case: Case) -> None:
    mirrored = quantize(-case.weights, case.dtype, case.blocks).dense()
    straight = quantize(case.weights, case.dtype, case.blocks).dense()
    np.testing.assert_array_equal(mirrored, -straight)


@pytest.mark.parametrize("compiled", [True, False])
@given(cases(), st.integers(1, 40))
def test_each_code_is_expanded_by_the_scale_and_the_offset_of_its_block_however_much_is_done_at_a_time(
    compiled: bool, case: Case, at_a_time: int
) -> None:
    result = case.quantized()
    shift = 0.0 if result.offset is None else spread(result.offset, case.blocks)
    expected = spread(result.scale, case.blocks) * (result.codes.astype(np.float64) - shift)
    with pytest.MonkeyPatch.context() as patched, nullcontext() if compiled else native.without():
        patched.setattr(block_codes, "SLICE", at_a_time)
        for codes in (result.codes, np.array(result.codes, order="F")):
            made = dequantize(codes, result.scale.astype(np.float64), result.offset, np.float64)
            np.testing.assert_array_equal(made, expected)


@pytest.mark.skipif(native.kernels is None, reason="the compiled kernels were not built")
@given(cases(), st.integers(-150, 100))
def test_compiled_kernels_give_the_same_bits(case: Case, power: int) -> None:
    wide = np.ldexp(case.weights.astype(np.float64), power)
    with np.errstate(over="ignore"):
        moved = wide.astype(case.weights.dtype)
    for weights in (case.weights, np.where(np.isfinite(moved.astype(np.float64)), moved, case.weights)):
        fast = quantize(weights, case.dtype, case.blocks, case.symmetric)
        dense = [fast.dense(kind).tobytes() for kind in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)]
        with native.without():
            slow = quantize(weights, case.dtype, case.blocks, case.symmetric)
            expanded = [fast.dense(kind).tobytes() for kind in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)]
        assert same(fast, slow)
        assert dense == expanded


def same(one: Quantized, other: Quantized) -> bool:
    if one.offset is None or other.offset is None:
        equal = one.offset is other.offset
    else:
        equal = one.offset.tobytes() == other.offset.tobytes()
    return equal and one.codes.tobytes() == other.codes.tobytes() and one.scale.tobytes() == other.scale.tobytes()


@given(cases(), st.sampled_from(sorted(FLOAT8S)))
def test_codes_of_8_bit_floats_are_the_nearest_and_reach_the_greatest(case: Case, dtype: str) -> None:
    made = quantize_float8(case.weights, dtype, case.blocks)
    scale = spread(made.scale, case.blocks)
    assert np.isfinite(made.codes.astype(np.float64)).all()
    every = np.arange(256, dtype=np.uint8).view(FLOAT8S[dtype]).astype(np.float64)
    finite = every[np.isfinite(every)]
    exact = case.weights.astype(np.float64)
    taken = np.abs(exact - scale * made.codes.astype(np.float64))
    nearest = np.abs(exact[..., None] - scale[..., None] * finite).min(axis=-1)
    # The quotient is rounded once before the code is chosen, to 24 bits at least.
    assert (taken <= nearest + 2.0**-23 * np.abs(exact)).all()
