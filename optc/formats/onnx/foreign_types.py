"""Types of what operators compute that optc does not know, by ONNX's own shape inference.

It is native code, which a malformed model can make abort: it runs in a process of its own, and only where it is needed.
"""

import subprocess
import sys

import onnx
from google.protobuf.message import DecodeError

_MOST_BYTES = 1 << 30
_MOST_BYTES_OF_A_TENSOR = 1 << 12
_SECONDS = 30
_CHILD = """
import sys, onnx
model = onnx.ModelProto.FromString(sys.stdin.buffer.read())
sys.stdout.buffer.write(onnx.shape_inference.infer_shapes(model, data_prop=True).SerializeToString())
"""


def with_inferred_types(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy, without its larger constants, in which ONNX declares what it infers; as it is where it cannot."""
    small = onnx.ModelProto()
    small.CopyFrom(model)
    for tensor in small.graph.initializer:
        if tensor.ByteSize() > _MOST_BYTES_OF_A_TENSOR:
            kind, dims, name = tensor.data_type, list(tensor.dims), tensor.name
            tensor.Clear()
            tensor.name, tensor.data_type = name, kind
            tensor.dims.extend(dims)
    if small.ByteSize() > _MOST_BYTES:
        return model
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD], input=small.SerializeToString(), capture_output=True, timeout=_SECONDS,
            check=True,
        )  # fmt: skip
        inferred: onnx.ModelProto = onnx.ModelProto.FromString(done.stdout)
        return inferred
    except (subprocess.SubprocessError, OSError, DecodeError):
        return model
