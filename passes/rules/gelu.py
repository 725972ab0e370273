"""The forms of gelu that exporters write, by the error function and by the hyperbolic tangent."""

import math

from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.activations import Gelu
from optc.ops.elementwise import Add, Div, Mul
from optc.ops.trigonometry import Tanh
from optc.ops.unary import Erf
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import in_place_of
from passes.rules.products import close, either_order, only_use, plus_number, product, product_of

_CUBIC = 0.044715
_TANH_SCALE = math.sqrt(2 / math.pi)


def _gelu(op: Op, match: Match) -> Replacement:
    found = product_of(op, match)
    if found is None or len(found.factors) != 2 or not close(found.coefficient, 0.5, op.result.tensor.dtype):
        return None
    for x, gate in (found.factors, found.factors[::-1]):
        if x.type == op.result.type and (approximate := _approximate(match, x, gate)):
            return in_place_of(op, Gelu(x, approximate))
    return None


def _approximate(match: Match, x: Value, gate: Value) -> str:
    """Which gelu of `x` has `gate` as its factor `1 + ...`; empty if none."""
    shifted = plus_number(match, gate)
    if shifted is None or shifted[1] != 1:
        return ""
    erf, tanh = only_use(match, shifted[0], Erf), only_use(match, shifted[0], Tanh)
    if erf is not None and _is_scaled(match, erf.x, math.sqrt(0.5), (x,)):
        return "none"
    return "tanh" if tanh is not None and _is_tanh_argument(match, tanh.x, x) else ""


def _is_scaled(match: Match, value: Value, coefficient: float, factors: tuple[Value, ...]) -> bool:
    """Whether a value is the product of a number near `coefficient` and just these factors."""
    found = product(match, value)
    return found.factors == factors and close(found.coefficient, coefficient, value.tensor.dtype)


def _is_tanh_argument(match: Match, value: Value, x: Value) -> bool:
    """Whether a value is `sqrt(2 / pi) * (x + 0.044715 * x**3)`, or the same with `x` drawn out."""
    found = product(match, value)
    if not close(found.coefficient, _TANH_SCALE, value.tensor.dtype):
        return False
    match found.factors:
        case (total,):
            return _is_cubic(match, total, x)
        case (a, b):
            return any(one is x and _is_one_and_square(match, other, x) for one, other in ((a, b), (b, a)))
    return False


def _is_cubic(match: Match, value: Value, x: Value) -> bool:
    add = only_use(match, value, Add)
    pairs = either_order(add) if add is not None else ()
    return any(a is x and _is_scaled(match, b, _CUBIC, (x, x, x)) for a, b in pairs)


def _is_one_and_square(match: Match, value: Value, x: Value) -> bool:
    shifted = plus_number(match, value)
    return shifted is not None and shifted[1] == 1 and _is_scaled(match, shifted[0], _CUBIC, (x, x))


GELU = (
    Rule("fuse-gelu", (Mul, Div), _gelu, "0.5 * x * (1 + erf(x / sqrt(2))) -> gelu(x), likewise with tanh"),
)  # fmt: skip
"""Rows that make `gelu`."""
