"""Attributes and constant tensors as text."""

import base64
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.lexer import key_word, quote
from optc.ir.tensor import Tensor
from optc.ir.types import shape_text

MOST_INLINE = 16
"""Elements of the largest tensor that is written out as numbers."""

TensorText = Callable[[Tensor], str]
_CANONICAL_NAN = struct.pack("<d", math.nan)


def float_text(value: float) -> str:
    """A float so that it reads back with the same bits; it never looks like an integer."""
    if value != value:
        packed = struct.pack("<d", value)
        return "nan" if packed == _CANONICAL_NAN else f"nan({packed[::-1].hex()})"
    return repr(value)  # Python writes a point, an exponent, or inf


def value_text(value: Any, tensor_text: TensorText) -> str:
    """The text of an attribute's value of any kind."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, Tensor):
        return tensor_text(value)
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return "{" + ", ".join(f"{key_word(k)} = {value_text(v, tensor_text)}" for k, v in value) + "}"
        return "[" + ", ".join([value_text(item, tensor_text) for item in value]) + "]"
    return quote(repr(value))  # only a message about a wrong op ever shows this


_WRITERS: dict[type, Callable[[Any], str]] = {
    int: str,
    float: float_text,
    bool: lambda value: "true" if value else "false",
    str: quote,
    DType: lambda value: str(value.value),
    SymDim: lambda value: f"<{value}>",
    type(None): lambda value: "none",
}


def inline_tensor(tensor: Tensor) -> str:
    """A tensor in full: numbers if they are few and say every bit, base64 otherwise."""
    kind = f"{tensor.dtype}{shape_text(tensor.shape)}"
    if tensor.elements <= MOST_INLINE:
        array = tensor.array().reshape(-1)
        if _says_every_bit(tensor, array):
            return f"{kind} [{', '.join(_elements(array, tensor.dtype))}]"
    return f'{kind} b64"{base64.b64encode(tensor.stored().data).decode("ascii")}"'


def tensor_beside(tensors: dict[str, Tensor]) -> TensorText:
    """Writes larger tensors as their hash, and puts them into `tensors`."""

    def write(tensor: Tensor) -> str:
        if tensor.elements <= MOST_INLINE:
            return inline_tensor(tensor)
        tensors[tensor.sha256] = tensor
        return f"{tensor.dtype}{shape_text(tensor.shape)} #{tensor.sha256}"

    return write


def abridged_tensor(tensor: Tensor) -> str:
    """A tensor for a message: larger ones are not read from their file."""
    if tensor.elements <= MOST_INLINE:
        return inline_tensor(tensor)
    return f"{tensor.dtype}{shape_text(tensor.shape)} ..."


def _says_every_bit(tensor: Tensor, array: Any) -> bool:
    """Whether the elements alone give the stored bytes back: NaNs, odd booleans and dirty padding do not."""
    if tensor.dtype.is_float:
        with np.errstate(invalid="ignore"):  # NumPy warns of signalling NaNs
            return not bool(np.isnan(array).any())
    if tensor.dtype in (DType.BOOL, DType.STR) or tensor.dtype.is_sub_byte:
        again = Tensor.of(array.reshape(tensor.shape), tensor.dtype).stored()
        return bool(np.array_equal(again, tensor.stored()))
    return True


def _elements(array: Any, dtype: DType) -> list[str]:
    if dtype is DType.STR:
        return [quote(item) for item in array.tolist()]
    if dtype is DType.BOOL:
        return ["true" if item else "false" for item in array.tolist()]
    if not dtype.is_float:
        return [str(int(item)) for item in array.tolist()]
    exact = [float(item) for item in array.tolist()]
    if dtype is DType.F64:
        return [float_text(item) for item in exact]
    # The fewest digits of a few tries that still give the same bits when read as float64 and rounded.
    short = [_with_point(f"{item:.7g}") for item in exact]
    with np.errstate(all="ignore"):
        same = np.array([float(text) for text in short]).astype(dtype.numpy) == array
    return [text if ok else float_text(item) for text, ok, item in zip(short, same.tolist(), exact, strict=True)]


def _with_point(text: str) -> str:
    return text if any(mark in text for mark in ".en") else f"{text}.0"
