"""Weight files and coremltools: each reads what the other writes, to the byte."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optc.formats.coreml.weight_file import WeightFile, WeightFileWriter
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor

storage: Any = pytest.importorskip("coremltools.libmilstoragepython", reason="coremltools is not installed")

NAMES = {
    DType.F16: "fp16", DType.F32: "float", DType.I4: "int4", DType.I8: "int8", DType.I16: "int16",
    DType.I32: "int32", DType.U1: "uint1", DType.U2: "uint2", DType.U3: "uint3", DType.U4: "uint4",
    DType.U6: "uint6", DType.U8: "uint8", DType.U16: "uint16", DType.U32: "uint32",
}  # fmt: skip
COUNTS = (1, 7, 8, 11, 64, 100, 1001)


def held(dtype: DType, count: int) -> Tensor:
    """A tensor of numbers over the whole range of its type."""
    random = np.random.default_rng(count)
    if dtype.is_float:
        return Tensor.of(random.standard_normal(count).astype(dtype.numpy), dtype)
    least, most = dtype.integer_range
    return Tensor.of(random.integers(least, most + 1, count), dtype)


def as_theirs(tensor: Tensor) -> Any:
    """The array as coremltools takes and gives it: half floats as their bits."""
    array = tensor.array()
    return array.view(np.uint16) if tensor.dtype is DType.F16 else array


ALL = [held(dtype, count) for dtype in NAMES for count in COUNTS]


def test_coremltools_reads_what_we_write(tmp_path: Path) -> None:
    writer = WeightFileWriter()
    places = [writer.place(tensor) for tensor in ALL]
    path = tmp_path / "weight.bin"
    writer.write(path)
    reader = storage._BlobStorageReader(str(path))
    for tensor, at in zip(ALL, places, strict=True):
        back = getattr(reader, f"read_{NAMES[tensor.dtype]}_data")(at)
        assert np.array_equal(np.asarray(back).view(as_theirs(tensor).dtype), as_theirs(tensor)), tensor


def test_we_read_what_coremltools_writes_and_write_the_same_bytes(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.bin"
    made = storage._BlobStorageWriter(str(theirs))
    places = [getattr(made, f"write_{NAMES[tensor.dtype]}_data")(as_theirs(tensor)) for tensor in ALL]
    del made
    file = WeightFile(theirs)
    for tensor, at in zip(ALL, places, strict=True):
        assert file.tensor(at, tensor.dtype, tensor.shape) == tensor
    assert [record.at for record in file.records()] == places
    writer = WeightFileWriter()
    assert [writer.place(tensor) for tensor in ALL] == places
    writer.write(tmp_path / "ours.bin")
    assert (tmp_path / "ours.bin").read_bytes() == theirs.read_bytes()
