"""Constant tensors keep every bit, and say who they are by their content."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.errors import OptcError
from optc.ir.dtypes import ALL, SUB_BYTES, DType
from optc.ir.tensor import InFile, Tensor
from optc.testing.strategies import tensors


@given(tensors())
def test_a_tensor_of_its_own_array_has_the_same_elements(tensor: Tensor) -> None:
    array = tensor.array()
    again = Tensor.of(array, tensor.dtype)
    assert (array.dtype, array.shape) == (tensor.dtype.numpy, tensor.shape)
    assert again.array().tobytes() == array.tobytes() or tensor.dtype is DType.STR
    assert tensor.dtype is not DType.STR or again == tensor


@given(st.sampled_from([d for d in ALL if d is not DType.STR]), st.data())
def test_the_array_of_a_tensor_of_an_array_is_that_array(dtype: DType, data: st.DataObject) -> None:
    low, high = dtype.integer_range if dtype.is_integer else (0, 1)
    values = data.draw(st.lists(st.integers(low, high), max_size=9))
    array = np.array(values, dtype.numpy)
    assert np.array_equal(Tensor.of(array, dtype).array(), array)


@given(tensors())
def test_stored_bytes_make_an_equal_tensor(tensor: Tensor) -> None:
    again = Tensor.from_stored(tensor.dtype, tensor.shape, tensor.stored().tobytes())
    assert again == tensor
    assert hash(again) == hash(tensor)
    assert again.stored_bytes == tensor.stored().size


@given(tensors(), tensors())
def test_tensors_are_equal_if_and_only_if_type_and_bytes_are(a: Tensor, b: Tensor) -> None:
    same = (a.dtype, a.shape, a.stored().tobytes()) == (b.dtype, b.shape, b.stored().tobytes())
    assert (a == b) is same


def test_a_tensor_is_no_view_of_the_array_that_it_was_made_of() -> None:
    array = np.zeros(3, np.float32)
    tensor = Tensor.of(array)
    array[0] = 1
    assert not tensor.array().any()
    with pytest.raises(ValueError, match="read-only"):
        tensor.array()[0] = 1


@pytest.mark.parametrize("dtype", SUB_BYTES)
def test_values_outside_a_sub_byte_type_are_refused(dtype: DType) -> None:
    low, high = dtype.integer_range
    for value in (low - 1, high + 1):
        with pytest.raises(OptcError, match="from") as caught:
            Tensor.of(np.array([value]), dtype)
        assert caught.value.slug == "value-out-of-range"


def test_bytes_that_do_not_fit_the_shape_are_refused() -> None:
    with pytest.raises(OptcError, match="8 bytes") as caught:
        Tensor.from_stored(DType.F32, (2,), b"1234567")
    assert caught.value.slug == "tensor-size"


@pytest.mark.parametrize("data", [b"", b"\1\0\0", b"\2\0\0\0a", b"\1\0\0\0ab", b"\xff\xff\xff\xffa"])
def test_malformed_strings_are_refused(data: bytes) -> None:
    with pytest.raises(OptcError, match="length-prefixed") as caught:
        Tensor.from_stored(DType.STR, (1,), data).array()
    assert caught.value.slug == "tensor-size"


def test_a_string_count_that_the_data_cannot_hold_allocates_nothing() -> None:
    tensor = Tensor.from_stored(DType.STR, (1 << 24,), b"\0" * 8)
    tracemalloc.start()
    with pytest.raises(OptcError, match="length-prefixed"):
        tensor.array()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_string_that_utf8_cannot_say_is_refused() -> None:
    with pytest.raises(OptcError, match="UTF-8"):
        Tensor.of(np.array(["\ud800"], np.object_))


def test_bytes_that_are_no_boolean_read_as_true() -> None:
    array = Tensor.from_stored(DType.BOOL, (3,), b"\0\1\2").array()
    assert array.view(np.uint8).tolist() == [0, 1, 1]


def test_a_tensor_in_a_file_is_read_only_when_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    tensor = Tensor(DType.F32, (2,), InFile(path, 4, 8))
    assert tensor.stored_bytes == 8
    path.write_bytes(b"head" + np.array([1, 2], "<f4").tobytes())
    assert tensor.array().tolist() == [1, 2]


def test_a_range_outside_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(b"12345678")
    with pytest.raises(OptcError, match="inside the file") as caught:
        Tensor(DType.F32, (2,), InFile(path, 4, 8)).array()
    assert caught.value.slug == "range-outside-file"


@pytest.mark.parametrize("size", [0, 1, 7, 8, 20])
def test_the_pieces_of_a_tensor_are_its_stored_bytes_wherever_it_lies(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optc.ir.tensor._PIECE", 7)
    data = bytes(range(size))
    (tmp_path / "f").write_bytes(b"head" + data + b"tail")
    held = Tensor.from_stored(DType.U8, (size,), data)
    mapped = Tensor(DType.U8, (size,), InFile(tmp_path / "f", 4, size))
    for tensor in (held, mapped):
        pieces = [piece.tobytes() for piece in tensor.pieces()]
        assert b"".join(pieces) == data
        assert len(pieces) == -(-size // 7)
    assert mapped == held


def test_a_file_that_was_replaced_since_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(bytes(range(8)))
    tensor = Tensor(DType.U8, (4,), InFile(path, 2, 4))
    assert tensor.array().tolist() == [2, 3, 4, 5]
    (tmp_path / "new.bin").write_bytes(bytes(8))
    (tmp_path / "new.bin").replace(path)
    for read in (tensor.array, lambda: list(tensor.pieces())):
        with pytest.raises(OptcError, match="as it was when the model was read"):
            read()
