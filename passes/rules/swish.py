"""The forms of silu and hard-swish that exporters write."""

from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.activations import HardSigmoid, HardSwish, Sigmoid, Silu
from optc.ops.clip import Clip
from optc.ops.elementwise import Div, Mul
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import in_place_of
from passes.rules.products import close, either_order, only_use, plus_number, product_of


def _silu(op: Mul, match: Match) -> Replacement:
    for x, gate in either_order(op):
        sigmoid = only_use(match, gate, Sigmoid)
        if sigmoid is not None and sigmoid.x is x:
            return in_place_of(op, Silu(x))
    return None


def _hard_swish(op: Op, match: Match) -> Replacement:
    found = product_of(op, match)
    if found is None or len(found.factors) != 2:
        return None
    for x, gate in (found.factors, found.factors[::-1]):
        factor = _gate_factor(match, x, gate)
        if factor and x.type == op.result.type and close(found.coefficient * factor, 1, x.tensor.dtype):
            return in_place_of(op, HardSwish(x))
    return None


def _gate_factor(match: Match, x: Value, gate: Value) -> float:
    """How many times `clip(x / 6 + 1 / 2, 0, 1)` the gate is: 1, 6, or 0 if it is something else."""
    sigmoid = only_use(match, gate, HardSigmoid)
    if sigmoid is not None:
        dtype = x.tensor.dtype
        return float(sigmoid.x is x and close(sigmoid.alpha, 1 / 6, dtype) and close(sigmoid.beta, 0.5, dtype))
    clip = only_use(match, gate, Clip)
    if clip is None or (clip.min, clip.max) != (0, 6):
        return 0
    return 6.0 if plus_number(match, clip.x) == (x, 3) else 0


SILU = (Rule("fuse-silu", (Mul,), _silu, "x * sigmoid(x) -> silu(x)"),)
"""Rows that make `silu`."""

HARD_SWISH = (
    Rule("fuse-hard-swish", (Mul, Div), _hard_swish, "x * clip(x + 3, 0, 6) / 6, x * hard_sigmoid(x) -> hard_swish(x)"),
)
"""Rows that make `hard_swish`."""
