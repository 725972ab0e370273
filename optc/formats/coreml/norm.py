"""Normalization in MIL."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.elementwise import single
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.ir.dtypes import Array
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import norm
from optc.ops.elementwise import Add, Div
from optc.ops.reduce import ReduceSumSquare
from optc.ops.unary import Sqrt


def _affine(o: Operation, channels: int) -> tuple[Value, Value]:
    """Scale and shift; ones and zeros where they are not given."""
    dtype = o.kind_of().dtype
    made = []
    for name, default in (("gamma", 1), ("beta", 0)):
        given = o.optional(name)
        made.append(given if given is not None else o.const(np.full(channels, default), dtype))
    return made[0], made[1]


def _import_batch_norm(o: Operation) -> Imported:
    mean, variance = o.value("mean"), o.value("variance")
    scale, bias = _affine(o, int(mean.tensor.static_shape[0]))
    return o.add(norm.BatchNorm(o.value("x"), scale, bias, mean, variance, epsilon=o.number("epsilon", 1e-5)))


def _import_instance_norm(o: Operation) -> Imported:
    channels = o.kind_of().shape[1]
    if not isinstance(channels, int):
        return None
    scale, bias = _affine(o, channels)
    return o.add(norm.InstanceNorm(o.value("x"), scale, bias, epsilon=o.number("epsilon", 1e-5)))


def _import_layer_norm(o: Operation) -> Imported:
    """Over trailing dimensions, in the order of the tensor."""
    rank = o.kind_of().rank
    axes = o.axes("axes", rank)
    if axes != tuple(range(rank - len(axes), rank)) or not axes:
        return None
    epsilon = o.number("epsilon", 1e-5)
    return o.add(norm.LayerNorm(o.value("x"), axes[0], o.optional("gamma"), o.optional("beta"), epsilon=epsilon))


def _import_l2_norm(o: Operation) -> Imported:
    """Over the last three dimensions."""
    x, rank = o.value("x"), o.kind_of().rank
    total = o.add(ReduceSumSquare(x, axes=tuple(range(max(0, rank - 3), rank)), keepdims=True))
    shifted = o.add(Add(total, o.const(single(o.number("epsilon", 1e-6), x), x.tensor.dtype)))
    return o.add(Div(x, o.add(Sqrt(shifted))))


IMPORTERS: Mapping[str, Importer] = {
    "batch_norm": _import_batch_norm,
    "instance_norm": _import_instance_norm,
    "layer_norm": _import_layer_norm,
    "l2_norm": _import_l2_norm,
}


def _epsilon(op: Any) -> Array:
    """Epsilon in the element type of the op; the least number that this has, if it would be 0."""
    own = single(op.epsilon, op.x)
    return own if own or not op.epsilon else np.asarray(np.finfo(own.dtype).smallest_subnormal)


def _export_batch_norm(op: norm.BatchNorm, b: Body) -> None:
    """`batch_norm` wants constants, and spatial axes; otherwise it is done step by step."""
    if op.x.tensor.rank < 3 or not all(map(b.is_constant, op.operands[1:])):
        _export_batch_norm_steps(op, b)
        return
    b.emit(
        op, "batch_norm", x=op.x, mean=op.mean, variance=op.variance, gamma=op.scale, beta=op.bias,
        epsilon=_epsilon(op),
    )  # fmt: skip


def _export_batch_norm_steps(op: norm.BatchNorm, b: Body) -> None:
    kind = op.x.tensor
    scale, bias, mean, variance = (_per_channel(v, kind, b) for v in (op.scale, op.bias, op.mean, op.variance))
    root = b.make("rsqrt", variance.tensor, x=variance, epsilon=_epsilon(op))
    even = b.make("mul", kind, x=b.make("sub", kind, x=op.x, y=mean), y=root)
    b.emit(op, "add", x=b.make("mul", kind, x=even, y=scale), y=bias)


def _export_instance_norm(op: norm.InstanceNorm, b: Body) -> None:
    """`instance_norm` wants constants, and one or two spatial axes."""
    kind = op.x.tensor
    if kind.rank > 4:
        raise OptcError("not-in-coreml", op.describe(), "rank", "3 or 4", kind)
    if not all(map(b.is_constant, (op.scale, op.bias))):
        even = b.make("instance_norm", kind, x=op.x, epsilon=_epsilon(op))
        scale, bias = (_per_channel(v, kind, b) for v in (op.scale, op.bias))
        b.emit(op, "add", x=b.make("mul", kind, x=even, y=scale), y=bias)
        return
    b.emit(op, "instance_norm", x=op.x, gamma=op.scale, beta=op.bias, epsilon=_epsilon(op))


def _export_group_norm(op: norm.GroupNorm, b: Body) -> None:
    """Groups as channels of `instance_norm`, then scale and shift of the channels."""
    kind = op.x.tensor
    batch, *rest = kind.shape
    if not all(isinstance(d, int) for d in rest):
        raise OptcError("not-in-coreml", op.describe(), "shape", "known but for the batch", kind)
    sizes = [int(str(d)) for d in rest]
    grouped = kind.with_shape((batch, op.groups, prod(sizes) // op.groups))
    runs = b.make("reshape", grouped, x=op.x, shape=(-1 if not isinstance(batch, int) else batch, *grouped.shape[1:]))
    even = b.make("instance_norm", grouped, x=runs, epsilon=_epsilon(op))
    back = b.make("reshape", kind, x=even, shape=(-1 if not isinstance(batch, int) else batch, *sizes))
    parts = [_per_channel(v, kind, b) for v in (op.scale, op.bias)]
    b.emit(op, "add", x=b.make("mul", kind, x=back, y=parts[0]), y=parts[1])


def _per_channel(value: Value, kind: TensorType, b: Body) -> Value:
    shape = (kind.shape[1], *(1,) * (kind.rank - 2))
    return b.make("reshape", kind.with_shape(shape), x=value, shape=shape)


def _export_layer_norm(op: norm.LayerNorm, b: Body) -> None:
    axes = tuple(range(op.axis, op.x.tensor.rank))
    constants = all(v is None or b.is_constant(v) for v in (op.scale, op.bias))
    if constants and (op.bias is None or op.scale is not None):
        b.emit(
            op, "layer_norm", x=op.x, axes=axes, gamma=op.scale, beta=op.bias, epsilon=_epsilon(op)
        )  # fmt: skip
        return
    value = b.make("layer_norm", op.x.tensor, x=op.x, axes=axes, epsilon=_epsilon(op))
    scaled = value if op.scale is None else b.make("mul", op.x.tensor, x=value, y=op.scale)
    b.emit(op, "add", x=scaled, y=op.bias if op.bias is not None else single(0, op.x))


def _export_rms_norm(op: norm.RmsNorm, b: Body) -> None:
    """Squares, mean, root, product."""
    kind = op.x.tensor
    reduced = kind.with_shape((*kind.shape[: op.axis], *(1,) * (kind.rank - op.axis)))
    axes = tuple(range(op.axis, kind.rank))
    mean = b.make("reduce_mean", reduced, x=b.make("square", kind, x=op.x), axes=axes, keep_dims=True)
    root = b.make("rsqrt", reduced, x=mean, epsilon=_epsilon(op))
    if op.scale is None:
        b.emit(op, "mul", x=op.x, y=root)
    else:
        b.emit(op, "mul", x=b.make("mul", kind, x=op.x, y=root), y=op.scale)


def _export_lp_normalize(op: norm.LpNormalize, b: Body) -> None:
    """Where the norm is 0 so are the elements: any divisor does."""
    kind = op.x.tensor
    reduced = kind.with_shape(tuple(1 if i == op.axis else d for i, d in enumerate(kind.shape)))
    size = b.make("reduce_l1_norm" if op.p == 1 else "reduce_l2_norm", reduced, x=op.x, axes=(op.axis,), keep_dims=True)
    least = single(float(np.finfo(kind.dtype.numpy).tiny), op.x)
    b.emit(op, "real_div", x=op.x, y=b.make("maximum", reduced, x=size, y=least))


EXPORTERS: Exporters = {
    norm.BatchNorm: _export_batch_norm,
    norm.InstanceNorm: _export_instance_norm,
    norm.GroupNorm: _export_group_norm,
    norm.LayerNorm: _export_layer_norm,
    norm.RmsNorm: _export_rms_norm,
    norm.LpNormalize: _export_lp_normalize,
}
