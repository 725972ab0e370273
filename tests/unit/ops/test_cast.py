from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType, dtype_of_numpy
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.cast import Cast


def cast(array: Any, to: DType, saturate: bool = True) -> Any:
    with np.errstate(all="raise"):
        return Cast(Value(TensorType(dtype_of_numpy(array.dtype), array.shape)), to, saturate).evaluate(array)


def test_the_shape_stays() -> None:
    n = SymDim.named("n")
    made = Cast(Value(TensorType(DType.F32, (n, 2))), DType.I4)
    assert made.result.tensor == TensorType(DType.I4, (n, 2))


def test_there_is_no_cast_to_strings() -> None:
    with pytest.raises(OptcError) as caught:
        Cast(Value(TensorType(DType.F32, ())), DType.STR)
    assert caught.value.slug == "cast-to-str"


@pytest.mark.parametrize("source", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("to", [d for d in DType if d.is_integer])
def test_floats_become_the_nearest_integer_in_range_towards_zero(source: Any, to: DType) -> None:
    least, most = to.integer_range
    found = cast(np.array([np.nan, np.inf, -np.inf, 1.75, -0.75, 0.99], source), to)
    assert found.dtype == to.numpy
    assert found.tolist() == [0, most, least, 1, 0, 0]


def test_floats_at_the_edges_of_64_bits_stay_in_range() -> None:
    edges = np.array([2.0**63, 2.0**63 - 1024, -(2.0**63), -(2.0**64)])
    assert cast(edges, DType.I64).tolist() == [2**63 - 1, 2**63 - 1024, -(2**63), -(2**63)]
    assert cast(np.array([2.0**64, -1]), DType.U64).tolist() == [2**64 - 1, 0]


def test_integers_become_integers_by_their_low_bits() -> None:
    x = np.array([0x1FF, -1, 8, 0x77])
    assert cast(x, DType.U8).tolist() == [255, 255, 8, 0x77]
    assert cast(x, DType.I8).tolist() == [-1, -1, 8, 0x77]
    assert cast(x, DType.I4).tolist() == [-1, -1, -8, 7]
    assert cast(x, DType.U3).tolist() == [7, 7, 0, 7]


def test_what_is_not_zero_is_true() -> None:
    assert cast(np.float32([0, -0.0, 0.25, np.nan]), DType.BOOL).tolist() == [False, False, True, True]


def test_8_bit_floats_saturate_if_asked_to() -> None:
    x = np.float32([1e9, -1e9, 1.0])
    assert cast(x, DType.F8E4M3).astype(np.float32).tolist() == [448, -448, 1]
    assert cast(x, DType.F8E5M2).astype(np.float32).tolist() == [57344, -57344, 1]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(cast(x, DType.F8E4M3, False).astype(np.float32), [np.nan, np.nan, 1])
        np.testing.assert_array_equal(cast(x, DType.F8E5M2, False).astype(np.float32), [np.inf, -np.inf, 1])
