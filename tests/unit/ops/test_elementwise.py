import math
from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import bitwise as b
from optc.ops import elementwise as e
from optc.ops import unary as u
from optc.ops.clip import Clip, DynamicClip

N, M = SymDim.named("n"), SymDim.named("m")


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def computed(op: type[e.Binary] | type[e.Pow], x: Any, y: Any) -> Any:
    x, y = np.array(x), np.array(y)
    made = op(Value(TensorType(DType(f"{x.dtype.kind}{x.dtype.itemsize * 8}"), x.shape)), tensor(*y.shape, dtype=of(y)))
    with np.errstate(all="ignore"):
        out: Any = made.evaluate(x, y).tolist()
    return out


def of(array: Any) -> DType:
    return DType(f"{array.dtype.kind}{array.dtype.itemsize * 8}")


@pytest.mark.parametrize(
    ("x", "y", "shape"),
    [
        ((N, 3), (3,), (N, 3)),
        ((N, 1), (M,), (N, M)),
        ((N,), (4,), (4,)),
        ((N,), (M,), (UNKNOWN,)),
        ((), (N,), (N,)),
    ],
)
def test_shapes_are_broadcast_with_symbolic_sizes(x: Any, y: Any, shape: Any) -> None:
    assert e.Add(tensor(*x), tensor(*y)).result.tensor.shape == shape
    assert e.Pow(tensor(*x), tensor(*y, dtype=DType.I32)).result.tensor == TensorType(DType.F32, shape)


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(OptcError, match=r"broadcastable \(got \[2,3\] and \[4\]\)") as caught:
        e.Mul(tensor(2, 3), tensor(4))
    assert caught.value.slug == "broadcast"


def test_operands_of_two_types_are_refused() -> None:
    with pytest.raises(OptcError) as caught:
        e.Add(tensor(2), tensor(2, dtype=DType.F16))
    assert caught.value.slug == "operand-same-dtype"


def test_remainders_and_quotients_follow_their_sign_rules() -> None:
    x, y = [7, -7, 7, -7], [3, 3, -3, -3]
    for convert in (np.int32, np.float32):
        assert computed(e.Mod, convert(x), convert(y)) == [1, 2, -2, -1]
        assert computed(e.Fmod, convert(x), convert(y)) == [1, -1, 1, -1]
        assert computed(e.FloorDiv, convert(x), convert(y)) == [2, -3, -3, 2]
    assert computed(e.Div, np.int32(x), np.int32(y)) == [2, -2, -2, 2]


@pytest.mark.parametrize("op", [e.Div, e.FloorDiv, e.Mod, e.Fmod])
def test_integers_by_zero_give_zero(op: type[e.Binary]) -> None:
    assert computed(op, np.int32([5, -5]), np.int32([0, 0])) == [0, 0]


def test_min_and_max_give_nan_where_either_is() -> None:
    for op in (e.Min, e.Max):
        assert np.isnan(computed(op, np.float32([np.nan, 1]), np.float32([1, np.nan]))).all()


def test_integer_powers_wrap_and_negative_ones_round_towards_zero() -> None:
    assert computed(e.Pow, np.int8([3, -2, 2]), np.int8([5, 3, 7])) == [3**5 - 256, -8, -128]
    assert computed(e.Pow, np.int8([1, -1, -1, 2, 0, -128, 127]), np.int8([-3, -3, -2, -1, -1, -2, -2])) == [
        1, -1, 1, 0, 0, 0, 0,
    ]  # fmt: skip
    assert computed(e.Pow, np.uint8([255, 2]), np.int64([2, 0])) == [1, 1]
    assert computed(e.Pow, np.int8(3), np.uint64(3)) == 27
    assert computed(e.Pow, np.int8([3]), np.uint64([4])) == [81]
    assert computed(e.Pow, np.int32([2, 9]), np.float32([0.5, 0.5])) == [1, 3]


def test_narrow_floats_are_rounded_once() -> None:
    x = np.float16([3.001])
    once = (1 / np.sqrt(x.astype(np.float32))).astype(np.float16)
    np.testing.assert_array_equal(u.Rsqrt(tensor(1, dtype=DType.F16)).evaluate(x), once)


def test_round_takes_the_even_neighbour() -> None:
    assert u.Round(tensor(5)).evaluate(np.float32([-1.5, -0.5, 0.5, 1.5, 2.5])).tolist() == [-2, 0, 0, 2, 2]


def test_the_least_integer_has_no_opposite() -> None:
    least = np.int8([-128])
    assert u.Neg(tensor(1, dtype=DType.I8)).evaluate(least).tolist() == [-128]
    assert u.Abs(tensor(1, dtype=DType.I8)).evaluate(least).tolist() == [-128]


def test_is_inf_detects_the_signs_that_are_asked_for() -> None:
    x = np.float32([-np.inf, np.inf, np.nan, 0])
    assert u.IsInf(tensor(4)).evaluate(x).tolist() == [True, True, False, False]
    assert u.IsInf(tensor(4), detect_negative=False).evaluate(x).tolist() == [False, True, False, False]
    assert u.IsInf(tensor(4), detect_positive=False).evaluate(x).tolist() == [True, False, False, False]
    assert u.IsNan(tensor(4)).evaluate(x).tolist() == [False, False, True, False]


def test_shifts_by_the_whole_width_give_zero() -> None:
    x, y = np.uint8([255, 255, 255]), np.uint8([1, 8, 255])
    operands = (tensor(3, dtype=DType.U8), tensor(3, dtype=DType.U8))
    assert b.BitShift(*operands, direction="left").evaluate(x, y).tolist() == [254, 0, 0]
    assert b.BitShift(*operands, direction="right").evaluate(x, y).tolist() == [127, 0, 0]


def test_an_operation_counts_its_steps_for_each_element() -> None:
    assert u.Rsqrt(tensor(N, 3)).operations() == N * 6
    assert u.Abs(tensor(N, 3)).operations() == N * 3


def test_clip_applies_the_upper_bound_last() -> None:
    assert Clip(tensor(3), 2.0, 1.0).evaluate(np.float32([0, 1.5, 3])).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("dtype", "bounds"),
    [
        (DType.F32, (math.nan, 1.0)),
        (DType.I32, (0.5, 1.0)),
        (DType.U8, (-1.0, 1.0)),
        (DType.U8, (0.0, 256.0)),
        (DType.I32, (math.inf, math.inf)),
    ],
)
def test_clip_refuses_bounds_that_the_type_lacks(dtype: DType, bounds: tuple[float, float]) -> None:
    with pytest.raises(OptcError) as caught:
        Clip(tensor(2, dtype=dtype), *bounds)
    assert caught.value.slug == "clip-bound"


def test_dynamic_clip_settles_into_clip_unless_a_bound_is_no_float64() -> None:
    wide = tensor(2, dtype=DType.I64)
    bound = tensor(dtype=DType.I64)
    dynamic = DynamicClip(wide, bound)
    assert dynamic.settled({"min": np.int64(3)}) == Clip(wide, 3.0)
    assert dynamic.settled({"min": np.int64(2**62 + 1)}) is None
    x = np.int64([2**62, 2**62 + 2])
    assert dynamic.evaluate(x, np.array(2**62 + 1), None).tolist() == [2**62 + 1, 2**62 + 2]


def test_dynamic_clip_refuses_a_bound_of_several_elements() -> None:
    with pytest.raises(OptcError) as caught:
        DynamicClip(tensor(2), None, tensor(2))
    assert caught.value.slug == "operand-shape"
