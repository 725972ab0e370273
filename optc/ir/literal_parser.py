"""Attributes and constant tensors, read from their text."""

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.ir.cursor import Cursor
from optc.ir.dims import parse_dim
from optc.ir.dtypes import DType
from optc.ir.lexer import IDENTIFIER
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType, Type, UnknownType, parse_type

_WORDS: dict[str, Any] = {
    "true": True, "false": False, "none": None, "inf": math.inf, "-inf": -math.inf, "nan": math.nan,
} | {dtype.value: dtype for dtype in DType}  # fmt: skip
_NUMBER_STARTS = frozenset("-0123456789")


class LiteralParser:
    """Reads values from a cursor; `tensors` are those that the text names by hash. Types are remembered."""

    def __init__(self, cursor: Cursor, tensors: Mapping[str, Tensor]) -> None:
        self.cursor = cursor
        self.tensors = tensors
        self.types: dict[str, Type] = {"unknown": UnknownType()}

    def type(self) -> Type:
        """Read a type.

        Raises:
            OptcError: slug `bad-type`.
        """
        token = self.cursor.take()
        known = self.types.get(token)
        return known if known is not None else self._new_type(token)

    def _new_type(self, token: str) -> Type:
        try:
            return self.types.setdefault(token, parse_type(token))
        except ValueError as error:
            at = self.cursor.at - 1 if token else None
            raise self.cursor.fail("bad-type", "type", "a type such as f32[1,n]", error, at) from None

    def value(self) -> Any:
        """Read the value of an attribute, of whatever kind it shows itself to be."""
        if self.cursor.skip("["):
            return self._list()
        if self.cursor.skip("{"):
            return self._pairs()
        return self._plain()

    def _plain(self) -> Any:
        """A value that is neither a list nor pairs."""
        cursor = self.cursor
        token = cursor.token
        if token[:1] == '"':
            return cursor.string()
        if token in _WORDS:
            cursor.at += 1
            return _WORDS[token]
        if token[:1] in _NUMBER_STARTS and token != "-" and token[:2] != "->":
            cursor.at += 1
            return self._number(token)
        if token[:1] == "<" and token[-1:] == ">":
            cursor.at += 1
            return self._dim(token)
        if token[:4] == "nan(":
            cursor.at += 1
            return struct.unpack("<d", bytes.fromhex(token[4:-1])[::-1])[0]
        if token[-1:] == "]" and len(token) > 1:
            return self._tensor()
        raise cursor.syntax("a value")

    def _number(self, token: str) -> int | float:
        try:
            return float(token) if "." in token or "e" in token or "E" in token else int(token)
        except ValueError as error:  # only for thousands of digits
            raise self.cursor.fail("syntax", "number", "shorter", error, self.cursor.at - 1) from None

    def _dim(self, token: str) -> Any:
        try:
            return parse_dim(token[1:-1])
        except ValueError as error:
            raise self.cursor.fail("bad-dimension", "dimension", "such as <2*n+1>", error, self.cursor.at - 1) from None

    def _list(self) -> tuple[Any, ...]:
        items: list[Any] = []
        while not self.cursor.skip("]"):
            if items:
                self.cursor.expect(",")
            items.append(self._plain())
        return tuple(items)

    def _pairs(self) -> tuple[tuple[str, Any], ...]:
        cursor = self.cursor
        pairs: list[tuple[str, Any]] = []
        while not cursor.skip("}"):
            if pairs:
                cursor.expect(",")
            name = key(cursor)
            cursor.expect("=")
            pairs.append((name, self._list() if cursor.skip("[") else self._plain()))
        return tuple(pairs)

    def _tensor(self) -> Tensor:
        cursor = self.cursor
        at = cursor.at
        kind = self.type()
        if not isinstance(kind, TensorType) or not _is_possible(kind):
            raise cursor.fail("bad-type", "type of a constant", "a tensor of known size", kind, at)
        try:
            return self._contents(kind)
        except OptcError as error:
            raise error if error.excerpt else cursor.located(error, at) from None

    def _contents(self, kind: TensorType) -> Tensor:
        cursor = self.cursor
        if cursor.skip("["):
            return self._of_elements(kind, self._list())
        token = cursor.token
        if token[:4] == 'b64"':
            cursor.at += 1
            return self._of_bytes(kind, token[4:-1])
        if token[:1] == "#" and len(token) > 1:
            cursor.at += 1
            return self._of_hash(kind, token[1:])
        raise cursor.syntax("the elements of the tensor")

    def _of_elements(self, kind: TensorType, items: tuple[Any, ...]) -> Tensor:
        dtype = kind.dtype
        if math.prod(kind.static_shape) != len(items):
            raise OptcError("tensor-size", "", "elements of the tensor", f"as many as {kind} has", len(items))
        allowed: tuple[type, ...] = (float, int) if dtype.is_float else (int,)
        if dtype in (DType.BOOL, DType.STR):
            allowed = (bool,) if dtype is DType.BOOL else (str,)
        for item in items:
            if type(item) not in allowed:
                raise OptcError("tensor-element", "", f"element of {kind}", f"of type {dtype}", repr(item)[:80])
        if dtype.is_integer:
            low, high = dtype.integer_range
            if any(not low <= item <= high for item in items):
                raise OptcError("value-out-of-range", "", f"every element of {kind}", f"from {low} to {high}")
        return Tensor.of(_array(kind, items), dtype)

    def _of_bytes(self, kind: TensorType, text: str) -> Tensor:
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise OptcError("tensor-bytes", "", "data of the tensor", "base64", error) from None
        tensor = Tensor.from_stored(kind.dtype, kind.static_shape, data)
        if kind.dtype is DType.STR:
            tensor.array()  # strings are only well formed if they can be read
        return tensor

    def _of_hash(self, kind: TensorType, sha256: str) -> Tensor:
        tensor = self.tensors.get(sha256)
        if tensor is None:
            raise OptcError("unknown-tensor", "", "tensor", "among those beside the text", f"#{sha256[:12]}...")
        if (tensor.dtype, tensor.shape) != (kind.dtype, kind.shape):
            raise OptcError("tensor-type", "", f"tensor #{sha256[:12]}...", f"{kind}", repr(tensor))
        return tensor


def _is_possible(kind: TensorType) -> bool:
    """Whether there may be a tensor of this type; the sizes beside a zero count too, for NumPy."""
    if not kind.is_static:
        return False
    shape = kind.static_shape
    return all(dim >= 0 for dim in shape) and math.prod(max(dim, 1) for dim in shape) < 1 << 56


def _array(kind: TensorType, items: tuple[Any, ...]) -> Any:
    dtype = kind.dtype
    if not dtype.is_float:
        return np.array(items, dtype.numpy).reshape(kind.static_shape)
    refusal = OptcError("value-out-of-range", "", f"every element of {kind}", f"in the range of {dtype}")
    try:
        wide = np.array([float(item) for item in items], np.float64)
    except OverflowError:  # an integer beyond every float
        raise refusal from None
    with np.errstate(all="ignore"):
        array = wide.astype(dtype.numpy)
    if not np.array_equal(np.isfinite(array.astype(np.float64)), np.isfinite(wide)):
        raise refusal
    return array.reshape(kind.static_shape)


def key(cursor: Cursor) -> str:
    """Read a name that is bare or in quotes."""
    token = cursor.token
    if token[:1] == '"':
        return cursor.string()
    if not IDENTIFIER.fullmatch(token):
        raise cursor.syntax("a name")
    return cursor.take()
