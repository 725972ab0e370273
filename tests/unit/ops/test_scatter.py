import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.scatter import ScatterElements, ScatterND

N = SymDim.named("n")


def tensor(*shape: Dim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def index(*shape: Dim) -> Value:
    return tensor(*shape, dtype=DType.I64)


@pytest.mark.parametrize(("reduction", "expected"), [("none", 3), ("add", 15), ("mul", 60), ("max", 10), ("min", 2)])
def test_updates_of_one_place_are_combined(reduction: str, expected: float) -> None:
    op = ScatterElements(tensor(1), index(2), tensor(2), reduction)
    assert op.evaluate(np.float32([10]), np.array([0, -1]), np.float32([2, 3])).tolist() == [expected]


def test_sums_of_narrow_floats_are_rounded_once() -> None:
    op = ScatterElements(tensor(1, dtype=DType.F16), index(3), tensor(3, dtype=DType.F16), "add")
    found = op.evaluate(np.float16([2048]), np.array([0, 0, 0]), np.float16([1, 1, 1]))
    assert found.dtype == np.float16
    assert found.tolist() == [2052]


def test_the_operand_stays_as_it_was() -> None:
    x = np.float32([1, 2])
    x.flags.writeable = False
    found = ScatterND(tensor(2), index(1, 1), tensor(1)).evaluate(x, np.array([[1]]), np.float32([9]))
    assert found.tolist() == [1, 9]
    assert x.tolist() == [1, 2]


def test_updates_have_the_shape_of_what_indices_point_to() -> None:
    assert ScatterND(tensor(4, N), index(3, 1), tensor(3, N)).result.tensor.shape == (4, N)
    with pytest.raises(OptcError) as caught:
        ScatterND(tensor(4, 5), index(3, 1), tensor(3, 4))
    assert caught.value.slug == "updates-shape"
    with pytest.raises(OptcError) as caught:
        ScatterElements(tensor(4, 5), index(3, 1), tensor(3, 2))
    assert caught.value.slug == "updates-shape"


def test_bools_have_no_arithmetic() -> None:
    with pytest.raises(OptcError) as caught:
        ScatterElements(tensor(1, dtype=DType.BOOL), index(1), tensor(1, dtype=DType.BOOL), "add")
    assert caught.value.slug == "operand-dtype"


def test_an_index_outside_is_refused() -> None:
    with pytest.raises(OptcError) as caught:
        ScatterND(tensor(2, 3), index(1, 2), tensor(1)).evaluate(
            np.zeros((2, 3), np.float32), np.array([[1, 3]]), np.float32([1])
        )
    assert caught.value.slug == "index-range"


def test_a_reduction_is_one_operation_per_update() -> None:
    assert ScatterElements(tensor(9), index(N), tensor(N), "add").operations() == N
    assert ScatterElements(tensor(9), index(N), tensor(N)).operations() == 0
