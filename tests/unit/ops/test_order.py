import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import order as o

N = SymDim.named("n")
TIES = np.float32([1, 3, 2, 3, 1])


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def test_of_several_extremes_the_first_or_the_last_is_chosen() -> None:
    x = tensor(5)
    assert o.ArgMax(x, 0).evaluate(TIES).tolist() == [1]
    assert o.ArgMax(x, 0, select_last_index=True).evaluate(TIES).tolist() == [3]
    assert o.ArgMin(x, 0).evaluate(TIES).tolist() == [0]
    assert o.ArgMin(x, 0, select_last_index=True).evaluate(TIES).tolist() == [4]


def test_arg_reductions_give_i64_along_one_axis() -> None:
    assert o.ArgMax(tensor(N, 3), 1, keepdims=False).result.tensor == TensorType(DType.I64, (N,))
    assert o.ArgMin(tensor(N, 3), 0).result.tensor == TensorType(DType.I64, (1, 3))


def test_an_empty_axis_has_no_extreme() -> None:
    with pytest.raises(OptcError) as caught:
        o.ArgMax(tensor(2, 0), 1)
    assert caught.value.slug == "empty-axis"
    with pytest.raises(OptcError) as caught:
        o.ArgMax(tensor(2, N), 1).evaluate(np.zeros((2, 0), np.float32))
    assert caught.value.slug == "empty-axis"


def test_top_k_gives_the_lower_index_first_of_equals() -> None:
    for largest, indices in ((True, [1, 3, 2]), (False, [0, 4, 2])):
        values, where = o.TopK(tensor(5), 3, 0, largest).evaluate(TIES)
        assert where.tolist() == indices
        assert values.tolist() == TIES[indices].tolist()


def test_top_k_orders_the_ends_of_integer_types() -> None:
    x = np.array([-128, 127, 0], np.int8)
    assert o.TopK(tensor(3, dtype=DType.I8), 3, 0).evaluate(x)[0].tolist() == [127, 0, -128]


def test_top_k_gives_two_results_of_size_k() -> None:
    values, indices = o.TopK(tensor(N, 5), 2, 1).results
    assert (values.tensor.shape, indices.tensor) == ((N, 2), TensorType(DType.I64, (N, 2)))
    unknown = o.DynamicTopK(tensor(N, 5), tensor(1, dtype=DType.I64), 1).results[0]
    assert unknown.tensor.shape == (N, UNKNOWN)


def test_top_k_refuses_more_than_there_are() -> None:
    with pytest.raises(OptcError) as caught:
        o.TopK(tensor(2, 3), 4, 1)
    assert caught.value.slug == "top-k-size"
    with pytest.raises(OptcError) as caught:
        o.TopK(tensor(N), 4, 0).evaluate(TIES[:3])
    assert caught.value.slug == "top-k-size"
    with pytest.raises(OptcError) as caught:
        o.DynamicTopK(tensor(3), tensor(dtype=DType.I64), 0).evaluate(TIES[:3], np.array(-1))
    assert caught.value.slug == "attribute-minimum"


def test_cumsum_runs_both_ways_with_and_without_the_element() -> None:
    x, array = tensor(3), np.float32([1, 2, 4])
    assert o.Cumsum(x, 0).evaluate(array).tolist() == [1, 3, 7]
    assert o.Cumsum(x, 0, exclusive=True).evaluate(array).tolist() == [0, 1, 3]
    assert o.Cumsum(x, 0, reverse=True).evaluate(array).tolist() == [7, 6, 4]
    assert o.Cumsum(x, 0, exclusive=True, reverse=True).evaluate(array).tolist() == [6, 4, 0]


def test_cumsum_takes_an_empty_axis() -> None:
    made = o.Cumsum(tensor(2, 0), 1, exclusive=True)
    assert made.evaluate(np.zeros((2, 0), np.float32)).shape == (2, 0)


def test_dynamic_cumsum_checks_its_axis() -> None:
    made = o.DynamicCumsum(tensor(2, 3), tensor(dtype=DType.I32))
    assert made.settled({"axis": np.int32(-1)}) == o.Cumsum(made.x, 1)
    with pytest.raises(OptcError) as caught:
        made.evaluate(np.zeros((2, 3), np.float32), np.int32(2))
    assert caught.value.slug == "axis"
    with pytest.raises(OptcError) as caught:
        o.DynamicCumsum(tensor(2, 3), tensor(2, dtype=DType.I32))
    assert caught.value.slug == "operand-shape"
