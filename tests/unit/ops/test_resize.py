from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.resample import Axis, nearest
from optc.ops.resize import DynamicResize, Resize

N = SymDim.named("n")


def tensor(*shape: Dim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


@pytest.mark.parametrize(
    ("dim", "scale", "expected"), [(5, 1.5, 7), (N, 2.0, N * 2), (N, 0.5, N // 2), (N, 1.5, UNKNOWN)]
)
def test_a_scale_gives_the_size_where_it_is_certain(dim: Dim, scale: float, expected: Dim) -> None:
    assert Resize(tensor(1, dim), (1,), scales=(scale,)).result.tensor.shape == (1, expected)


@pytest.mark.parametrize(
    ("named", "slug"),
    [
        ({"sizes": (2,), "scales": (2.0,)}, "resize-form"),
        ({}, "resize-form"),
        ({"sizes": (2, 2)}, "resize-form"),
        ({"scales": (float("nan"),)}, "resize-scale"),
        ({"scales": (1e30,)}, "resize-scale"),
        ({"scales": (-1.0,)}, "resize-scale"),
        ({"sizes": (2,), "rounding": "up"}, "attribute-choice"),
    ],
)
def test_sizes_and_scales_of_no_sense_are_refused(named: dict[str, Any], slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        Resize(tensor(4), (0,), **named)
    assert caught.value.slug == slug


def test_integers_and_empty_axes_are_not_interpolated() -> None:
    with pytest.raises(OptcError) as caught:
        Resize(tensor(4, dtype=DType.I8), (0,), (8,), mode="linear")
    assert caught.value.slug == "operand-dtype"
    with pytest.raises(OptcError) as caught:
        Resize(tensor(0), (0,), (8,))
    assert caught.value.slug == "resize-empty"


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("round_prefer_floor", [0, 0, 1, 1]), ("round_prefer_ceil", [0, 1, 1, 1]), ("floor", [0, 0, 1, 1]),
        ("ceil", [0, 1, 1, 1]),
    ],
)  # fmt: skip
def test_rounding_decides_between_two_neighbours(rounding: str, expected: list[int]) -> None:
    assert nearest(Axis(2, 4, np.float32(2)), "asymmetric", rounding).tolist() == expected


def test_just_under_a_half_is_rounded_down() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert nearest(Axis(2, 2, np.float32(1) / below), "asymmetric", "round_prefer_ceil").tolist() == [0, 0]


def test_linear_keeps_a_ramp() -> None:
    op = Resize(tensor(3), (0,), (5,), mode="linear", coordinates="align_corners")
    assert op.evaluate(np.float32([0, 1, 2])).tolist() == [0, 0.5, 1, 1.5, 2]


@pytest.mark.parametrize("exclude_outside", [False, True])
def test_cubic_weights_sum_to_one(exclude_outside: bool) -> None:
    op = Resize(tensor(4), (0,), (9,), mode="cubic", exclude_outside=exclude_outside)
    np.testing.assert_allclose(op.evaluate(np.ones(4, np.float32)), np.ones(9), rtol=1e-6)


def test_interpolation_counts_a_multiply_add_per_neighbour_and_axis() -> None:
    assert Resize(tensor(2, 4), (0, 1), (4, 8), mode="linear").operations() == 32 * 2 * 2 * 2
    assert Resize(tensor(2, 4), (0, 1), (4, 8)).operations() == 0


def test_a_dynamic_resize_takes_sizes_or_scales_and_not_both() -> None:
    sizes, scales = tensor(1, dtype=DType.I64), tensor(1)
    assert DynamicResize(tensor(N, 4), (1,), sizes).result.tensor.shape == (N, UNKNOWN)
    for given in ((None, None), (sizes, scales)):
        with pytest.raises(OptcError) as caught:
            DynamicResize(tensor(N, 4), (1,), *given)
        assert caught.value.slug == "resize-form"


def test_axes_that_keep_their_size_are_left_out_of_the_twin() -> None:
    op = DynamicResize(tensor(N, 3, 4), (0, 1, 2), scales=tensor(3))
    twin = op.settled({"scales": np.float32([1, 1, 2])})
    assert twin == Resize(op.x, (2,), scales=(2.0,))
    assert twin.result.tensor.shape == (N, 3, 8)


def test_sizes_that_turn_out_wrong_are_refused() -> None:
    op = DynamicResize(tensor(4), (0,), tensor(1, dtype=DType.I64))
    for size, slug in ((-3, "attribute-minimum"), (1 << 50, "result-size")):
        with pytest.raises(OptcError) as caught:
            op.evaluate(np.zeros(4, np.float32), np.array([size]), None)
        assert caught.value.slug == slug
