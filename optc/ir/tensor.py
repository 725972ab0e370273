"""Constant tensors: immutable, content-addressed, and read from their file only when looked at.

A `Tensor` is an element type, a shape and *stored bytes* (sub-byte elements packed). Where the bytes come
from is a `Storage`; the bytes of a model that was only loaded stay on disk, behind a memory map. Equality is
equality of content, by a SHA-256 that is worked out once, on first need.
"""

import hashlib
import mmap
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.dtypes import Array, DType, dtype_of_numpy
from optc.ir.types import HIGHEST_RANK
from optc.numerics.packing import pack, unpack

_PIECE = 1 << 24  # bytes
_MOST_ELEMENTS = 1 << 59


class Storage(Protocol):
    """Where the stored bytes of a tensor are."""

    def read(self) -> Array:
        """All bytes, as a flat read-only array of `uint8` (a memory map where there is a file)."""
        ...


@attrs.frozen(eq=False)
class InMemory:
    """Bytes that are held in memory."""

    data: Array

    def read(self) -> Array:
        return self.data


@attrs.frozen(eq=False)
class InFile:
    """`size` bytes of a file from `offset` on, mapped anew at each read so that idle tensors hold nothing.

    A file that was replaced since, perhaps by the model that was made of it, is not read: its bytes are others.
    """

    path: Path
    offset: int
    size: int
    stamp: tuple[int, int, int] | None = attrs.field(default=None)

    def __attrs_post_init__(self) -> None:
        if self.stamp is None:
            object.__setattr__(self, "stamp", _stamp(self.path))

    def read(self) -> Array:
        if self.size == 0:
            return np.empty(0, np.uint8)
        try:
            length = self.path.stat().st_size
            if self.stamp is not None and _stamp(self.path) != self.stamp:
                raise OptcError(
                    "file-changed", str(self.path), "file of a tensor", "as it was when the model was read",
                    hint="load the model again",
                )  # fmt: skip
            if self.offset < 0 or self.offset + self.size > length:
                raise OptcError(
                    "range-outside-file", str(self.path), "byte range of a tensor", "inside the file",
                    f"bytes {self.offset} to {self.offset + self.size} of {length}",
                )  # fmt: skip
            return _mapped(self.path, self.offset, self.size)
        except OSError as error:  # it was there when the model was read
            raise OptcError("unreadable", str(self.path), "file of a tensor", "readable", error.strerror) from None


def _mapped(path: Path, offset: int, size: int) -> Array:
    """Bytes of a file, as `np.memmap` gives them, but without its look at where the path leads: it is called often."""
    start = offset - offset % mmap.ALLOCATIONGRANULARITY
    with path.open("rb") as file:
        mapping = mmap.mmap(file.fileno(), offset + size - start, access=mmap.ACCESS_READ, offset=start)
    return np.frombuffer(mapping, np.uint8, size, offset - start)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from the one that takes its place."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(dim) for dim in shape)


@attrs.define(eq=False, repr=False)
class Tensor:
    """An immutable constant: `dtype`, static `shape`, and stored bytes.

    Build one with `Tensor.of` (an array), `Tensor.from_stored` (bytes) or from a file's storage.
    """

    dtype: DType = attrs.field(on_setattr=attrs.setters.frozen)
    shape: tuple[int, ...] = attrs.field(converter=_shape, on_setattr=attrs.setters.frozen)
    storage: Storage = attrs.field(on_setattr=attrs.setters.frozen)
    _sha256: str = attrs.field(default="", alias="_sha256")

    def __attrs_post_init__(self) -> None:
        # NumPy refuses such arrays, even where a dimension of 0 makes them empty.
        if len(self.shape) > HIGHEST_RANK or _count([max(dim, 1) for dim in self.shape]) > _MOST_ELEMENTS:
            expected = f"at most {HIGHEST_RANK}, of {_MOST_ELEMENTS} elements together"
            raise OptcError("tensor-size", f"tensor {self.dtype}", "dimensions", expected, list(self.shape))

    @classmethod
    def of(cls, values: Any, dtype: DType | None = None, *, copy: bool = True) -> "Tensor":
        """The tensor of an array's values.

        They are copied; without `copy`, it may be a view of the caller's memory, who must not change it any more.
        `dtype` defaults to that of the array; values of sub-byte types are given widened (`u4` as `uint8`).

        Raises:
            OptcError: a value does not fit `dtype`.
        """
        array = np.asarray(values)
        kind = dtype or dtype_of_numpy(array.dtype)
        if kind is DType.STR:
            stored = np.frombuffer(_encode_strings(array), np.uint8)
        elif kind.is_sub_byte:
            _check_range(array, kind)
            stored = pack(array.astype(kind.numpy, copy=False), kind.bits)
        elif copy:
            stored = np.array(array, kind.numpy, order="C").reshape(-1).view(np.uint8)
        else:
            stored = np.ascontiguousarray(array, kind.numpy).reshape(-1).view(np.uint8)
        stored.flags.writeable = False
        return cls(kind, array.shape, InMemory(stored))

    @classmethod
    def from_stored(cls, dtype: DType, shape: Sequence[int], data: bytes | Array) -> "Tensor":
        """The tensor whose stored bytes (packed, little-endian, row-major) are `data`.

        Raises:
            OptcError: the number of bytes is not what dtype and shape need.
        """
        stored = np.frombuffer(data, np.uint8)
        needed = dtype.packed_bytes(_count(shape))
        if dtype is not DType.STR and stored.size != needed:
            raise OptcError(
                "tensor-size", f"tensor {dtype}{list(shape)}", "stored data", f"{needed} bytes", stored.size
            )
        stored.flags.writeable = False
        return cls(dtype, tuple(shape), InMemory(stored))

    @property
    def elements(self) -> int:
        return _count(self.shape)

    @property
    def stored_bytes(self) -> int:
        """Bytes that the tensor takes where it is stored."""
        return int(self.storage.read().size) if self.dtype is DType.STR else self.dtype.packed_bytes(self.elements)

    def stored(self) -> Array:
        """The stored bytes, a flat read-only `uint8` array."""
        return self.storage.read()

    def pieces(self) -> Iterator[Array]:
        """The stored bytes in order, in pieces mapped one by one: a large file is never resident as a whole."""
        storage = self.storage
        if isinstance(storage, InFile):
            for at in range(0, storage.size, _PIECE):
                size = min(_PIECE, storage.size - at)
                yield InFile(storage.path, storage.offset + at, size, storage.stamp).read()
            return
        stored = np.ascontiguousarray(storage.read())
        for at in range(0, stored.size, _PIECE):
            yield stored[at : at + _PIECE]

    def array(self) -> Array:
        """The values, of `dtype.numpy` and `shape`; read-only, and a memory map where nothing must be unpacked."""
        stored = self.stored()
        if self.dtype is DType.STR:
            values = _decode_strings(stored.tobytes(), self.elements)
        elif self.dtype.is_sub_byte:
            values = unpack(stored, self.dtype.bits, self.elements, signed=self.dtype.is_signed)
        elif self.dtype is DType.BOOL:
            values = stored != 0  # a file may hold other bytes than 0 and 1, which NumPy's bool must not
        else:
            values = stored.view(self.dtype.numpy)
        values = values.reshape(self.shape)
        values.flags.writeable = False
        return values

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of dtype, shape and stored bytes."""
        if not self._sha256:
            digest = hashlib.sha256(f"{self.dtype}{list(self.shape)}".encode())
            for piece in self.pieces():
                digest.update(piece.data)
            self._sha256 = digest.hexdigest()
        return self._sha256

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Tensor):
            return NotImplemented
        return self.dtype is other.dtype and self.shape == other.shape and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        return f"Tensor({self.dtype}{list(self.shape)})"


def _count(shape: Sequence[int]) -> int:
    total = 1
    for dim in shape:
        total *= int(dim)
    return total


def _check_range(array: Array, dtype: DType) -> None:
    low, high = dtype.integer_range
    if array.size and (int(array.min()) < low or int(array.max()) > high):
        raise OptcError(
            "value-out-of-range", f"tensor {dtype}{list(array.shape)}", "every value",
            f"from {low} to {high}", f"{array.min()} to {array.max()}",
        )  # fmt: skip


def _encode_strings(array: Array) -> bytes:
    parts = []
    for item in array.reshape(-1).tolist():
        try:
            text = item if isinstance(item, bytes) else str(item).encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise OptcError("tensor-string", "str tensor", "every string", "encodable as UTF-8", error) from None
        parts.append(struct.pack("<I", len(text)) + text)
    return b"".join(parts)


def _decode_strings(data: bytes, count: int) -> Array:
    refusal = OptcError("tensor-size", "str tensor", "stored data", f"{count} length-prefixed strings")
    if 4 * count > len(data):
        raise refusal
    out = np.empty(count, np.object_)
    at = 0
    for index in range(count):
        if at + 4 > len(data):
            raise refusal
        (size,) = struct.unpack_from("<I", data, at)
        out[index] = data[at + 4 : at + 4 + size].decode("utf-8", "surrogateescape")
        at += 4 + size
    if at != len(data):
        raise refusal
    return out
