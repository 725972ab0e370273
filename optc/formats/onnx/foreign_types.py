"""Types of what operators compute that optc does not know, by ONNX's own shape inference.

It is native code, which a malformed model can make abort: it runs in a process of its own, and only where it is needed.
"""

import subprocess
import sys

import onnx
from google.protobuf.message import DecodeError

_MOST_BYTES = 1 << 30
_MOST_BYTES_OF_A_TENSOR = 1 << 12
_LEAST_SECONDS, _NODES_PER_SECOND = 1.5, 1_000
# What is imported takes as much as it takes; from there on a malformed model could take all that there is.
_CHILD = """
import sys, onnx
data = sys.stdin.buffer.read()
try:
    import resource
    used = 4096 * int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (used + 150_000_000 + 20 * len(data),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, OSError, ValueError):
    pass  # not Linux: time alone is limited
model = onnx.ModelProto.FromString(data)
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
            [sys.executable, "-c", _CHILD], input=small.SerializeToString(), capture_output=True, check=True,
            timeout=_LEAST_SECONDS + len(small.graph.node) / _NODES_PER_SECOND,
        )  # fmt: skip
        inferred: onnx.ModelProto = onnx.ModelProto.FromString(done.stdout)
        return inferred
    except (subprocess.SubprocessError, OSError, DecodeError):
        return model
