"""Core ML's weight files (`weight.bin`): MIL blob storage, version 2, all numbers little-endian.

    0         u32 number of records, u32 version 2, zeros to 64
    record    at a multiple of 64: u32 0xDEADBEEF, u32 element type, u64 bytes of data, u64 offset of the data,
              u64 unused bits in the last byte (sub-byte types), zeros to 64; the data; zeros to the next record

A value of a program names a record by its offset. Data are stored as optc's tensors store them, sub-byte types packed
(`optc.numerics.packing`). Source: `mlmodel/src/MILBlob` of the coremltools repository.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.dtypes import DType
from optc.ir.tensor import InFile, Tensor

ALIGNMENT = 64
VERSION = 2
_SENTINEL = 0xDEADBEEF
_HEADER = struct.Struct("<II")
_RECORD = struct.Struct("<IIQQQ")
CODES = {
    DType.F16: 1, DType.F32: 2, DType.U8: 3, DType.I8: 4, DType.BF16: 5, DType.I16: 6, DType.U16: 7, DType.I4: 8,
    DType.U1: 9, DType.U2: 10, DType.U4: 11, DType.U3: 12, DType.U6: 13, DType.I32: 14, DType.U32: 15,
    DType.F8E4M3: 16, DType.F8E5M2: 17,
}  # fmt: skip
_SHORT = "the file may have been cut short"
_DTYPES = {code: dtype for dtype, code in CODES.items()}


@attrs.frozen
class Record:
    """One entry: its own offset, and type, offset and size in bytes of its data."""

    at: int
    dtype: DType
    offset: int
    size: int
    unused_bits: int


class WeightFile:
    """A weight file to read tensors from; their data stay in the file until they are asked for."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            OptcError: slugs `unreadable`, `weight-file`: the file cannot be read, or is none of version 2.
        """
        self.path = path
        try:
            self._size = path.stat().st_size
            self._bytes = np.memmap(path, np.uint8, "r") if self._size else np.empty(0, np.uint8)
        except OSError as error:
            raise OptcError("unreadable", str(path), "weight file", "readable", error.strerror) from None
        if self._size < ALIGNMENT:
            raise self._wrong("header", f"{ALIGNMENT} bytes", self._size)
        self.count, version = _HEADER.unpack(self._bytes[: _HEADER.size].tobytes())
        if version != VERSION:
            raise self._wrong("version", VERSION, version)

    def record(self, at: int) -> Record:
        """The record at an offset, with data inside the file.

        Raises:
            OptcError: slug `weight-file`.
        """
        if at < ALIGNMENT or at % ALIGNMENT:
            raise self._wrong("offset of a record", f"a multiple of {ALIGNMENT} from {ALIGNMENT} on", at)
        if at + ALIGNMENT > self._size:
            raise self._wrong(f"file with a record at {at}", f"at least {at + ALIGNMENT} bytes", self._size, _SHORT)
        sentinel, code, size, offset, unused = _RECORD.unpack(self._bytes[at : at + _RECORD.size].tobytes())
        if sentinel != _SENTINEL:
            raise self._wrong(f"record at {at}", f"one that starts with {_SENTINEL:#x}", f"{sentinel:#x}")
        if code not in _DTYPES:
            raise self._wrong(f"element type of the record at {at}", f"from 1 to {max(_DTYPES)}", code)
        if offset < at + ALIGNMENT or offset + size > self._size:
            where = f"bytes {offset} to {offset + size} of {self._size}"
            hint = _SHORT if offset + size > self._size else ""
            raise self._wrong(f"data of the record at {at}", "behind it, inside the file", where, hint)
        dtype = _DTYPES[code]
        # Files of before iOS 18 have no such field: there it holds anything.
        return Record(at, dtype, offset, size, unused if dtype.is_sub_byte else 0)

    def records(self) -> list[Record]:
        """All records, in order.

        Raises:
            OptcError: slug `weight-file`.
        """
        found: list[Record] = []
        at = ALIGNMENT
        for _ in range(self.count):
            found.append(self.record(at))
            at = _aligned(found[-1].offset + found[-1].size)
        return found

    def tensor(self, at: int, dtype: DType, shape: tuple[int, ...]) -> Tensor:
        """The tensor in the record at an offset.

        Raises:
            OptcError: slug `weight-file`: there is no such record, or it is of another type or size.
        """
        record = self.record(at)
        if record.dtype is not dtype:
            raise self._wrong(f"element type of the record at {at}", dtype, record.dtype)
        elements = int(np.prod(shape, dtype=object))
        needed, unused = dtype.packed_bytes(elements), -elements * dtype.bits % 8
        if min(shape, default=0) < 0 or record.size != needed:
            raise self._wrong(f"data of the record at {at}", f"{needed} bytes, for {dtype}{list(shape)}", record.size)
        if record.unused_bits != unused:
            raise self._wrong(f"unused bits of the record at {at}", unused, record.unused_bits)
        return Tensor(dtype, shape, InFile(self.path, record.offset, record.size))

    def _wrong(self, what: str, expected: object, actual: object, hint: str = "") -> OptcError:
        return OptcError("weight-file", str(self.path), what, str(expected), actual, hint)


class WeightFileWriter:
    """Collects tensors, and writes them in one file; equal ones are stored once."""

    def __init__(self) -> None:
        self._at: dict[Tensor, int] = {}
        self._end = ALIGNMENT

    def place(self, tensor: Tensor) -> int:
        """The offset of the tensor's record.

        Raises:
            OptcError: slug `weight-dtype`: weight files have no such element type.
        """
        if tensor.dtype not in CODES:
            raise OptcError("weight-dtype", "weight file", "element type", "one that Core ML stores", tensor.dtype)
        found = self._at.get(tensor)
        if found is None:
            found = self._at[tensor] = _aligned(self._end)
            self._end = _end_of(found, tensor.stored_bytes)
        return found

    def write(self, path: Path) -> None:
        """Write the file, a tensor at a time.

        Raises:
            OSError: it cannot be written.
            OptcError: a tensor cannot be read.
        """
        with path.open("wb") as file:
            file.write(_HEADER.pack(len(self._at), VERSION).ljust(ALIGNMENT, b"\0"))
            for tensor, at in self._at.items():
                file.write(b"\0" * (at - file.tell()))
                unused = -tensor.elements * tensor.dtype.bits % 8
                record = _RECORD.pack(_SENTINEL, CODES[tensor.dtype], tensor.stored_bytes, at + ALIGNMENT, unused)
                file.write(record.ljust(ALIGNMENT, b"\0"))
                for piece in tensor.pieces():
                    file.write(piece.data)


def file_bytes(sizes: Iterable[int]) -> int:
    """The size of a file whose records hold data of these sizes, in this order."""
    end = ALIGNMENT
    for size in sizes:
        end = _end_of(_aligned(end), size)
    return end


def _end_of(at: int, size: int) -> int:
    """Where the data of the record at an offset end."""
    return at + ALIGNMENT + size


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
