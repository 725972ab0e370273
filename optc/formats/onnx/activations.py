"""Activation functions and softmax in ONNX; those that ONNX lacks are written as what they are made of."""

from collections.abc import Callable, Mapping

import numpy as np

from optc.formats.onnx.elementwise import one_to_one_exporter, one_to_one_importer
from optc.formats.onnx.graph import Exporter, Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import positive
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ops import activations as a
from optc.ops.elementwise import Div, Mul, Sub
from optc.ops.reduce import ReduceMax, ReduceSum
from optc.ops.softmax import LogSoftmax, Softmax
from optc.ops.unary import Exp, Log

ONE_TO_ONE: Mapping[str, type[Op]] = {
    "Relu": a.Relu, "PRelu": a.Prelu, "Sigmoid": a.Sigmoid, "HardSwish": a.HardSwish, "Softplus": a.Softplus,
    "Mish": a.Mish, "Softsign": a.Softsign,
}  # fmt: skip
# Attributes of the same names; ONNX's defaults, where they are left out, are those of the ops.
WITH_ATTRIBUTES: Mapping[str, type[Op]] = {
    "LeakyRelu": a.LeakyRelu, "Elu": a.Elu, "Selu": a.Selu, "Celu": a.Celu, "ThresholdedRelu": a.ThresholdedRelu,
    "HardSigmoid": a.HardSigmoid, "Gelu": a.Gelu,
}  # fmt: skip


def _importer(op: type[Op]) -> Importer:
    """One input, and attributes of the op's own names."""
    build: Callable[..., Op] = op
    names = [field.name for field in op.spec.attributes]
    return lambda n: n.add(build(n.input(0), **{k: n.attributes[k] for k in names if k in n.attributes}))


def _exporter(op_type: str) -> Exporter:
    """All operands are inputs, all attributes are attributes."""
    return lambda op, g: g.emit(op, op_type, op.operands, **op.attribute_values())


def _softmax(op: type[Softmax] | type[LogSoftmax]) -> Importer:
    """From opset 13 on along one axis; before, over all axes from `axis` on together."""

    def run(n: Node) -> Imported:
        rank = n.tensor(0).rank
        axis = positive(n.get("axis", -1 if n.opset >= 13 else 1), rank)
        if n.opset >= 13 or axis == rank - 1:
            return n.add(op(n.input(0), axis))
        return _joint_softmax(n, tuple(range(axis, rank)), op is LogSoftmax)

    return run


def _joint_softmax(n: Node, axes: tuple[int, ...], logarithm: bool) -> Imported:
    x = n.input(0)
    if not axes:
        return None
    shifted = n.add(Sub(x, n.add(ReduceMax(x, axes, True))))
    exponential = n.add(Exp(shifted))
    total = n.add(ReduceSum(exponential, axes, True))
    return n.add(Sub(shifted, n.add(Log(total))) if logarithm else Div(exponential, total))


def _swish(n: Node) -> Imported:
    x, alpha = n.input(0), n.get("alpha", 1.0)
    if alpha == 1.0:
        return n.add(a.Silu(x))
    scaled = n.add(Mul(x, n.const(np.array(alpha), x.tensor.dtype)))
    return n.add(Mul(x, n.add(a.Sigmoid(scaled))))


IMPORTERS: Mapping[str, Importer] = {
    **{name: one_to_one_importer(op) for name, op in ONE_TO_ONE.items()},
    **{name: _importer(op) for name, op in WITH_ATTRIBUTES.items()},
    "Softmax": _softmax(Softmax),
    "LogSoftmax": _softmax(LogSoftmax),
    "Swish": _swish,
}


def _export_silu(op: a.Silu, g: Graph) -> None:
    g.emit(op, "Mul", [op.x, g.node("Sigmoid", [g.name(op.x)])])


def _export_celu(op: a.Celu, g: Graph) -> None:
    """ONNX's operator is for f32 only; it equals alpha times the Elu of x over alpha."""
    dtype = op.x.tensor.dtype
    if dtype is DType.F32:
        g.emit(op, "Celu", [op.x], alpha=op.alpha)
        return
    alpha = g.constant(np.array(op.alpha).astype(dtype.numpy), dtype)
    g.emit(op, "Mul", [g.node("Elu", [g.node("Div", [g.name(op.x), alpha])]), alpha])


EXPORTERS: Exporters = {
    **{op: one_to_one_exporter(name) for name, op in ONE_TO_ONE.items()},
    **{op: _exporter(name) for name, op in WITH_ATTRIBUTES.items()},
    Softmax: _exporter("Softmax"),
    LogSoftmax: _exporter("LogSoftmax"),
    a.Silu: _export_silu,
    a.Celu: _export_celu,
}
