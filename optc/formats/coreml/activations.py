"""Activation functions and softmax in MIL."""

from collections.abc import Callable, Mapping

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporter, Exporters
from optc.formats.coreml.elementwise import numbers, single
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ops import activations as a
from optc.ops.clip import Clip
from optc.ops.elementwise import Add, Mul
from optc.ops.softmax import LogSoftmax, Softmax
from optc.ops.trigonometry import Tanh

# Name, op, and its attributes as pairs of MIL's name and ours.
TABLE: tuple[tuple[str, type[Op], tuple[tuple[str, str], ...]], ...] = (
    ("relu", a.Relu, ()),
    ("sigmoid", a.Sigmoid, ()),
    ("silu", a.Silu, ()),
    ("softplus", a.Softplus, ()),
    ("softsign", a.Softsign, ()),
    ("leaky_relu", a.LeakyRelu, (("alpha", "alpha"),)),
    ("elu", a.Elu, (("alpha", "alpha"),)),
    ("thresholded_relu", a.ThresholdedRelu, (("alpha", "alpha"),)),
    ("sigmoid_hard", a.HardSigmoid, (("alpha", "alpha"), ("beta", "beta"))),
)
_GELUS = {"EXACT": "none", "TANH_APPROXIMATION": "tanh"}


def _importer(op: type[Op], attributes: tuple[tuple[str, str], ...]) -> Importer:
    build: Callable[..., Op] = op

    def run(o: Operation) -> Imported:
        given = {ours: o.number(theirs, np.nan) for theirs, ours in attributes if o.has(theirs)}
        return o.add(build(o.value("x"), **given))

    return run


def _exporter(kind: str, attributes: tuple[tuple[str, str], ...]) -> Exporter:
    return lambda op, b: b.emit(
        op, kind, x=op.x, **numbers(b, op.x, **{t: getattr(op, ours) for t, ours in attributes})
    )


def _import_gelu(o: Operation) -> Imported:
    mode = o.text("mode", "EXACT")
    if mode == "SIGMOID_APPROXIMATION":
        x = o.value("x")
        inner = o.add(Mul(x, o.const(single(1.702, x), x.tensor.dtype)))
        return o.add(Mul(x, o.add(a.Sigmoid(inner))))
    return o.add(a.Gelu(o.value("x"), _GELUS[mode]))


def _import_prelu(o: Operation) -> Imported:
    x, alpha = o.value("x"), o.array("alpha")
    if alpha is None or alpha.ndim != 1:
        return None
    slope = alpha.reshape(-1, *(1,) * (x.tensor.rank - 2))
    return o.add(a.Prelu(x, o.const(slope, x.tensor.dtype)))


def _import_linear(o: Operation) -> Imported:
    x = o.value("x")
    scaled = o.add(Mul(x, o.const(single(o.number("alpha", 1), x), x.tensor.dtype)))
    return o.add(Add(scaled, o.const(single(o.number("beta", 0), x), x.tensor.dtype)))


def _import_scaled_tanh(o: Operation) -> Imported:
    x = o.value("x")
    inner = o.add(Mul(x, o.const(single(o.number("beta", 1), x), x.tensor.dtype)))
    return o.add(Mul(o.add(Tanh(inner)), o.const(single(o.number("alpha", 1), x), x.tensor.dtype)))


def _import_clamped(o: Operation) -> Imported:
    """`min(beta, x)` where `x` is not negative, `min(beta, alpha * x)` elsewhere."""
    leaky = o.add(a.LeakyRelu(o.value("x"), o.number("alpha", 0)))
    return o.add(Clip(leaky, max=o.number("beta", np.inf)))


def _import_softmax(o: Operation) -> Imported:
    x = o.value("x")
    return o.add(Softmax(x, o.axis("axis", x.tensor.rank, -1)))


IMPORTERS: Mapping[str, Importer] = {
    **{name: _importer(op, attributes) for name, op, attributes in TABLE},
    "relu6": lambda o: o.add(Clip(o.value("x"), 0.0, 6.0)),
    "gelu": _import_gelu,
    "prelu": _import_prelu,
    "linear_activation": _import_linear,
    "scaled_tanh": _import_scaled_tanh,
    "clamped_relu": _import_clamped,
    "softmax": _import_softmax,
}


def _export_gelu(op: a.Gelu, b: Body) -> None:
    mode = next(theirs for theirs, ours in _GELUS.items() if ours == op.approximate)
    b.emit(op, "gelu", x=op.x, mode=mode)


def _export_prelu(op: a.Prelu, b: Body) -> None:
    """`prelu` for a constant slope per channel; otherwise a choice between `x` and its multiple."""
    x, slope = op.x.tensor, b.tensor(op.slope)
    channels = x.shape[1] if x.rank > 2 else None
    spread = x.rank != 4 and slope is not None and len(np.unique(slope.array())) > 1  # MIL has that for pictures only
    if (
        slope is not None
        and not spread
        and slope.shape in ((channels, *(1,) * (x.rank - 2)), (1, channels, *(1,) * (x.rank - 2)))
    ):
        b.emit(op, "prelu", x=op.x, alpha=slope.array().reshape(-1))
        return
    scaled = b.make("mul", x, x=op.x, y=op.slope)
    below = b.make("less", x.with_dtype(DType.BOOL), x=op.x, y=single(0, op.x))
    b.emit(op, "select", cond=below, a=scaled, b=op.x)


def _export_selu(op: a.Selu, b: Body) -> None:
    inner = b.make("elu", op.x.tensor, x=op.x, **numbers(b, op.x, alpha=op.alpha))
    b.emit(op, "mul", x=inner, y=single(op.gamma, op.x))


def _export_celu(op: a.Celu, b: Body) -> None:
    """`alpha * elu(x / alpha)`."""
    kind = op.x.tensor
    if op.alpha < 0:
        raise OptcError("not-in-coreml", op.describe(), "attribute alpha", "positive", op.alpha)
    inner = b.make("real_div", kind, x=op.x, y=single(op.alpha, op.x))
    b.emit(op, "mul", x=b.make("elu", kind, x=inner, alpha=single(1, op.x)), y=single(op.alpha, op.x))


def _export_hard_swish(op: a.HardSwish, b: Body) -> None:
    gate = b.make("sigmoid_hard", op.x.tensor, x=op.x, **numbers(b, op.x, alpha=1 / 6, beta=0.5))
    b.emit(op, "mul", x=op.x, y=gate)


def _export_mish(op: a.Mish, b: Body) -> None:
    kind = op.x.tensor
    b.emit(op, "mul", x=op.x, y=b.make("tanh", kind, x=b.make("softplus", kind, x=op.x)))


def _export_log_softmax(op: LogSoftmax, b: Body) -> None:
    kind = op.x.tensor
    reduced = kind.with_shape(tuple(1 if i == op.axis else d for i, d in enumerate(kind.shape)))
    total = b.make("reduce_log_sum_exp", reduced, x=op.x, axes=(op.axis,), keep_dims=True)
    b.emit(op, "sub", x=op.x, y=total)


EXPORTERS: Exporters = {
    **{op: _exporter(name, attributes) for name, op, attributes in TABLE},
    a.Gelu: _export_gelu,
    a.Prelu: _export_prelu,
    a.Selu: _export_selu,
    a.Celu: _export_celu,
    a.HardSwish: _export_hard_swish,
    a.Mish: _export_mish,
    Softmax: lambda op, b: b.emit(op, "softmax", x=op.x, axis=op.axis),
    LogSoftmax: _export_log_softmax,
}
