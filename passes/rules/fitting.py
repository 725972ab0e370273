"""What rules check before they put one thing in the place of another."""

import numpy as np

from optc.ir.dims import UNKNOWN, Shape
from optc.ir.op import Op
from optc.ir.types import type_refines
from optc.ir.value import Value
from optc.pipeline.rules import Match

MOST_COMPARED = 4096
"""Elements of the largest constant that a rule looks into: large weights are not read for this."""


def standing_for(op: Op, value: Value) -> Value | None:
    """The value, if it has just the type of the op's only result."""
    return value if value.type == op.result.type else None


def in_place_of(op: Op, new: Op) -> Op | None:
    """The new op, if the types of its results agree with those that the program has."""
    pairs = zip(op.results, new.results, strict=True)
    agree = all(type_refines(old.type, made.type) or type_refines(made.type, old.type) for old, made in pairs)
    return new if agree else None


def broadcasts_into(shape: Shape, target: Shape) -> bool:
    """Whether a tensor of `shape`, broadcast against one of `target`, surely leaves `target` as it is."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(a == 1 or (a == b and a != UNKNOWN) for a, b in pairs)


def is_all(match: Match, value: Value, number: float) -> bool:
    """Whether a value is a constant whose every element is `number`, bit for bit (0.0 is not -0.0)."""
    tensor = match.const(value)
    if tensor is None or not 0 < tensor.elements <= MOST_COMPARED:
        return False
    array = tensor.array()
    return array.tobytes() == np.full(array.shape, number).astype(array.dtype).tobytes()
