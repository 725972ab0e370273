"""The element types of tensors, and how NumPy holds them.

Sub-byte integers are *stored* packed (see `optc.numerics.packing`) and *computed with* in the next
wider NumPy integer: `i4` in `int8`, `u1` to `u6` in `uint8`. A NumPy array alone therefore does not
tell its element type; the value's type does.
"""

from enum import Enum
from functools import cached_property
from typing import Any

import ml_dtypes
import numpy as np

from optc.numerics.arrays import Array as Array

_NUMPY: dict[str, Any] = {
    "bool": np.bool_,
    "i4": np.int8, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "u1": np.uint8, "u2": np.uint8, "u3": np.uint8, "u4": np.uint8, "u6": np.uint8,
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64,
    "f8e4m3": ml_dtypes.float8_e4m3fn, "f8e5m2": ml_dtypes.float8_e5m2,
    "str": np.object_,
}  # fmt: skip
_BITS = {"bool": 8, "bf16": 16, "f8e4m3": 8, "f8e5m2": 8, "str": 0}


class DType(Enum):
    """An element type; its value is its name in the text form."""

    BOOL = "bool"
    I4 = "i4"
    I8 = "i8"
    I16 = "i16"
    I32 = "i32"
    I64 = "i64"
    U1 = "u1"
    U2 = "u2"
    U3 = "u3"
    U4 = "u4"
    U6 = "u6"
    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    U64 = "u64"
    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"
    F64 = "f64"
    F8E4M3 = "f8e4m3"
    F8E5M2 = "f8e5m2"
    STR = "str"

    # Members are singletons: the identity hash is faster than Enum's and is never iterated over.
    __hash__ = object.__hash__

    @cached_property
    def bits(self) -> int:
        """Bits per stored element (bool is stored in a byte; 0 for `str`, whose size varies)."""
        return _BITS[self.value] if self.value in _BITS else int(self.value[1:])

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype that arrays of this type have in computations."""
        dtype: np.dtype[Any] = np.dtype(_NUMPY[self.value])
        return dtype

    @cached_property
    def is_float(self) -> bool:
        return self.value[0] == "f" or self is DType.BF16

    @cached_property
    def is_signed(self) -> bool:
        return self.is_float or self.value[0] == "i"

    @cached_property
    def is_integer(self) -> bool:
        return self.value[0] in "iu"

    @cached_property
    def is_sub_byte(self) -> bool:
        return 0 < self.bits < 8

    @cached_property
    def integer_range(self) -> tuple[int, int]:
        """Least and greatest value of an integer type.

        Raises:
            TypeError: the type is not an integer type.
        """
        if not self.is_integer:
            raise TypeError(f"{self.value} is not an integer type")
        if self.is_signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1

    def packed_bytes(self, count: int) -> int:
        """Bytes that `count` stored elements take."""
        return (count * self.bits + 7) // 8

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return f"DType.{self.name}"


def dtype_of_numpy(dtype: np.dtype[Any]) -> DType:
    """The element type of an ordinary NumPy (or ml_dtypes) dtype; `uint8` is taken as `u8`.

    Raises:
        TypeError: optc has no such element type.
    """
    dtype = np.dtype(dtype)
    if dtype.kind in "OUT":
        return DType.STR
    try:
        return _FROM_NUMPY[dtype]
    except KeyError:
        raise TypeError(f"no element type corresponds to NumPy's {dtype}") from None


_FROM_NUMPY: dict[Any, DType] = {d.numpy: d for d in DType if not d.is_sub_byte and d is not DType.STR} | {
    np.dtype(ml_dtypes.int4): DType.I4,
    np.dtype(ml_dtypes.uint4): DType.U4,
    np.dtype(ml_dtypes.uint2): DType.U2,
}

FLOATS = tuple(d for d in DType if d.is_float and d.bits >= 16)
FLOAT8S = (DType.F8E4M3, DType.F8E5M2)
INTEGERS = tuple(d for d in DType if d.is_integer and not d.is_sub_byte)
SUB_BYTES = tuple(d for d in DType if d.is_sub_byte)
UNSIGNED_INDEX = tuple(d for d in DType if d.is_integer and not d.is_signed and d.bits <= 8)
INDEX = (DType.I32, DType.I64)
NUMERIC = INTEGERS + FLOATS
SIGNED = tuple(d for d in NUMERIC if d.is_signed)
ALL = tuple(DType)
