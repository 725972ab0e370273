import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import create as c

N = SymDim.named("n")


def tensor(*shape: Dim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def range_of(*bounds: float, dtype: DType = DType.I64) -> c.DynamicRange:
    return c.DynamicRange(*(tensor(dtype=dtype) for _ in bounds))


def arrays(*bounds: float, dtype: DType = DType.I64) -> list[np.ndarray]:
    return [np.array(v, dtype.numpy) for v in bounds]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [((0, 5, 2), [0, 2, 4]), ((5, 0, -2), [5, 3, 1]), ((5, 0, 1), []), ((2**62, 2**62 + 2, 1), [2**62, 2**62 + 1])],
)
def test_a_range_stops_before_its_limit(bounds: tuple[int, ...], expected: list[int]) -> None:
    assert range_of(*bounds).evaluate(*arrays(*bounds)).tolist() == expected


def test_a_range_of_fractions_has_no_twin_and_is_computed_all_the_same() -> None:
    given = arrays(0, 1, 0.25, dtype=DType.F32)
    op = range_of(0, 1, 0.25, dtype=DType.F32)
    assert op.settled(dict(zip(op.parameters, given, strict=True))) is None
    assert op.evaluate(*given).tolist() == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("bounds", "dtype", "slug"),
    [
        ((0, 1, 0), DType.I64, "range-step"),
        ((0, float("inf"), 1), DType.F32, "range-step"),
        ((0, float("nan"), 1), DType.F32, "range-step"),
        ((0, 2**62, 1), DType.I64, "result-size"),
        ((0, 1e30, 1e-3), DType.F32, "result-size"),
    ],
)
def test_a_range_without_an_end_is_refused(bounds: tuple[float, ...], dtype: DType, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        range_of(*bounds, dtype=dtype).evaluate(*arrays(*bounds, dtype=dtype))
    assert caught.value.slug == slug


def test_a_range_whose_values_do_not_fit_its_type_is_refused() -> None:
    assert c.Range(2, 126, 1, DType.I8).result.tensor == TensorType(DType.I8, (2,))
    with pytest.raises(OptcError) as caught:
        c.Range(3, 126, 1, DType.I8)
    assert caught.value.slug == "range-value"


def test_a_fill_repeats_its_value() -> None:
    value = Tensor.of(np.array([7]), DType.I16)
    assert c.Fill((2, 1), value).evaluate().tolist() == [[7], [7]]
    assert c.DynamicFill(tensor(2, dtype=DType.I64), value).result.tensor == TensorType(DType.I16, (UNKNOWN, UNKNOWN))
    with pytest.raises(OptcError) as caught:
        c.Fill((2,), Tensor.of(np.zeros(2)))
    assert caught.value.slug == "fill-value"


def test_a_fill_of_any_size_has_a_type_and_only_then_no_array() -> None:
    op = c.Fill((1 << 40,), Tensor.of(np.zeros(1)))
    with pytest.raises(OptcError) as caught:
        op.evaluate()
    assert caught.value.slug == "result-size"


def test_one_hot_vectors_lie_along_the_axis_and_are_off_outside() -> None:
    op = c.OneHot(tensor(N, dtype=DType.I64), tensor(2), 3, 0)
    assert op.result.tensor.shape == (3, N)
    found = op.evaluate(np.array([0, -1, 5]), np.float32([0, 1]))
    assert found.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_a_depth_below_one_is_refused() -> None:
    op = c.DynamicOneHot(tensor(N, dtype=DType.I64), tensor(dtype=DType.I64), tensor(2), 0)
    assert op.result.tensor.shape == (UNKNOWN, N)
    with pytest.raises(OptcError) as caught:
        op.evaluate(np.array([0]), np.array(0), np.float32([0, 1]))
    assert caught.value.slug == "one-hot-depth"


def test_one_hot_values_are_two() -> None:
    with pytest.raises(OptcError) as caught:
        c.OneHot(tensor(2, dtype=DType.I64), tensor(3), 3, 0)
    assert caught.value.slug == "operand-shape"


@pytest.mark.parametrize("k", [-(10**30), -1, 0, 1, 10**30])
def test_upper_and_lower_triangles_part_the_matrix(k: int) -> None:
    x = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    upper, lower = c.Trilu(tensor(3, 4), True, k + 1), c.Trilu(tensor(3, 4), False, k)
    np.testing.assert_array_equal(upper.evaluate(x) + lower.evaluate(x), x)


def test_an_eye_has_the_shape_of_its_operand() -> None:
    op = c.EyeLike(tensor(N, 3), 1, DType.I32)
    assert op.result.tensor == TensorType(DType.I32, (N, 3))
    assert op.evaluate(np.zeros((2, 3), np.float32)).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_positions_of_what_is_not_zero_are_of_unknown_number() -> None:
    op = c.NonZero(tensor(2, N))
    assert op.result.tensor == TensorType(DType.I64, (2, UNKNOWN))
    assert op.evaluate(np.float32([[0, 3], [4, 0]])).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(OptcError) as caught:
        c.NonZero(tensor())
    assert caught.value.slug == "operand-rank"


def test_only_the_first_elements_are_reversed() -> None:
    op = c.ReverseSequence(tensor(3, 2), tensor(2, dtype=DType.I64))
    found = op.evaluate(np.float32([[1, 2], [3, 4], [5, 6]]), np.array([2, 3]))
    assert found.tolist() == [[3, 6], [1, 4], [5, 2]]


@pytest.mark.parametrize(("axes", "lengths", "slug"), [((0, 0), 3, "axis"), ((1, 0), 3, "operand-shape")])
def test_sequences_without_their_lengths_are_refused(axes: tuple[int, int], lengths: int, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        c.ReverseSequence(tensor(3, 2), tensor(lengths, dtype=DType.I64), *axes)
    assert caught.value.slug == slug


def test_a_length_beyond_the_sequence_is_refused() -> None:
    with pytest.raises(OptcError) as caught:
        c.ReverseSequence(tensor(3, 1), tensor(1, dtype=DType.I64)).evaluate(
            np.zeros((3, 1), np.float32), np.array([4])
        )
    assert caught.value.slug == "lengths-range"
