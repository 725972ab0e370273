"""Constants in a file beside the model (ONNX's external data), for models larger than one protobuf message may be."""

from pathlib import Path

import onnx
from onnx import TensorProto

from optc.formats.onnx.tensors import elem_type, tensor_to_proto
from optc.ir.block import Program
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor

MOST_INSIDE = 1 << 30
"""Bytes of constants up to which a model is one file. A message has at most 2 GiB; constants may be written twice."""
_LEAST_OUTSIDE = 1 << 10
_ALIGNMENT = 1 << 12  # a page, so that runtimes can map each tensor (onnx.proto, `external_data`)


class ExternalData:
    """What goes into the file that initializers call `location`, in order."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._end = 0
        self._parts: list[tuple[int, Tensor]] = []

    def initializer(self, tensor: Tensor, name: str) -> onnx.TensorProto:
        """The initializer that refers to the tensor here; small tensors and strings are held by it."""
        if tensor.dtype is DType.STR or tensor.stored_bytes < _LEAST_OUTSIDE:
            return tensor_to_proto(tensor, name)
        start = -(-self._end // _ALIGNMENT) * _ALIGNMENT
        self._end = start + tensor.stored_bytes
        self._parts.append((start, tensor))
        proto = onnx.TensorProto(name=name, data_type=elem_type(tensor.dtype), dims=tensor.shape)
        proto.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self.location), ("offset", start), ("length", tensor.stored_bytes)):
            proto.external_data.add(key=key, value=str(value))
        return proto

    def write(self, path: Path) -> None:
        """Write the file, a tensor at a time."""
        with path.open("wb") as file:
            for start, tensor in self._parts:
                file.seek(start)
                for piece in tensor.pieces():
                    file.write(piece.data)


def needs_external_data(program: Program) -> bool:
    """Whether the constants of the main function are too large for one file."""
    constants = (op.value for op in program.main.body.walk() if isinstance(op, Const))
    return sum(tensor.stored_bytes for tensor in constants if tensor.dtype is not DType.STR) > MOST_INSIDE
