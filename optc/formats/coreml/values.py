"""Types and constants of MIL programs, as optc's and back.

An immediate value holds its elements in the field of their type: floats, doubles, ints (signed 32 bits, and 16), long
ints, bools, strings. Other types are bytes, packed as in weight files.
"""

from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.package import Package
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.ir.dims import UNKNOWN
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import HIGHEST_RANK, LARGEST_SIZE, StateType, TensorType, Type, UnknownType

_NUMBERS = {
    DType.BOOL: mil.BOOL, DType.STR: mil.STRING, DType.F16: mil.FLOAT16, DType.F32: mil.FLOAT32,
    DType.F64: mil.FLOAT64, DType.BF16: mil.BFLOAT16, DType.F8E4M3: mil.FLOAT8E4M3FN, DType.F8E5M2: mil.FLOAT8E5M2,
    DType.I4: mil.INT4, DType.I8: mil.INT8, DType.I16: mil.INT16, DType.I32: mil.INT32, DType.I64: mil.INT64,
    DType.U1: mil.UINT1, DType.U2: mil.UINT2, DType.U3: mil.UINT3, DType.U4: mil.UINT4, DType.U6: mil.UINT6,
    DType.U8: mil.UINT8, DType.U16: mil.UINT16, DType.U32: mil.UINT32, DType.U64: mil.UINT64,
}  # fmt: skip
_DTYPES = {number: dtype for dtype, number in _NUMBERS.items()}
_FIELDS = {
    DType.F32: "floats", DType.F64: "doubles", DType.BOOL: "bools", DType.STR: "strings", DType.I64: "long_ints",
    DType.U64: "long_ints", DType.I32: "ints", DType.I16: "ints", DType.U16: "ints",
}  # fmt: skip
_MOST_ELEMENTS = 1 << 40


def type_of(proto: mil.ValueType, where: str) -> Type:
    """The type that a message says; unknown for lists, tuples, dictionaries, and tensors of unknown rank.

    Raises:
        OptcError: slug `value-type`.
    """
    kind = proto.WhichOneof("type")
    if kind == "state":
        wrapped = type_of(proto.state.wrapped_type, where)
        if not isinstance(wrapped, TensorType):
            raise OptcError("value-type", where, "type in a state", "a tensor", wrapped)
        return StateType(wrapped)
    if kind != "tensor":
        return UnknownType()
    tensor = proto.tensor
    if tensor.data_type not in _DTYPES:
        raise OptcError("value-type", where, "element type", "one that MIL has", f"number {tensor.data_type}")
    dims = tensor.dimensions
    if any(dim.unknown.variadic for dim in dims):
        return UnknownType()
    if tensor.rank != len(dims) or len(dims) > HIGHEST_RANK:
        raise OptcError("value-type", where, "rank", f"the number of dimensions, at most {HIGHEST_RANK}", tensor.rank)
    sizes = [dim.constant.size if dim.WhichOneof("dimension") == "constant" else UNKNOWN for dim in dims]
    if any(isinstance(size, int) and size > LARGEST_SIZE for size in sizes):
        raise OptcError("value-type", where, "dimension", f"at most {LARGEST_SIZE}", max(sizes, key=str))
    return TensorType(_DTYPES[tensor.data_type], tuple(sizes))


def type_message(kind: Type) -> mil.ValueType:
    """The message of a type; dimensions that are no numbers are unknown.

    Raises:
        OptcError: slug `value-type`: MIL has no such type.
    """
    if isinstance(kind, StateType):
        return mil.ValueType(state=mil.StateType(wrapped_type=type_message(kind.tensor)))
    if not isinstance(kind, TensorType):
        raise OptcError("value-type", "MIL", "type", "a tensor or a state", kind)
    proto = mil.TensorType(data_type=_NUMBERS[kind.dtype], rank=kind.rank)
    for dim in kind.shape:
        made = proto.dimensions.add()
        if isinstance(dim, int):
            made.constant.size = dim
        else:
            made.unknown.variadic = False
    return mil.ValueType(tensor=proto)


def tensor_of(value: mil.Value, package: Package, where: str) -> Tensor:
    """The constant tensor that a value is; what lies in a weight file stays there.

    Raises:
        OptcError: slugs `value-type`, `value`, `weight-file`, `outside-package`.
    """
    kind = type_of(value.type, where)
    if not isinstance(kind, TensorType) or not kind.is_static:
        raise OptcError("value", where, "constant", "a tensor of known shape", kind)
    shape = kind.static_shape
    if value.WhichOneof("value") == "blob_file":
        file = package.weights(value.blob_file.file_name)
        return file.tensor(value.blob_file.offset, kind.dtype, shape)
    held = value.immediate.tensor
    field = held.WhichOneof("value")
    if field is None:
        raise OptcError("value", where, "constant", "a tensor", value.WhichOneof("value") or "nothing")
    elements = int(np.prod(shape, dtype=object))
    extent = int(np.prod([max(dim, 1) for dim in shape], dtype=object))  # NumPy has no empty ones of absurd sizes
    if extent > _MOST_ELEMENTS:
        raise OptcError("value", where, "dimensions of a constant", f"at most {_MOST_ELEMENTS} together", list(shape))
    values: Any = getattr(held, field).values
    if field == "bytes" and kind.dtype not in (DType.STR, DType.BOOL):
        try:
            return Tensor.from_stored(kind.dtype, shape, values)
        except OptcError as error:
            raise error.at(where) from None
    if field != _FIELDS.get(kind.dtype) or len(values) != elements:
        expected = f"{elements} in {_FIELDS.get(kind.dtype, 'bytes')}, for {kind}"
        raise OptcError("value", where, "values of a constant", expected, f"{len(values)} in {field}")
    if kind.dtype is DType.STR:
        return Tensor.of(np.array([*values, None], np.object_)[:-1].reshape(shape), kind.dtype)
    try:
        return Tensor.of(_narrowed(np.array(values), kind.dtype).reshape(shape), kind.dtype)
    except (OverflowError, ValueError) as error:
        raise OptcError("value", where, "values of a constant", f"numbers that {kind.dtype} has", error) from None


def value_message(tensor: Tensor) -> mil.Value:
    """The immediate value that holds a tensor."""
    value = mil.Value(type=type_message(TensorType(tensor.dtype, tensor.shape)))
    held = value.immediate.tensor
    field = _FIELDS.get(tensor.dtype)
    if field is None:
        held.bytes.values = tensor.stored().tobytes()
        return value
    numbers = tensor.array().reshape(-1)
    if tensor.dtype is DType.U64:
        numbers = numbers.view(np.int64)
    place = getattr(held, field)
    place.SetInParent()  # so that the field is there when there are no elements
    place.values.extend(numbers.tolist())
    return value


def _narrowed(array: Any, dtype: DType) -> Any:
    if dtype is DType.U64:
        return array.astype(np.int64).view(np.uint64)
    if dtype.is_integer and array.size:
        least, most = dtype.integer_range
        if array.min() < least or array.max() > most:
            raise ValueError(f"from {array.min()} to {array.max()}")
    return array.astype(dtype.numpy)
