"""Weight files: what is written is read back, byte for byte as Core ML lays it out; what is wrong is refused."""

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optc.errors import OptcError
from optc.formats.coreml.weight_file import CODES, WeightFile, WeightFileWriter
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.testing.strategies import tensors


def numbers(dtype: DType, *values: int) -> Tensor:
    return Tensor.of(np.array(values), dtype)


def write(path: Path, *held: Tensor) -> list[int]:
    writer = WeightFileWriter()
    places = [writer.place(tensor) for tensor in held]
    writer.write(path)
    return places


@given(st.lists(tensors().filter(lambda tensor: tensor.dtype in CODES), max_size=5))
def test_tensors_come_back_as_they_were_and_equal_ones_share_a_record(
    tmp_path_factory: pytest.TempPathFactory, held: list[Tensor]
) -> None:
    path = tmp_path_factory.mktemp("w") / "weight.bin"
    places = write(path, *held)
    file = WeightFile(path)
    for tensor, at in zip(held, places, strict=True):
        assert at % 64 == 0
        back = file.tensor(at, tensor.dtype, tensor.shape)
        assert back == tensor
        assert back.stored().tobytes() == tensor.stored().tobytes()
    assert [record.at for record in file.records()] == sorted(set(places))
    assert len(set(places)) == len(set(held)) == file.count


@pytest.mark.parametrize(
    ("tensor", "data", "unused"),
    [
        (numbers(DType.U3, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1), "53 70 97 53 00", 7),
        (numbers(DType.U6, 3, 10, 17, 24, 31, 38, 45, 52, 59, 2, 9), "83 12 61 9f d9 d2 bb 90 00", 6),
        (numbers(DType.I4, -8, -7, -1, 0, 1, 7, 3, -3, 2), "98 0f 71 d3 02", 4),
        (numbers(DType.U1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1), "55 05", 5),
        (numbers(DType.U16, 1, 515), "01 00 03 02", 0),
    ],
    ids=["u3", "u6", "i4", "u1", "u16"],
)
def test_the_bytes_are_those_of_core_ml(tmp_path: Path, tensor: Tensor, data: str, unused: int) -> None:
    path = tmp_path / "weight.bin"
    assert write(path, numbers(DType.I8, 1), tensor) == [64, 192]
    raw = path.read_bytes()
    expected = bytes.fromhex(data)
    assert raw[:8] == struct.pack("<II", 2, 2)
    assert raw[8:64] == bytes(56)
    assert raw[64:128] == struct.pack("<IIQQQ", 0xDEADBEEF, 4, 1, 128, 0).ljust(64, b"\0")
    assert raw[128:192] == b"\1".ljust(64, b"\0")
    head = struct.pack("<IIQQQ", 0xDEADBEEF, CODES[tensor.dtype], len(expected), 256, unused)
    assert raw[192:256] == head.ljust(64, b"\0")
    assert raw[256:] == expected


def test_the_field_of_unused_bits_may_hold_anything_where_older_files_have_none(tmp_path: Path) -> None:
    path = tmp_path / "weight.bin"
    tensor = numbers(DType.I8, 1, 2)
    (at,) = write(path, tensor)
    raw = bytearray(path.read_bytes())
    raw[at + 24 : at + 64] = b"\xff" * 40
    path.write_bytes(raw)
    assert WeightFile(path).tensor(at, DType.I8, (2,)) == tensor


def test_types_that_weight_files_lack_are_refused() -> None:
    with pytest.raises(OptcError, match="element type must be one that Core ML stores"):
        WeightFileWriter().place(numbers(DType.I64, 1))


def test_a_large_tensor_is_not_read_until_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "weight.bin"
    (at,) = write(path, numbers(DType.I8, *range(100)))
    tensor = WeightFile(path).tensor(at, DType.I8, (10, 10))
    path.unlink()
    with pytest.raises(OptcError, match="must be readable"):
        tensor.array()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: b"", "header must be 64 bytes (got 0)"),
        (lambda raw: raw[:63], "header must be 64 bytes (got 63)"),
        (lambda raw: raw[:4] + b"\1" + raw[5:], "version must be 2 (got 1)"),
        (
            lambda raw: raw[:100],
            "file with a record at 64 must be at least 128 bytes (got 100); the file may have been",
        ),
        (lambda raw: raw[:64] + b"\0" + raw[65:], "record at 64 must be one that starts with 0xdeadbeef"),
        (lambda raw: raw[:68] + b"\x63" + raw[69:], "element type of the record at 64 must be from 1 to 17 (got 99)"),
        (lambda raw: raw[:68] + b"\3" + raw[69:], "element type of the record at 64 must be u4 (got u8)"),
        (lambda raw: raw[:72] + b"\xff" * 8 + raw[80:], "data of the record at 64 must be behind it, inside the file"),
        (lambda raw: raw[:80] + b"\xff" * 8 + raw[88:], "data of the record at 64 must be behind it, inside the file"),
        (lambda raw: raw[:80] + b"\x40" + raw[81:], "data of the record at 64 must be behind it, inside the file"),
        (lambda raw: raw[:72] + b"\1" + raw[73:], "data of the record at 64 must be 2 bytes, for u4[3] (got 1)"),
        (lambda raw: raw[:88] + b"\0" + raw[89:], "unused bits of the record at 64 must be 4 (got 0)"),
        (lambda raw: raw[:-1], "inside the file (got bytes 128 to 130 of 129); the file may have been cut short"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, change: object, said: str) -> None:
    assert callable(change)
    path = tmp_path / "weight.bin"
    (at,) = write(path, numbers(DType.U4, 1, 2, 3))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(OptcError) as caught:
        WeightFile(path).tensor(at, DType.U4, (3,))
    assert said in str(caught.value)
    assert caught.value.slug == "weight-file"


def test_a_record_is_at_a_multiple_of_64(tmp_path: Path) -> None:
    path = tmp_path / "weight.bin"
    write(path, numbers(DType.U4, 1, 2, 3))
    for at in (0, 65):
        with pytest.raises(OptcError, match=rf"offset of a record must be a multiple of 64 from 64 on \(got {at}\)"):
            WeightFile(path).record(at)


@settings(max_examples=300)
@given(st.data())
def test_any_bytes_at_all_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("w") / "weight.bin"
    write(path, numbers(DType.U4, 1, 2, 3), numbers(DType.I8, 1, 2))
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    path.write_bytes(raw)
    with suppress(OptcError):
        assert all(record.offset + record.size <= len(raw) for record in WeightFile(path).records())


def test_a_count_without_records_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "weight.bin"
    path.write_bytes(struct.pack("<II", 0xFFFFFFFF, 2).ljust(64, b"\0"))
    with pytest.raises(OptcError, match="record at 64 must be at least 128 bytes"):
        WeightFile(path).records()
