"""Element types and tensors of ONNX, as optc's and back."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from optc.errors import OptcError
from optc.ir.dtypes import DType
from optc.ir.tensor import InFile, Tensor
from optc.ir.types import HIGHEST_RANK

_ELEM_TYPES = {
    DType.BOOL: TensorProto.BOOL, DType.STR: TensorProto.STRING,
    DType.I4: TensorProto.INT4, DType.I8: TensorProto.INT8, DType.I16: TensorProto.INT16,
    DType.I32: TensorProto.INT32, DType.I64: TensorProto.INT64,
    DType.U2: TensorProto.UINT2, DType.U4: TensorProto.UINT4, DType.U8: TensorProto.UINT8,
    DType.U16: TensorProto.UINT16, DType.U32: TensorProto.UINT32, DType.U64: TensorProto.UINT64,
    DType.F16: TensorProto.FLOAT16, DType.BF16: TensorProto.BFLOAT16,
    DType.F32: TensorProto.FLOAT, DType.F64: TensorProto.DOUBLE,
    DType.F8E4M3: TensorProto.FLOAT8E4M3FN, DType.F8E5M2: TensorProto.FLOAT8E5M2,
}  # fmt: skip
_DTYPES: dict[int, DType] = {number: dtype for dtype, number in _ELEM_TYPES.items()}
_TYPED_FIELDS = {
    DType.F32: "float_data", DType.F64: "double_data", DType.I64: "int64_data",
    DType.U32: "uint64_data", DType.U64: "uint64_data", DType.STR: "string_data",
}  # fmt: skip
MAX_ELEMENTS = 1 << 40


def elem_type(dtype: DType) -> int:
    """ONNX's number for an element type.

    Raises:
        OptcError: slug `onnx-dtype`: ONNX has no such element type.
    """
    if dtype not in _ELEM_TYPES:
        raise OptcError("onnx-dtype", "ONNX", "element type", "one that ONNX has", dtype)
    return _ELEM_TYPES[dtype]


def is_known(number: int) -> bool:
    """Whether ONNX's number is one of an element type that optc has."""
    return number in _DTYPES


def dtype_of(number: int, where: str) -> DType:
    """The element type of ONNX's number.

    Raises:
        OptcError: slug `onnx-dtype`: optc has no such element type.
    """
    if number not in _DTYPES:
        raise OptcError("onnx-dtype", where, "element type", "one that optc has", f"number {number}")
    return _DTYPES[number]


def tensor_to_proto(tensor: Tensor, name: str) -> onnx.TensorProto:
    """The tensor as an initializer (raw data; strings in their own field)."""
    proto = onnx.TensorProto(name=name, data_type=elem_type(tensor.dtype), dims=tensor.shape)
    if tensor.dtype is DType.STR:
        proto.string_data.extend(s.encode("utf-8", "surrogateescape") for s in tensor.array().reshape(-1))
    else:
        proto.raw_data = tensor.stored().tobytes()
    return proto


def tensor_of_proto(proto: onnx.TensorProto, folder: Path | None, where: str) -> Tensor:
    """The tensor that an initializer or attribute holds; external data stay in their file.

    Raises:
        OptcError: the data do not fit the declared shape, or lie outside the model's folder.
    """
    where = f"{where}: tensor {proto.name}"
    dtype = dtype_of(proto.data_type, where)
    shape = tuple(proto.dims)
    if len(shape) > HIGHEST_RANK:
        raise OptcError("tensor-shape", where, "rank", f"at most {HIGHEST_RANK}", len(shape))
    elements = 0 if 0 in shape else 1
    extent = 1  # of an empty tensor, too: NumPy has none of absurd sizes
    for dim in shape:
        elements *= dim
        extent *= max(dim, 1)
        if dim < 0 or extent > MAX_ELEMENTS:
            raise OptcError("tensor-shape", where, "shape", "of dimensions from 0 on and a sane size", list(shape))
    if proto.data_location == TensorProto.EXTERNAL:
        return _external(proto, dtype, shape, folder, where)
    if dtype is DType.STR:
        texts = [s.decode("utf-8", "surrogateescape") for s in proto.string_data]
        if len(texts) != elements:
            raise OptcError("tensor-size", where, "number of strings", str(elements), len(texts))
        return Tensor.of(np.array(texts, np.object_).reshape(shape), dtype)
    if proto.HasField("raw_data"):
        try:
            return Tensor.from_stored(dtype, shape, proto.raw_data)
        except OptcError as error:
            raise error.at(where) from None
    return _typed(proto, dtype, shape, elements, where)


def _typed(proto: onnx.TensorProto, dtype: DType, shape: tuple[int, ...], elements: int, where: str) -> Tensor:
    """Data in one of the typed fields; narrow types lie in `int32_data`, 16-bit floats as their bits."""
    field = getattr(proto, _TYPED_FIELDS.get(dtype, "int32_data"))
    stored_in_bits = dtype.bits < 32 and (dtype.is_float or dtype.is_sub_byte)
    per_item = 8 // dtype.bits if dtype.is_sub_byte else 1
    expected = -(-elements // per_item)
    if len(field) != expected:
        raise OptcError("tensor-size", where, "number of data items", str(expected), len(field))
    if stored_in_bits:
        unit = np.uint8 if dtype.bits <= 8 else np.uint16
        bits = np.array(field, np.int64).astype(unit)
        return Tensor.from_stored(dtype, shape, np.ascontiguousarray(bits).view(np.uint8))
    return Tensor.of(np.array(field, dtype.numpy).reshape(shape), dtype)


def _external(proto: onnx.TensorProto, dtype: DType, shape: tuple[int, ...], folder: Path | None, where: str) -> Tensor:
    entries = {entry.key: entry.value for entry in proto.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise OptcError("external-data", where, "external data", "beside a model that was read from a file")
    root = folder.resolve()
    try:
        path = (root / location).resolve()
        fine = bool(location) and not Path(location).is_absolute() and root in path.parents and path.is_file()
    except (OSError, ValueError, RuntimeError):  # names that are too long or have a zero byte, links in a circle
        fine = False
    if not fine:
        raise OptcError("external-data", where, "file of external data", f"a file inside {folder}", location)
    size = dtype.packed_bytes(int(np.prod(shape, dtype=object)))
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    except ValueError:
        raise OptcError("external-data", where, "offset and length", "integers", str(entries)) from None
    if length != size or offset < 0 or offset + size > path.stat().st_size:
        raise OptcError(
            "external-data", where, "byte range of external data",
            f"{size} bytes inside {location}", f"{length} bytes from {offset} of {path.stat().st_size}",
        )  # fmt: skip
    return Tensor(dtype, shape, InFile(path, offset, size))
