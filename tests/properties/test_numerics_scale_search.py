"""Laws of the search for the scale of least squared error."""

from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from optc.numerics import native
from optc.numerics.affine import Quantized, code_range, quantize

Array = np.ndarray[Any, np.dtype[Any]]
FLOATS = (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)


class Case(NamedTuple):
    weights: Array
    importance: Array | None
    dtype: str
    symmetric: bool

    def quantized(self, search: bool = True) -> Quantized:
        return quantize(self.weights, self.dtype, self.weights.shape, self.symmetric, search, self.importance)

    @property
    def loads(self) -> Array:
        return np.ones(self.weights.size) if self.importance is None else self.importance


@st.composite
def cases(draw: st.DrawFn, kinds: tuple[Any, ...] = FLOATS, bits: tuple[int, ...] = tuple(range(2, 9))) -> Case:
    size = draw(st.integers(1, 9))
    elements = draw(
        st.sampled_from(
            [st.floats(-8, 8, width=16), st.integers(-30, 30).map(float), st.floats(-(2**-7), 2**-7, width=16)]
        )
    )
    weights = draw(nps.arrays(np.float32, size, elements=elements)).astype(draw(st.sampled_from(kinds)))
    importance = draw(st.none() | nps.arrays(np.float64, size, elements=st.floats(0, 4, width=16)))
    dtype = draw(st.sampled_from(("int", "uint"))) + str(draw(st.sampled_from(bits)))
    return Case(weights, importance, dtype, draw(st.booleans()))


def error(case: Case, dense: Array) -> float:
    return float((case.loads * np.square(case.weights.astype(np.float64) - dense.astype(np.float64))).sum())


def errors(case: Case, scales: Array, offset: int) -> Array:
    """The squared error of each scale with the nearest codes, products not rounded."""
    low, high = code_range(case.dtype, case.symmetric)
    x, s = case.weights.astype(np.float64)[None], scales[:, None]
    codes = np.clip(np.rint(x / s), low - offset, high - offset)
    return np.asarray((case.loads * np.square(x - s * codes)).sum(axis=1))


def offsets(case: Case) -> range:
    low, high = code_range(case.dtype, case.symmetric)
    return range((low + high) // 2, (low + high) // 2 + 1) if case.symmetric else range(low, high + 1)


def no_more(found: float, best: float, case: Case) -> bool:
    """Whether an error is the least, but for the rounding of products and of the sums."""
    signal = float((case.loads * np.square(case.weights.astype(np.float64))).sum())
    epsilon = float(ml_dtypes.finfo(case.weights.dtype).eps)
    return found <= (best**0.5 + epsilon * signal**0.5) ** 2 + 1e-13 * signal


@given(cases())
def test_the_error_is_never_above_that_of_the_extremes(case: Case) -> None:
    assert error(case, case.quantized().dense()) <= error(case, case.quantized(search=False).dense())


@given(cases((np.float16, ml_dtypes.bfloat16), (2, 3, 4)))
def test_no_scale_of_a_16_bit_type_has_less_error(case: Case) -> None:
    largest = float(np.abs(case.weights.astype(np.float64)).max())
    infinite = int(np.array(np.inf, case.weights.dtype).view(np.uint16))
    every = np.arange(1, infinite, dtype=np.uint16).view(case.weights.dtype).astype(np.float64)
    scales = every[(every <= 2 * largest) & (every > largest / 100)]
    if scales.size:
        best = min(float(errors(case, scales, offset).min()) for offset in offsets(case))
        assert no_more(error(case, case.quantized().dense()), best, case)


@given(cases((np.float32, np.float64), (2, 3, 4)))
def test_no_scale_between_any_two_changes_of_codes_has_less_error(case: Case) -> None:
    low, high = code_range(case.dtype, case.symmetric)
    x = case.weights.astype(np.float64)
    changes = np.unique(np.abs(x)[:, None] / (np.arange(high - low + 1) + 0.5))
    changes = changes[changes > 0]
    if not changes.size:
        return
    inside = np.concatenate([changes[:1] / 2, (changes[1:] + changes[:-1]) / 2])
    best = np.inf
    for offset in offsets(case):
        codes = np.clip(np.rint(x / inside[:, None]), low - offset, high - offset)
        products, squares = (case.loads * codes * x).sum(axis=1), (case.loads * codes * codes).sum(axis=1)
        scales = (products / np.where(squares > 0, squares, 1))[squares > 0]
        scales = scales[scales > 0]
        best = min(best, float(errors(case, scales, offset).min(initial=np.inf)))
    assert no_more(error(case, case.quantized().dense()), best, case)


@given(cases((np.float16, np.float32), (5, 6, 8)))
def test_no_other_offset_has_less_error_with_the_scale_that_is_found(case: Case) -> None:
    made = case.quantized()
    scale = made.scale.astype(np.float64)
    best = min(float(errors(case, scale, offset)[0]) for offset in offsets(case))
    kept = error(case, made.dense()) >= error(case, case.quantized(search=False).dense())
    assert kept or no_more(error(case, made.dense()), best, case)


@given(st.lists(st.integers(-7, 7), min_size=1, max_size=40), st.sampled_from(FLOATS))
def test_multiples_of_one_number_are_exact(codes: list[int], kind: Any) -> None:
    weights = (np.array(codes) * 0.375).astype(kind)
    np.testing.assert_array_equal(quantize(weights, "int4", weights.shape, search=True).dense(), weights)


@pytest.mark.skipif(native.kernels is None, reason="the compiled kernels were not built")
@given(cases())
def test_compiled_kernels_find_the_same_to_the_bit(case: Case) -> None:
    fast = case.quantized()
    with native.without():
        slow = case.quantized()
    assert fast.codes.tobytes() == slow.codes.tobytes()
    assert fast.scale.tobytes() == slow.scale.tobytes()
    assert (fast.offset is None and slow.offset is None) or np.array_equal(fast.offset or 0, slow.offset or 0)


@pytest.mark.skipif(native.kernels is None, reason="the compiled kernels were not built")
@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("symmetric", [True, False])
def test_compiled_kernels_find_the_same_for_long_rows(kind: Any, symmetric: bool) -> None:
    weights = np.random.default_rng(0).standard_t(4, (2, 300)).astype(kind)
    fast = quantize(weights, "int8", (1, 300), symmetric, search=True)
    with native.without():
        slow = quantize(weights, "int8", (1, 300), symmetric, search=True)
    assert fast.codes.tobytes() == slow.codes.tobytes()
    assert fast.scale.tobytes() == slow.scale.tobytes()
