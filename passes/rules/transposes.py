"""Transposes moved towards the outputs, through ops that treat each element alone, until they meet and cancel.

A transpose moves down if every other operand of the op is transposed alike or is a constant, and if nothing else needs
it: then there is never more to do than before. A constant is transposed the other way at compile time.
"""

import numpy as np

from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops import activations, bitwise, compare, elementwise, trigonometry, unary
from optc.ops.cast import Cast
from optc.ops.clip import Clip
from optc.ops.shape import Transpose
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import in_place_of
from passes.rules.identities import IDENTITIES

_FAMILIES = (elementwise, unary, activations, trigonometry, bitwise, compare)
ELEMENTWISE: tuple[type[Op], ...] = (
    *(op for family in _FAMILIES for op in family.OPS if op is not activations.Prelu), Cast, Clip,
)  # fmt: skip
"""Ops whose result has at each place what they make of the (broadcast) elements there, in any order of the operands'
dimensions. Not prelu: its slope is not broadcast both ways."""

_MOST_TURNED = 1 << 16
"""Elements of the largest constant that is stored in another order to let a transpose pass."""


def _push(op: Op, match: Match) -> Replacement:
    perm = _common_order(op, match)
    if perm is None:
        return None
    turned: dict[Value, Value] = {}
    for value in op.operands:
        before = _before(match, value, perm)
        if before is None:
            return None
        turned[value] = before
    made = op.with_operands(lambda value: turned[value]).evolve(results=())
    return in_place_of(op, Transpose(match.add(made, op.result.name), perm))


def _common_order(op: Op, match: Match) -> tuple[int, ...] | None:
    """The order of the first operand that is transposed and as large as the result (so that what is transposed does not
    grow)."""
    for value in op.operands:
        inner = match.definition(value)
        if isinstance(inner, Transpose) and value.tensor.shape == op.result.tensor.shape:
            return inner.perm
    return None


def _before(match: Match, value: Value, perm: tuple[int, ...]) -> Value | None:
    """The value which, transposed to this order, broadcasts as `value` does; None if it is not at hand."""
    inner = match.definition(value)
    if isinstance(inner, Transpose):
        return inner.x if inner.perm == perm and match.single_use(value) else None
    tensor = match.const(value)
    if tensor is None or len(tensor.shape) > len(perm):
        return None
    if tensor.elements == 1:
        return value
    if tensor.elements > _MOST_TURNED or not match.single_use(value):
        return None
    array = tensor.array()
    array = array.reshape((1,) * (len(perm) - array.ndim) + array.shape)
    return match.constant(Tensor.of(array.transpose(np.argsort(perm)), tensor.dtype), value.name)


PUSH_TRANSPOSES = (
    *(rule for rule in IDENTITIES if rule.starts_at == (Transpose,)),
    Rule("push-transpose", ELEMENTWISE, _push, "f(transpose(x), transpose(y)) -> transpose(f(x, y))"),
)
"""Rows that cancel and merge transposes, and move them down."""
