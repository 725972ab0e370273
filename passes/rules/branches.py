"""Rules for control flow that is decided before the program runs."""

from optc.ops.control import Cond
from optc.pipeline.rules import Match, Replacement, Rule


def _known_condition(op: Cond, match: Match) -> Replacement:
    known = match.scalar(op.condition)
    if known is None:
        return None
    taken = op.then if known else op.else_
    if any(inner.type != outer.type for inner, outer in zip(taken.results, op.results, strict=True)):
        return None
    if not all(inner.results for inner in taken.ops):
        return None  # an op without a result cannot be added in front of another
    for inner in taken.ops:
        match.add(inner)
    return taken.results


BRANCHES = (Rule("known-condition", (Cond,), _known_condition, "cond(true) then a else b -> a"),)
"""Rows for `cond`."""
