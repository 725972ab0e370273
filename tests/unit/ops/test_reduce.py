from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import dynamic_reduce as d
from optc.ops import reduce as r

N, M = SymDim.named("n"), SymDim.named("m")


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def test_reduced_axes_become_1_or_go() -> None:
    x = tensor(N, 3, M)
    assert r.ReduceSum(x, (0, 2)).result.tensor.shape == (1, 3, 1)
    assert r.ReduceSum(x, (1,), keepdims=False).result.tensor.shape == (N, M)


@pytest.mark.parametrize(
    ("axes", "slug"), [((), "no-axes"), ((2,), "axis"), ((-1,), "axis"), ((1, 0), "axes-order"), ((0, 0), "axes-order")]
)
def test_axes_that_x_lacks_or_out_of_order_are_refused(axes: tuple[int, ...], slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        r.ReduceMax(tensor(2, 3), axes)
    assert caught.value.slug == slug


def test_a_scalar_is_reduced_over_no_axes() -> None:
    assert r.ReduceL1(tensor(), ()).evaluate(np.array(-2, np.float32)) == 2


@pytest.mark.parametrize(
    ("op", "value"),
    [
        (r.ReduceSum, 0), (r.ReduceProd, 1), (r.ReduceMax, -np.inf), (r.ReduceMin, np.inf), (r.ReduceMean, np.nan),
        (r.ReduceL1, 0), (r.ReduceL2, 0), (r.ReduceSumSquare, 0), (r.ReduceLogSumExp, -np.inf),
    ],
)  # fmt: skip
def test_a_reduction_of_nothing_has_a_value(op: type[r.Reduce], value: float) -> None:
    with np.errstate(all="ignore"):
        found = op(tensor(2, 0), (1,), keepdims=False).evaluate(np.zeros((2, 0), np.float32))
    np.testing.assert_array_equal(found, np.float32([value, value]))


def test_extremes_of_no_integers_are_the_ends_of_the_type() -> None:
    x, nothing = tensor(0, dtype=DType.I8), np.zeros(0, np.int8)
    assert r.ReduceMax(x, (0,), keepdims=False).evaluate(nothing) == -128
    assert r.ReduceMin(x, (0,), keepdims=False).evaluate(nothing) == 127


def test_sums_of_floats_do_not_lose_small_terms() -> None:
    x = np.full(100_001, 1e-4, np.float32)
    x[0] = 1e4
    expected = np.float32(x.astype(np.float64).sum())
    assert r.ReduceSum(tensor(100_001), (0,), keepdims=False).evaluate(x) == expected


def test_integers_wrap_and_their_mean_rounds_towards_zero() -> None:
    x = tensor(2, dtype=DType.I8)
    assert r.ReduceSum(x, (0,)).evaluate(np.int8([100, 100])).tolist() == [-56]
    assert r.ReduceMean(x, (0,)).evaluate(np.int8([-4, 1])).tolist() == [-1]


def test_log_sum_exp_does_not_overflow() -> None:
    x = np.float32([[1000, 1000], [-np.inf, -np.inf], [np.inf, 0]])
    with np.errstate(all="ignore"):
        found = r.ReduceLogSumExp(tensor(3, 2), (1,), keepdims=False).evaluate(x)
    np.testing.assert_allclose(found, [1000 + np.log(2), -np.inf, np.inf], rtol=1e-6)


@pytest.mark.parametrize("op", [r.ReduceL2, r.ReduceLogSumExp])
def test_roots_and_logarithms_are_of_floats(op: type[r.Reduce]) -> None:
    with pytest.raises(OptcError) as caught:
        op(tensor(2, dtype=DType.I32), (0,))
    assert caught.value.slug == "operand-dtype"


@pytest.mark.parametrize(
    ("count", "keepdims", "shape"),
    [
        (1, True, (UNKNOWN, UNKNOWN, UNKNOWN)),
        (3, True, (1, 1, 1)),
        (0, True, (1, 1, 1)),
        (N, True, (UNKNOWN, UNKNOWN, UNKNOWN)),
        (1, False, (UNKNOWN, UNKNOWN)),
        (3, False, ()),
        (0, False, ()),
    ],
)
def test_a_dynamic_reduction_knows_the_rank_of_its_result(count: Any, keepdims: bool, shape: Any) -> None:
    made = d.DynamicReduceSum(tensor(2, N, 4), tensor(count, dtype=DType.I64), keepdims)
    assert made.result.tensor.shape == shape


@pytest.mark.parametrize(
    ("axes", "keepdims", "slug"),
    [((), True, "operand-rank"), ((4,), True, "axes-count"), ((N,), False, "unknown-rank")],
)
def test_a_dynamic_reduction_refuses_axes_that_decide_nothing(axes: Any, keepdims: bool, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        d.DynamicReduceMean(tensor(2, N, 4), tensor(*axes, dtype=DType.I64), keepdims)
    assert caught.value.slug == slug


def test_dynamic_axes_may_count_from_the_back_and_none_means_all() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    made = d.DynamicReduceSum(tensor(2, 3), tensor(N, dtype=DType.I64))
    assert made.evaluate(x, np.array([-1, 0])).tolist() == [[15]]
    assert made.evaluate(x, np.array([-2])).tolist() == [[3, 5, 7]]
    assert made.evaluate(x, np.zeros(0, np.int64)).tolist() == [[15]]
    settled = made.settled({"axes": np.array([-1])})
    assert settled == r.ReduceSum(made.x, (1,))


@pytest.mark.parametrize(("axes", "slug"), [([2], "axis"), ([0, -2], "axes-order")])
def test_dynamic_axes_are_checked_when_they_are_known(axes: list[int], slug: str) -> None:
    made = d.DynamicReduceSum(tensor(2, 3), tensor(N, dtype=DType.I64))
    with pytest.raises(OptcError) as caught:
        made.evaluate(np.zeros((2, 3), np.float32), np.array(axes))
    assert caught.value.slug == slug
