"""Types, their text, and when one says more than another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import StateType, TensorType, Type, UnknownType, parse_type, type_refines
from optc.testing.strategies import types

N = SymDim.named("n")


@given(types)
def test_a_type_is_read_back_as_it_was_written(kind: Type) -> None:
    assert parse_type(str(kind)) == kind


@given(types)
def test_a_type_refines_itself_and_the_unknown_type(kind: Type) -> None:
    assert type_refines(kind, kind)
    assert type_refines(kind, UnknownType())


@given(st.text(max_size=10) | st.text("f32[]n,state<>1", max_size=12))
def test_any_text_is_a_type_or_a_value_error(text: str) -> None:
    try:
        kind = parse_type(text)
    except ValueError:
        return
    assert parse_type(str(kind)) == kind


@pytest.mark.parametrize(
    ("written", "inferred", "refined"),
    [
        (TensorType(DType.F32, (2,)), TensorType(DType.F32, (UNKNOWN,)), True),
        (TensorType(DType.F32, (UNKNOWN,)), TensorType(DType.F32, (2,)), False),
        (TensorType(DType.F32, (2,)), TensorType(DType.F32, (N,)), False),
        (TensorType(DType.F32, (2,)), TensorType(DType.F16, (UNKNOWN,)), False),
        (TensorType(DType.F32, (2,)), TensorType(DType.F32, (UNKNOWN, UNKNOWN)), False),
        (StateType(TensorType(DType.F32, (2,))), StateType(TensorType(DType.F32, (UNKNOWN,))), True),
        (UnknownType(), TensorType(DType.F32), False),
        (StateType(TensorType(DType.F32)), TensorType(DType.F32), False),
    ],
)
def test_refinement(written: Type, inferred: Type, refined: bool) -> None:
    assert type_refines(written, inferred) is refined


@pytest.mark.parametrize(
    "text", ["", "f32", "f33[2]", "f32[2,,3]", "f32[2,]", "f32[,]", "state<unknown>", "f32[" + "1," * 40 + "1]"]
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|cannot have"):
        parse_type(text)


def test_sizes_of_packed_tensors() -> None:
    assert TensorType(DType.U3, (5, 2)).stored_bytes == 4
    assert str(TensorType(DType.U3, (5, N)).elements) == "5*n"
    with pytest.raises(ValueError, match="symbolic"):
        _ = TensorType(DType.F32, (N,)).stored_bytes
