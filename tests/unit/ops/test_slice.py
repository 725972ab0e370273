import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.slice import BEYOND, DynamicSlice, Slice, sliced_size

N = SymDim.named("n")


def tensor(*shape: Dim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


@pytest.mark.parametrize(
    ("dim", "start", "end", "step", "expected"),
    [
        (N, 0, BEYOND, 1, N),
        (N, 0, BEYOND, 2, (N + 1) // 2),
        (N, -1, -BEYOND - 1, -1, N),
        (N + 3, 2, BEYOND, 1, N + 1),
        (N + 3, 0, -1, 1, N + 2),
        (N + 3, -2, BEYOND, 1, 2),
        (N + 3, 1, 3, 1, 2),
        (N, 1, BEYOND, 1, UNKNOWN),
        (N, 0, 4, 1, UNKNOWN),
        (N + 3, 2, -2, 1, UNKNOWN),
        (UNKNOWN, 0, 4, 1, UNKNOWN),
    ],
)
def test_a_slice_of_a_symbolic_size_is_known_where_it_is_certain(
    dim: Dim, start: int, end: int, step: int, expected: Dim
) -> None:
    assert sliced_size(dim, start, end, step) == expected


def test_backwards_a_start_before_the_first_element_is_the_first_element() -> None:
    op = Slice(tensor(3), (-9,), (-9,), (0,), (-1,))
    assert op.result.tensor.shape == (1,)
    assert op.evaluate(np.float32([5, 6, 7])).tolist() == [5]


def test_an_empty_axis_has_only_empty_slices() -> None:
    op = Slice(tensor(0), (0,), (-9,), (0,), (-1,))
    assert op.result.tensor.shape == op.evaluate(np.zeros(0, np.float32)).shape == (0,)


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps", "slug"),
    [
        ((0,), (1, 2), (0,), (1,), "slice-form"),
        ((0,), (1,), (0,), (0,), "slice-step"),
        ((0,), (1,), (2,), (1,), "axis"),
        ((0, 0), (1, 1), (1, 0), (1, 1), "axes-order"),
    ],
)
def test_a_slice_of_no_axis_or_form_is_refused(
    starts: tuple[int, ...], ends: tuple[int, ...], axes: tuple[int, ...], steps: tuple[int, ...], slug: str
) -> None:
    with pytest.raises(OptcError) as caught:
        Slice(tensor(2, 3), starts, ends, axes, steps)
    assert caught.value.slug == slug


def test_a_dynamic_slice_leaves_other_axes_known_and_takes_axes_in_any_order() -> None:
    bounds = tensor(2, dtype=DType.I64)
    op = DynamicSlice(tensor(4, N, 5), bounds, bounds, (2, 0))
    assert op.result.tensor.shape == (UNKNOWN, N, UNKNOWN)
    twin = op.settled({"starts": np.array([1, 0]), "ends": np.array([3, 2])})
    assert twin == Slice(op.x, (0, 1), (2, 3), (0, 2), (1, 1))


def test_bounds_that_turn_out_too_few_are_refused() -> None:
    bounds = tensor(N, dtype=DType.I64)
    with pytest.raises(OptcError) as caught:
        DynamicSlice(tensor(4, 5), bounds, bounds, (0, 1)).evaluate(
            np.zeros((4, 5), np.float32), np.array([0]), np.array([1]), None
        )
    assert caught.value.slug == "slice-form"
