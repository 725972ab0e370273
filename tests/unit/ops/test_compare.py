import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import compare as c

N = SymDim.named("n")


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def test_a_comparison_gives_bool_of_the_broadcast_shape() -> None:
    assert c.Less(tensor(N, 1), tensor(3)).result.tensor == TensorType(DType.BOOL, (N, 3))


def test_only_not_equal_holds_for_nan() -> None:
    x = np.float32([np.nan])
    for op in (c.Equal, c.Less, c.LessEqual, c.Greater, c.GreaterEqual):
        assert op(tensor(1), tensor(1)).evaluate(x, x).tolist() == [False]
    assert c.NotEqual(tensor(1), tensor(1)).evaluate(x, x).tolist() == [True]


def test_strings_are_equal_by_content() -> None:
    x, y = np.array(["a", "b"], np.object_), np.array(["a", "c"], np.object_)
    value = tensor(2, dtype=DType.STR)
    assert c.Equal(value, value).evaluate(x, y).tolist() == [True, False]


def test_logic_is_for_bool_only() -> None:
    with pytest.raises(OptcError) as caught:
        c.LogicalAnd(tensor(2), tensor(2))
    assert caught.value.slug == "operand-dtype"


def test_select_broadcasts_all_three_and_keeps_the_type_of_the_choices() -> None:
    made = c.Select(tensor(N, 1, dtype=DType.BOOL), tensor(3, dtype=DType.I8), tensor(dtype=DType.I8))
    assert made.result.tensor == TensorType(DType.I8, (N, 3))
    out = made.evaluate(np.array([[True], [False]]), np.int8([1, 2, 3]), np.array(9, np.int8))
    assert out.tolist() == [[1, 2, 3], [9, 9, 9]]
    assert out.dtype == np.int8


def test_select_refuses_a_condition_that_does_not_broadcast() -> None:
    with pytest.raises(OptcError) as caught:
        c.Select(tensor(2, dtype=DType.BOOL), tensor(3), tensor(3))
    assert caught.value.slug == "broadcast"
