"""Elementwise ops in ONNX: arithmetic, functions, bits, comparison and logic."""

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np

from optc.formats.onnx.graph import Exporter, Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import add_settled
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops import bitwise as b
from optc.ops import compare as c
from optc.ops import elementwise as e
from optc.ops import trigonometry as t
from optc.ops import unary as u
from optc.ops.clip import Clip, DynamicClip


def one_to_one_importer(op: type[Op]) -> Importer:
    """Inputs are operands, in order; no attributes."""
    build: Callable[..., Op] = op
    return lambda n: n.add(build(*(n.input(i) for i in range(len(op.spec.operands)))))


def one_to_one_exporter(op_type: str) -> Exporter:
    """All operands are inputs, in order; no attributes."""
    return lambda op, g: g.emit(op, op_type, op.operands)


ONE_TO_ONE: Mapping[str, type[Op]] = {
    "Add": e.Add, "Sub": e.Sub, "Mul": e.Mul, "Div": e.Div,
    "Abs": u.Abs, "Neg": u.Neg, "Sign": u.Sign, "Ceil": u.Ceil, "Floor": u.Floor, "Round": u.Round,
    "Sqrt": u.Sqrt, "Reciprocal": u.Reciprocal, "Exp": u.Exp, "Log": u.Log, "Erf": u.Erf, "IsNaN": u.IsNan,
    "Sin": t.Sin, "Cos": t.Cos, "Tan": t.Tan, "Asin": t.Asin, "Acos": t.Acos, "Atan": t.Atan,
    "Sinh": t.Sinh, "Cosh": t.Cosh, "Tanh": t.Tanh, "Asinh": t.Asinh, "Acosh": t.Acosh, "Atanh": t.Atanh,
    "BitwiseAnd": b.BitAnd, "BitwiseOr": b.BitOr, "BitwiseXor": b.BitXor, "BitwiseNot": b.BitNot,
    "Equal": c.Equal, "Less": c.Less, "LessOrEqual": c.LessEqual,
    "Greater": c.Greater, "GreaterOrEqual": c.GreaterEqual,
    "And": c.LogicalAnd, "Or": c.LogicalOr, "Xor": c.LogicalXor, "Not": c.LogicalNot, "Where": c.Select,
}  # fmt: skip


def _variadic(op: type[e.Binary]) -> Importer:
    """One or more inputs, combined from the left."""
    build: Callable[[Value, Value], Op] = op

    def run(n: Node) -> Imported:
        return reduce(lambda x, y: n.add(build(x, y)), (n.input(i) for i in range(1, len(n.inputs))), n.input(0))

    return run


def _mean(n: Node) -> Imported:
    total = _variadic(e.Add)(n)
    assert isinstance(total, Value)  # what _variadic gives
    return n.add(e.Div(total, n.const(np.array(len(n.inputs)), total.tensor.dtype)))


def _mod(n: Node) -> Imported:
    x, y = n.input(0), n.input(1)
    if n.get("fmod", 0):
        return n.add(e.Fmod(x, y))
    return n.add(e.Mod(x, y))


def _is_inf(n: Node) -> Imported:
    return n.add(u.IsInf(n.input(0), bool(n.get("detect_negative", 1)), bool(n.get("detect_positive", 1))))


def _bit_shift(n: Node) -> Imported:
    return n.add(b.BitShift(n.input(0), n.input(1), str(n.get("direction", "")).lower()))


IMPORTERS: Mapping[str, Importer] = {
    **{name: one_to_one_importer(op) for name, op in ONE_TO_ONE.items()},
    "Min": _variadic(e.Min),
    "Max": _variadic(e.Max),
    "Sum": _variadic(e.Add),
    "Mean": _mean,
    "Mod": _mod,
    "Pow": one_to_one_importer(e.Pow),
    "Clip": lambda n: add_settled(n, DynamicClip, n.input(0), n.optional(1), n.optional(2)),
    "IsInf": _is_inf,
    "BitShift": _bit_shift,
}


def _export_rsqrt(op: u.Rsqrt, g: Graph) -> None:
    g.emit(op, "Reciprocal", [g.node("Sqrt", [g.name(op.x)])])


def _export_floor_div(op: e.FloorDiv, g: Graph) -> None:
    """Integers are divided without a remainder, which rounds the same way in every runtime."""
    x, y = g.name(op.x), g.name(op.y)
    if op.x.tensor.dtype.is_float:
        g.emit(op, "Floor", [g.node("Div", [x, y])])
    else:
        g.emit(op, "Div", [g.node("Sub", [x, g.node("Mod", [x, y])]), y])


def _export_mod(op: e.Mod, g: Graph) -> None:
    """ONNX has this remainder for integers only; for floats it is that of the other sign rule, put right."""
    x, y = g.name(op.x), g.name(op.y)
    if not op.x.tensor.dtype.is_float:
        g.emit(op, "Mod", [x, y])
        return
    rest = g.node("Mod", [x, y], fmod=1)
    zero = g.constant(np.zeros((), op.x.tensor.dtype.numpy))
    other_sign = g.node("Less", [g.node("Mul", [g.node("Sign", [rest]), g.node("Sign", [y])]), zero])
    g.emit(op, "Where", [other_sign, g.node("Add", [rest, y]), rest])


_EXPONENTS = (DType.I32, DType.I64, DType.F32, DType.F64)


def _export_pow(op: e.Pow, g: Graph) -> None:
    """Runtimes take few types of exponents, unless it is that of the base; others are widened first."""
    x, y = op.x.tensor.dtype, op.y.tensor.dtype
    if y in _EXPONENTS or x is y:
        g.emit(op, "Pow", [op.x, op.y])
        return
    wider = DType.F32 if y.is_float else DType.F64 if y is DType.U64 else DType.I64
    g.emit(op, "Pow", [op.x, g.node("Cast", [g.name(op.y)], to=wider)])


def _export_clip(op: Clip, g: Graph) -> None:
    dtype = op.x.tensor.dtype

    def bound(value: float) -> str:
        return g.constant(np.array(int(value) if dtype.is_integer else value).astype(dtype.numpy), dtype)

    low = bound(op.min) if op.min != -np.inf else None
    high = bound(op.max) if op.max != np.inf else None
    g.emit(op, "Clip", [op.x, low, high])


def _single(g: Graph, value: Value | None) -> str:
    """The name of a bound as a scalar."""
    if value is None or value.tensor.rank == 0:
        return g.name(value)
    return g.node("Reshape", [g.name(value), g.constant(np.zeros(0, np.int64), DType.I64)])


EXPORTERS: Exporters = {
    **{op: one_to_one_exporter(name) for name, op in ONE_TO_ONE.items()},
    e.Min: one_to_one_exporter("Min"),
    e.Max: one_to_one_exporter("Max"),
    e.Fmod: lambda op, g: g.emit(op, "Mod", op.operands, fmod=1),
    e.Mod: _export_mod,
    e.Pow: _export_pow,
    e.FloorDiv: _export_floor_div,
    u.Rsqrt: _export_rsqrt,
    u.IsInf: lambda op, g: g.emit(
        op, "IsInf", op.operands, detect_negative=op.detect_negative, detect_positive=op.detect_positive
    ),
    b.BitShift: lambda op, g: g.emit(op, "BitShift", op.operands, direction=op.direction.upper()),
    c.NotEqual: lambda op, g: g.emit(op, "Not", [g.node("Equal", [g.name(op.x), g.name(op.y)])]),
    Clip: _export_clip,
    DynamicClip: lambda op, g: g.emit(op, "Clip", [op.x, _single(g, op.min), _single(g, op.max)]),
}
