"""Samplers of recurrent layers."""

from collections.abc import Mapping
from typing import Any

from optc.ir.dtypes import FLOATS, DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.recurrent import Gru, Lstm, Recurrent
from optc.testing.source import Sampler, Source


def layer(s: Source, op: type[Recurrent]) -> dict[str, Any]:
    """Fields that both layers have, and the initial states."""
    dtype = s.choice(FLOATS)
    direction = s.choice(("forward", "reverse", "bidirectional"))
    directions = 2 if direction == "bidirectional" else 1
    steps, batch, inputs, hidden = (s.integer(1, 3) for _ in range(4))
    rows = op.gates * hidden

    def weight(size: int) -> Value:
        # Small weights: a recurrence with large ones multiplies rounding errors at each step.
        return s.constant(s.array(dtype, (directions, rows, size), -1, 1), dtype)

    fields: dict[str, Any] = {name: s.value(dtype, (directions, batch, hidden)) for name in op.states if s.boolean()}
    return fields | {
        "x": s.value(dtype, (steps, batch, inputs)),
        "weight": weight(inputs),
        "recurrent_weight": weight(hidden),
        "bias": s.value(dtype, (directions, 2 * rows)) if s.boolean() else None,
        "lengths": s.constant(s.array(DType.I32, (batch,), 0, steps), DType.I32) if s.boolean() else None,
        "direction": direction,
    }


def lstm(s: Source) -> Op:
    """All directions, optional operands present and absent."""
    return Lstm(**layer(s, Lstm))


def gru(s: Source) -> Op:
    """All directions, both places of the reset gate."""
    return Gru(**layer(s, Gru), linear_before_reset=s.boolean())


SAMPLERS: Mapping[type[Op], Sampler] = {Lstm: lstm, Gru: gru}
