"""Laws of arithmetic and logic that hold bit for bit, also for floats, infinities and negative zeros.

Only which NaN a NaN is may change: no format and no runtime keeps that apart.
"""

import math
from collections.abc import Callable
from typing import Any

from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ops.activations import Relu
from optc.ops.bitwise import BitAnd, BitNot, BitOr, BitShift, BitXor
from optc.ops.catalog import OPS
from optc.ops.clip import Clip
from optc.ops.compare import Equal, LogicalAnd, LogicalNot, LogicalOr, LogicalXor, NotEqual, Select
from optc.ops.elementwise import Add, Div, FloorDiv, Max, Min, Mul, Sub
from optc.ops.unary import Abs, Ceil, Floor, Neg, Round, Sign
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import broadcasts_into, in_place_of, is_all, standing_for

COMMUTATIVE = tuple(op for op in OPS if op.commutative)
_ROUNDINGS = (Ceil, Floor, Round)
_IDEMPOTENT: dict[type[Op], tuple[type[Op], ...]] = {
    Relu: (Relu,), Abs: (Abs,), Sign: (Sign,), Ceil: _ROUNDINGS, Floor: _ROUNDINGS, Round: _ROUNDINGS,
}  # fmt: skip


def _constant_to_right(op: Any, match: Match) -> Replacement:
    left, right = match.definition(op.x), match.definition(op.y)
    if left is None or not left.constant or (right is not None and right.constant):
        return None
    return in_place_of(op, type(op)(op.y, op.x))


def _least(dtype: DType) -> float:
    return -math.inf if dtype.is_float else dtype.integer_range[0]


def _greatest(dtype: DType) -> float:
    return math.inf if dtype.is_float else dtype.integer_range[1]


def _all_ones(dtype: DType) -> float:
    return -1 if dtype.is_signed else dtype.integer_range[1]


def _neutral(number: Callable[[DType], float | None]) -> Callable[[Any, Match], Replacement]:
    """The rule that drops a right operand which is this number everywhere (None: there is none for this type)."""

    def apply(op: Any, match: Match) -> Replacement:
        wanted = number(op.x.tensor.dtype)
        if wanted is None or not is_all(match, op.y, wanted):
            return None
        return standing_for(op, op.x) if broadcasts_into(op.y.tensor.shape, op.x.tensor.shape) else None

    return apply


def _same_operands(op: Any, match: Match) -> Replacement:
    return standing_for(op, op.x) if op.x is op.y else None


def _minus_one(op: Mul, match: Match) -> Replacement:
    if not op.x.tensor.dtype.is_signed or not is_all(match, op.y, -1):
        return None
    return in_place_of(op, Neg(op.x)) if broadcasts_into(op.y.tensor.shape, op.x.tensor.shape) else None


def _add_negated(op: Any, match: Match) -> Replacement:
    inner = match.definition(op.y)
    if not isinstance(inner, Neg):
        return None
    return in_place_of(op, (Sub if isinstance(op, Add) else Add)(op.x, inner.x))


def _involution(op: Any, match: Match) -> Replacement:
    inner: Any = match.definition(op.x)
    return standing_for(op, inner.x) if type(inner) is type(op) else None


def _idempotent(op: Any, match: Match) -> Replacement:
    inner = match.definition(op.x)
    return standing_for(op, op.x) if isinstance(inner, _IDEMPOTENT[type(op)]) else None


def _clip_again(op: Clip, match: Match) -> Replacement:
    inner = match.definition(op.x)
    same = isinstance(inner, Clip) and Clip(inner.x, op.min, op.max) == inner
    return standing_for(op, op.x) if same else None


def _abs_of_neg(op: Abs, match: Match) -> Replacement:
    inner = match.definition(op.x)
    return in_place_of(op, Abs(inner.x)) if isinstance(inner, Neg) else None


def _negated_equal(op: LogicalNot, match: Match) -> Replacement:
    inner = match.definition(op.x)
    if not isinstance(inner, Equal | NotEqual):
        return None
    return in_place_of(op, (NotEqual if isinstance(inner, Equal) else Equal)(inner.x, inner.y))


def _select_known(op: Select, match: Match) -> Replacement:
    holds = is_all(match, op.condition, True)
    if not holds and not is_all(match, op.condition, False):
        return None
    chosen, other = (op.x, op.y) if holds else (op.y, op.x)
    shape = chosen.tensor.shape
    fits = broadcasts_into(op.condition.tensor.shape, shape) and broadcasts_into(other.tensor.shape, shape)
    return standing_for(op, chosen) if fits else None


def _select_same(op: Select, match: Match) -> Replacement:
    if op.x is not op.y or not broadcasts_into(op.condition.tensor.shape, op.x.tensor.shape):
        return None
    return standing_for(op, op.x)


ALGEBRA = (
    Rule("constant-to-right", COMMUTATIVE, _constant_to_right, "c + x -> x + c, for every commutative op"),
    Rule("add-zero", (Add,), _neutral(lambda d: -0.0 if d.is_float else 0), "x + -0.0 -> x; integers x + 0 -> x"),
    Rule("sub-zero", (Sub,), _neutral(lambda d: 0.0), "x - 0 -> x (and not x - -0.0)"),
    Rule("mul-one", (Mul,), _neutral(lambda d: 1), "x * 1 -> x"),
    Rule("mul-minus-one", (Mul,), _minus_one, "x * -1 -> -x"),
    Rule("div-one", (Div,), _neutral(lambda d: 1), "x / 1 -> x"),
    Rule("floor-div-one", (FloorDiv,), _neutral(lambda d: None if d.is_float else 1), "integers floor_div(x, 1) -> x"),
    Rule("max-least", (Max,), _neutral(_least), "max(x, -inf) -> x"),
    Rule("min-greatest", (Min,), _neutral(_greatest), "min(x, inf) -> x"),
    Rule("and-true", (LogicalAnd,), _neutral(lambda d: True), "x and true -> x"),
    Rule("or-false", (LogicalOr, LogicalXor), _neutral(lambda d: False), "x or false -> x, x xor false -> x"),
    Rule("bit-and-ones", (BitAnd,), _neutral(_all_ones), "x & 11..1 -> x"),
    Rule("bit-zero", (BitOr, BitXor, BitShift), _neutral(lambda d: 0), "x | 0 -> x, x ^ 0 -> x, x << 0 -> x"),
    Rule("same-operands", (Max, Min, LogicalAnd, LogicalOr, BitAnd, BitOr), _same_operands, "max(x, x) -> x"),
    Rule("add-negated", (Add, Sub), _add_negated, "x + (-y) -> x - y, x - (-y) -> x + y"),
    Rule("involution", (Neg, LogicalNot, BitNot), _involution, "-(-x) -> x"),
    Rule("idempotent", tuple(_IDEMPOTENT), _idempotent, "relu(relu(x)) -> relu(x), floor(round(x)) -> round(x)"),
    Rule("clip-again", (Clip,), _clip_again, "clip(clip(x, a, b), a, b) -> clip(x, a, b)"),
    Rule("abs-of-neg", (Abs,), _abs_of_neg, "abs(-x) -> abs(x)"),
    Rule("negated-equal", (LogicalNot,), _negated_equal, "not (x = y) -> x != y"),
    Rule("select-known", (Select,), _select_known, "select(true, x, y) -> x"),
    Rule("select-same", (Select,), _select_same, "select(c, x, x) -> x"),
)
"""Rows that every program may be rewritten by."""
