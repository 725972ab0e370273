"""Normalization in ONNX."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.tensors import elem_type
from optc.formats.onnx.widened import NARROW, emit_wide, wide
from optc.ir.dims import Shape
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops import norm
from optc.ops.sizes import clash

_MOST_CHANNELS = 1 << 20
"""More are not written out for a scale that is given per group: a file may claim any number."""
_FLOAT, _DOUBLE = elem_type(DType.F32), elem_type(DType.F64)


def _epsilon(n: Node) -> float:
    return float(n.get("epsilon", 1e-5))


def _axis(n: Node) -> int:
    axis = int(n.get("axis", -1))
    return axis + n.tensor(0).rank if axis < 0 else axis


def _plain(n: Node) -> bool:
    """Whether only the first output is used, and statistics are taken in float32 or better."""
    return not any(n.outputs[1:]) and n.get("stash_type", _FLOAT) in (_FLOAT, _DOUBLE)


def _has_shape(value: Value | None, shape: Shape) -> bool:
    if value is None:
        return True
    own = value.tensor.shape
    return len(own) == len(shape) and not any(map(clash, own, shape))


def import_batch_norm(n: Node) -> Imported:
    """Training, and the form without a channel axis, are carried as they are."""
    if n.get("training_mode", 0) or not _plain(n) or n.tensor(0).rank < 2:
        return None
    x, scale, bias, mean, variance = (n.input(i) for i in range(5))
    return n.add(norm.BatchNorm(x, scale, bias, mean, variance, epsilon=_epsilon(n)))


def import_instance_norm(n: Node) -> Imported:
    """One to one."""
    if n.tensor(0).rank < 3:
        return None
    return n.add(norm.InstanceNorm(n.input(0), n.input(1), n.input(2), epsilon=_epsilon(n)))


def import_group_norm(n: Node) -> Imported:
    """Before opset 21 scale and bias had one element per group; constants are repeated for the channels."""
    groups, channels = int(n.attributes["num_groups"]), n.tensor(0).shape[1:2]
    if not _plain(n) or not channels:
        return None
    scale, bias = n.input(1), n.input(2)
    if n.opset < 21 and channels != (groups,):
        arrays = n.constant(1), n.constant(2)
        known = isinstance(channels[0], int) and channels[0] <= _MOST_CHANNELS
        if not known or groups < 1 or any(a is None for a in arrays):
            return None
        dtype, times = scale.tensor.dtype, channels[0] // groups
        scale, bias = (n.const(np.repeat(np.asarray(a), times), dtype) for a in arrays)
    return n.add(norm.GroupNorm(n.input(0), scale, bias, groups=groups, epsilon=_epsilon(n)))


def import_layer_norm(n: Node) -> Imported:
    """A scale or bias that would have to be broadcast is carried as it is."""
    x, axis, scale, bias = n.input(0), _axis(n), n.input(1), n.optional(2)
    shape = x.tensor.shape[max(axis, 0) :]
    if not _plain(n) or not (_has_shape(scale, shape) and _has_shape(bias, shape)):
        return None
    return n.add(norm.LayerNorm(x, axis, scale, bias, epsilon=_epsilon(n)))


def import_rms_norm(n: Node) -> Imported:
    """A scale that would have to be broadcast is carried as it is."""
    x, axis, scale = n.input(0), _axis(n), n.input(1)
    if not _plain(n) or not _has_shape(scale, x.tensor.shape[max(axis, 0) :]):
        return None
    return n.add(norm.RmsNorm(x, axis, scale, epsilon=_epsilon(n)))


def import_lp_normalize(n: Node) -> Imported:
    """One to one."""
    return n.add(norm.LpNormalize(n.input(0), _axis(n), p=int(n.get("p", 2))))


def export_as(op_type: str, *attributes: tuple[str, str]) -> Callable[[Any, Graph], None]:
    """All operands are inputs; `attributes` are pairs of ONNX's name and ours."""
    return lambda op, g: g.emit(op, op_type, op.operands, **{theirs: getattr(op, ours) for theirs, ours in attributes})


def export_instance_norm(op: norm.InstanceNorm, g: Graph) -> None:
    """In float32 for 16-bit floats: opset 21 has no bfloat16 form."""
    emit_wide(op, g, "InstanceNormalization", [wide(g, v) for v in op.operands], epsilon=op.epsilon)


def export_lp_normalize(op: norm.LpNormalize, g: Graph) -> None:
    """In float32 for 16-bit floats: opset 21 has no bfloat16 form."""
    emit_wide(op, g, "LpNormalization", [wide(g, op.x)], axis=op.axis, p=op.p)


def export_group_norm(op: norm.GroupNorm, g: Graph) -> None:
    """Statistics of float64 are taken in float64."""
    stash = _DOUBLE if op.x.tensor.dtype is DType.F64 else _FLOAT
    given = [op.x, op.scale, op.bias]
    g.emit(op, "GroupNormalization", given, num_groups=op.groups, epsilon=op.epsilon, stash_type=stash)


def export_layer_norm(op: norm.LayerNorm, g: Graph) -> None:
    """ONNX wants a scale: ones, if there is none."""
    scale = op.scale if op.scale is not None else _ones(op, g)
    g.emit(op, "LayerNormalization", [op.x, scale, op.bias], axis=op.axis, epsilon=op.epsilon)


def _ones(op: norm.LayerNorm, g: Graph) -> str:
    kind = op.x.tensor.with_shape(op.x.tensor.shape[op.axis :])
    one = np.ones((1,), kind.dtype.numpy)
    if kind.is_static:
        return g.constant(np.broadcast_to(one, kind.static_shape), kind.dtype)
    shape = g.node("Shape", [g.name(op.x)], start=op.axis)
    return g.node("ConstantOfShape", [shape], value=Tensor.of(one, kind.dtype))


def export_rms_norm(op: norm.RmsNorm, g: Graph) -> None:
    """Opset 21 has no such operator: squares, mean, root, quotient, all in float32 for 16-bit floats."""
    x = wide(g, op.x)
    dtype = DType.F32 if op.x.tensor.dtype in NARROW else op.x.tensor.dtype
    axes = g.constant(op.axes(), DType.I64)
    mean = g.node("ReduceMean", [g.node("Mul", [x, x]), axes], keepdims=1)
    root = g.node("Sqrt", [g.node("Add", [mean, g.constant(np.asarray(op.epsilon, dtype.numpy), dtype)])])
    if op.scale is None:
        emit_wide(op, g, "Div", [x, root])
    else:
        emit_wide(op, g, "Mul", [g.node("Div", [x, root]), wide(g, op.scale)])


IMPORTERS: Mapping[str, Importer] = {
    "BatchNormalization": import_batch_norm,
    "InstanceNormalization": import_instance_norm,
    "GroupNormalization": import_group_norm,
    "LayerNormalization": import_layer_norm,
    "RMSNormalization": import_rms_norm,
    "SimplifiedLayerNormalization": import_rms_norm,  # ONNX Runtime's own, in the standard domain
    "LpNormalization": import_lp_normalize,
}
EXPORTERS: Exporters = {
    norm.BatchNorm: export_as("BatchNormalization", ("epsilon", "epsilon")),
    norm.InstanceNorm: export_instance_norm,
    norm.GroupNorm: export_group_norm,
    norm.LayerNorm: export_layer_norm,
    norm.RmsNorm: export_rms_norm,
    norm.LpNormalize: export_lp_normalize,
}
