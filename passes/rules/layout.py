"""Layout rules: all that only gives the elements another shape is a `reshape`."""

from typing import Any

from optc.ops.shape import Flatten, Reshaping, Squeeze, Transpose, Unsqueeze
from optc.pipeline.rules import Match, Replacement, Rule
from passes.rules.fitting import in_place_of
from passes.rules.reshaping import reshape_to


def _as_reshape(op: Reshaping, match: Match) -> Replacement:
    made = reshape_to(op.x, op.result.tensor.shape)
    return None if made is None else in_place_of(op, made)


def _moves_only_ones(op: Transpose, match: Match) -> Replacement:
    shape: Any = op.x.tensor.shape
    order = [axis for axis in op.perm if shape[axis] != 1]
    if order != sorted(order) or list(op.perm) == sorted(op.perm):
        return None
    made = reshape_to(op.x, op.result.tensor.shape)
    return None if made is None else in_place_of(op, made)


LAYOUT = (
    Rule("as-reshape", (Flatten, Squeeze, Unsqueeze), _as_reshape, "flatten(x), (un)squeeze(x) -> reshape(x)"),
    Rule("transpose-of-ones", (Transpose,), _moves_only_ones, "transpose that moves only sizes of 1 -> reshape(x)"),
)  # fmt: skip
"""Rows for shapes with at most one size that is not known."""
