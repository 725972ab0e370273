"""Types and constants survive the way into MIL's messages and back; what does not fit is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from optc.errors import OptcError
from optc.formats.coreml.package import Package
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.proto.model_pb2 import Model
from optc.formats.coreml.values import tensor_of, type_message, type_of, value_message
from optc.formats.coreml.weight_file import WeightFileWriter
from optc.ir.dims import UNKNOWN
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import StateType, TensorType, UnknownType
from optc.testing.strategies import tensor_types, tensors

HERE = Package("model", Model(), Path())


@given(tensor_types)
def test_a_type_comes_back_with_unknown_sizes_for_symbolic_ones(kind: TensorType) -> None:
    known = TensorType(kind.dtype, tuple(dim if isinstance(dim, int) else UNKNOWN for dim in kind.shape))
    assert type_of(type_message(kind), "") == known
    assert type_of(type_message(StateType(kind)), "") == StateType(known)


def _is_unicode(tensor: Tensor) -> bool:
    return tensor.dtype is not DType.STR or all(text.isprintable() for text in tensor.array().reshape(-1))


@given(tensors().filter(_is_unicode))
def test_an_immediate_constant_comes_back_bit_for_bit(tensor: Tensor) -> None:
    again = mil.Value.FromString(value_message(tensor).SerializeToString())
    back = tensor_of(again, HERE, "")
    assert (back.dtype, back.shape) == (tensor.dtype, tensor.shape)
    if tensor.dtype is not DType.BOOL:  # of which only the truth is kept
        assert back == tensor


def test_a_constant_in_the_weight_file_stays_there(tmp_path: Path) -> None:
    tensor = Tensor.of([1, -2, 3], DType.I4)
    writer = WeightFileWriter()
    at = writer.place(tensor)
    (tmp_path / "weights").mkdir()
    writer.write(tmp_path / "weights" / "weight.bin")
    value = mil.Value(type=type_message(TensorType(DType.I4, (3,))))
    value.blob_file.file_name = "@model_path/weights/weight.bin"
    value.blob_file.offset = at
    read = tensor_of(value, Package("model", Model(), tmp_path), "")
    assert read == tensor
    value.type.CopyFrom(type_message(TensorType(DType.I4, (30,))))
    with pytest.raises(OptcError, match="must be 15 bytes, for i4"):
        tensor_of(value, Package("model", Model(), tmp_path), "")


def test_lists_and_tensors_of_unknown_rank_have_an_unknown_type() -> None:
    variadic = type_message(TensorType(DType.F32, (UNKNOWN,)))
    variadic.tensor.dimensions[0].unknown.variadic = True
    listed = mil.ValueType(list=mil.ListType(type=type_message(TensorType(DType.F32))))
    assert type_of(variadic, "") == type_of(listed, "") == type_of(mil.ValueType(), "") == UnknownType()


def value(*numbers: int) -> mil.Value:
    return value_message(Tensor.of(list(numbers), DType.I16))


@pytest.mark.parametrize(
    ("damage", "slug"),
    [
        (lambda v: v.immediate.tensor.ints.values.append(1), "value"),
        (lambda v: v.immediate.tensor.ints.values.__setitem__(0, 1 << 20), "value"),
        (lambda v: v.immediate.tensor.floats.values.append(1.0), "value"),
        (lambda v: setattr(v.immediate.tensor.bytes, "values", b"123"), "tensor-size"),
        (lambda v: v.immediate.Clear(), "value"),
        (lambda v: v.ClearField("immediate"), "value"),
        (lambda v: setattr(v.type.tensor, "data_type", 99), "value-type"),
        (lambda v: setattr(v.type.tensor, "rank", 2), "value-type"),
        (lambda v: setattr(v.type.tensor.dimensions[0].constant, "size", 1 << 63), "value-type"),
        (lambda v: setattr(v.type.tensor.dimensions[0].constant, "size", 1 << 62), "value"),
        (lambda v: setattr(v.type.tensor.dimensions[0].unknown, "variadic", False), "value"),
        (lambda v: v.type.ClearField("tensor"), "value"),
    ],
)
def test_constants_that_do_not_fit_their_type_are_refused(damage: Callable[[mil.Value], object], slug: str) -> None:
    broken = value(1, 2)
    damage(broken)
    with pytest.raises(OptcError) as caught:
        tensor_of(broken, HERE, "model: const w")
    assert caught.value.slug == slug
    assert "model: const w" in str(caught.value)


def test_a_state_must_hold_a_tensor() -> None:
    with pytest.raises(OptcError, match="type in a state must be a tensor"):
        type_of(mil.ValueType(state=mil.StateType()), "")


@pytest.mark.parametrize("dtype", [DType.STR, DType.F32])
def test_empty_constants_of_absurd_sizes_are_refused(dtype: DType) -> None:
    broken = value_message(Tensor.of(np.empty((0, 2), np.object_ if dtype is DType.STR else np.float32), dtype))
    broken.type.tensor.dimensions[1].constant.size = (1 << 63) - 1
    with pytest.raises(OptcError, match="dimensions of a constant must be at most"):
        tensor_of(broken, HERE, "model: const w")
