"""Elementwise operations in MIL: arithmetic, functions, comparison and logic."""

from collections.abc import Callable, Mapping

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporter, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.targets import IOS17
from optc.ir.dtypes import Array
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import compare as c
from optc.ops import elementwise as e
from optc.ops import trigonometry as t
from optc.ops import unary as u
from optc.ops.clip import Clip, DynamicClip

BINARY: Mapping[str, type[Op]] = {
    "add": e.Add, "sub": e.Sub, "mul": e.Mul, "maximum": e.Max, "minimum": e.Min, "floor_div": e.FloorDiv,
    "mod": e.Mod, "pow": e.Pow,
    "equal": c.Equal, "not_equal": c.NotEqual, "less": c.Less, "less_equal": c.LessEqual,
    "greater": c.Greater, "greater_equal": c.GreaterEqual,
    "logical_and": c.LogicalAnd, "logical_or": c.LogicalOr, "logical_xor": c.LogicalXor,
}  # fmt: skip
UNARY: Mapping[str, type[Op]] = {
    "abs": u.Abs, "ceil": u.Ceil, "floor": u.Floor, "round": u.Round, "sign": u.Sign, "sqrt": u.Sqrt,
    "exp": u.Exp, "erf": u.Erf, "logical_not": c.LogicalNot,
    "sin": t.Sin, "cos": t.Cos, "tan": t.Tan, "asin": t.Asin, "acos": t.Acos, "atan": t.Atan,
    "sinh": t.Sinh, "cosh": t.Cosh, "tanh": t.Tanh, "atanh": t.Atanh,
}  # fmt: skip


def single(value: float, like: TensorType | Value) -> Array:
    """A number as an array of an element type."""
    kind = like.tensor if isinstance(like, Value) else like
    return np.asarray(np.array(value).astype(kind.dtype.numpy))


def numbers(b: Body, like: Value, **values: float) -> dict[str, Array]:
    """Parameters in the element type of an operand, or all in float32 where that is exact, and allowed: from iOS 17."""
    own = {name: single(value, like) for name, value in values.items()}
    exact = all(float(own[name]) == float(np.float32(value)) for name, value in values.items())
    if exact or b.target < IOS17:
        return own
    return {name: np.array(value, np.float32) for name, value in values.items()}


def _binary(op: type[Op]) -> Importer:
    build: Callable[..., Op] = op
    return lambda o: o.add(build(o.value("x"), o.value("y")))


def _unary(op: type[Op]) -> Importer:
    build: Callable[..., Op] = op
    return lambda o: o.add(build(o.value("x")))


def _shifted(op: type[Op], default: float) -> Importer:
    """The function of `x + epsilon`, unless that is nothing in the element type."""
    build: Callable[..., Op] = op

    def run(o: Operation) -> Imported:
        x = o.value("x")
        epsilon = single(o.number("epsilon", default), x)
        if epsilon > np.finfo(epsilon.dtype).tiny:
            x = o.add(e.Add(x, o.const(epsilon, x.tensor.dtype)))
        return o.add(build(x))

    return run


def _real_div(o: Operation) -> Imported:
    x, y = o.value("x"), o.value("y")
    return o.add(e.Div(x, y)) if x.tensor.dtype.is_float else None


def _square(o: Operation) -> Imported:
    x = o.value("x")
    return o.add(e.Mul(x, x))


def _threshold(o: Operation) -> Imported:
    return o.add(Clip(o.value("x"), min=o.number("alpha", 0)))


def _exp2(o: Operation) -> Imported:
    x = o.value("x")
    return o.add(e.Pow(o.const(np.array(2.0), x.tensor.dtype), x))


IMPORTERS: Mapping[str, Importer] = {
    **{name: _binary(op) for name, op in BINARY.items()},
    **{name: _unary(op) for name, op in UNARY.items()},
    "real_div": _real_div,
    "square": _square,
    "exp2": _exp2,
    "threshold": _threshold,
    "inverse": _shifted(u.Reciprocal, 1e-4),
    "log": _shifted(u.Log, 1e-45),
    "rsqrt": _shifted(u.Rsqrt, 1e-12),
    "clip": lambda o: o.add(Clip(o.value("x"), o.number("alpha", -np.inf), o.number("beta", np.inf))),
    "select": lambda o: o.add(c.Select(o.value("cond"), o.value("a"), o.value("b"))),
    "identity": lambda o: o.value("x"),
}


def _export_binary(kind: str) -> Exporter:
    return lambda op, b: b.emit(op, kind, x=op.operands[0], y=op.operands[1])


def _export_unary(kind: str) -> Exporter:
    return lambda op, b: b.emit(op, kind, x=op.operands[0])


def _export_mul(op: e.Mul, b: Body) -> None:
    if op.x is op.y and op.x.tensor.dtype.is_float:
        b.emit(op, "square", x=op.x)
    else:
        b.emit(op, "mul", x=op.x, y=op.y)


def _export_div(op: e.Div, b: Body) -> None:
    """Integers are rounded towards zero: the quotient of the absolute values, with its sign."""
    if op.x.tensor.dtype.is_float:
        b.emit(op, "real_div", x=op.x, y=op.y)
        return
    kind = op.results[0].tensor
    parts = [b.make("abs", v.tensor, x=v) for v in (op.x, op.y)]
    whole = b.make("floor_div", kind, x=parts[0], y=parts[1])
    signs = [b.make("sign", v.tensor, x=v) for v in (op.x, op.y)]
    b.emit(op, "mul", x=whole, y=b.make("mul", kind, x=signs[0], y=signs[1]))


def _export_fmod(op: e.Fmod, b: Body) -> None:
    """The remainder of the absolute values, with the sign of `x`."""
    kind = op.results[0].tensor
    parts = [b.make("abs", v.tensor, x=v) for v in (op.x, op.y)]
    rest = b.make("mod", kind, x=parts[0], y=parts[1])
    b.emit(op, "mul", x=rest, y=b.make("sign", op.x.tensor, x=op.x))


def _export_pow(op: e.Pow, b: Body) -> None:
    """MIL wants one element type."""
    y = op.y
    if y.tensor.dtype is not op.x.tensor.dtype:
        held = b.tensor(y)
        if held is None:
            raise OptcError("not-in-coreml", op.describe(), "exponent", f"a constant, or {op.x.tensor.dtype}", y.type)
        b.emit(op, "pow", x=op.x, y=held.array().astype(op.x.tensor.dtype.numpy))
        return
    b.emit(op, "pow", x=op.x, y=y)


def _export_shifted(kind: str) -> Exporter:
    """MIL would add something to `x` if it were not told to add nothing."""
    return lambda op, b: b.emit(op, kind, x=op.x, epsilon=single(0, op.x))


def _export_clip(op: Clip, b: Body) -> None:
    dtype = op.x.tensor.dtype
    if dtype.is_float and not op.min < op.max:  # `clip` wants a range
        least = b.make("maximum", op.x.tensor, x=op.x, y=single(op.min, op.x))
        b.emit(op, "minimum", x=least, y=single(op.max, op.x))
    elif not dtype.is_float:
        low, high = dtype.integer_range
        least = b.make("maximum", op.x.tensor, x=op.x, y=single(max(op.min, low), op.x))
        b.emit(op, "minimum", x=least, y=single(min(op.max, high), op.x))
    elif op.min == -np.inf:
        b.emit(op, "minimum", x=op.x, y=single(op.max, op.x))
    elif op.max == np.inf:
        b.emit(op, "threshold", x=op.x, alpha=single(op.min, op.x))
    else:
        b.emit(op, "clip", x=op.x, **numbers(b, op.x, alpha=op.min, beta=op.max))


def _export_dynamic_clip(op: DynamicClip, b: Body) -> None:
    x, kind = op.x, op.x.tensor
    given = [(name, _single(v, b)) for name, v in (("maximum", op.min), ("minimum", op.max)) if v is not None]
    if not given:
        b.alias(op.results[0], x)
        return
    if len(given) == 2:
        x = b.make("maximum", kind, x=x, y=given[0][1])
    b.emit(op, given[-1][0], x=x, y=given[-1][1])


def _single(value: Value, b: Body) -> Value:
    """A bound, of one element, as a scalar."""
    kind = value.tensor
    if not kind.rank:
        return value
    held = b.tensor(value)
    if held is not None:
        return b.constant(held.array().reshape(()), value.name)
    return b.make("squeeze", kind.with_shape(()), x=value, axes=tuple(range(kind.rank)))


def _export_is_inf(op: u.IsInf, b: Body) -> None:
    """What is infinite equals infinity."""
    kind = op.results[0].tensor
    parts = [
        b.make("equal", kind, x=op.x, y=single(sign * np.inf, op.x))
        for sign, asked in ((1, op.detect_positive), (-1, op.detect_negative)) if asked
    ]  # fmt: skip
    if not parts:
        b.emit(op, "not_equal", x=op.x, y=op.x)
    elif len(parts) == 1:
        b.alias(op.results[0], parts[0])
    else:
        b.emit(op, "logical_or", x=parts[0], y=parts[1])


def _export_inverse_hyperbolic(sign: int) -> Exporter:
    """`log(x + sqrt(x * x + sign))`: asinh (by the absolute value, and the sign) and acosh."""

    def run(op: t.Asinh | t.Acosh, b: Body) -> None:
        x, kind = op.x, op.x.tensor
        size = b.make("abs", kind, x=x) if sign > 0 else x
        square = b.make("add", kind, x=b.make("square", kind, x=size), y=single(sign, x))
        inside = b.make("add", kind, x=size, y=b.make("sqrt", kind, x=square))
        if sign < 0:
            b.emit(op, "log", x=inside, epsilon=single(0, x))
        else:
            value = b.make("log", kind, x=inside, epsilon=single(0, x))
            b.emit(op, "mul", x=value, y=b.make("sign", kind, x=x))

    return run


def _export_neg(op: u.Neg, b: Body) -> None:
    b.emit(op, "mul", x=op.x, y=single(-1, op.x))


EXPORTERS: Exporters = {
    **{op: _export_binary(name) for name, op in BINARY.items()},
    **{op: _export_unary(name) for name, op in UNARY.items()},
    e.Mul: _export_mul,
    e.Div: _export_div,
    e.Fmod: _export_fmod,
    e.Pow: _export_pow,
    u.Neg: _export_neg,
    u.Log: _export_shifted("log"),
    u.Rsqrt: _export_shifted("rsqrt"),
    u.Reciprocal: lambda op, b: b.emit(op, "real_div", x=single(1, op.x), y=op.x),
    u.IsNan: lambda op, b: b.emit(op, "not_equal", x=op.x, y=op.x),
    u.IsInf: _export_is_inf,
    t.Asinh: _export_inverse_hyperbolic(1),
    t.Acosh: _export_inverse_hyperbolic(-1),
    Clip: _export_clip,
    DynamicClip: _export_dynamic_clip,
    c.Select: lambda op, b: b.emit(op, "select", cond=op.condition, a=op.x, b=op.y),
}
