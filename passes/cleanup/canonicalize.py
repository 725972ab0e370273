"""Canonical forms: one way to say a thing, so that later passes need to know only that."""

from collections.abc import Callable
from typing import ClassVar

import attrs

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.op import Op
from optc.ir.rewriter import Visit
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import Match, Rule, rewrite
from optc.pipeline.uses import Uses
from passes.cleanup.refinement import rebuild_refined
from passes.rules.algebra import ALGEBRA
from passes.rules.branches import BRANCHES
from passes.rules.layout import LAYOUT
from passes.rules.static_shapes import STATIC_SHAPES

RULES = (*ALGEBRA, *LAYOUT, *BRANCHES)


@attrs.frozen
class Canonicalize(Pass):
    """Apply the laws of `passes.rules`: algebra, layout, decided branches, and shapes that turn out to be static.

    before:  %shape = const() {value = i64[2] [2, -1]} : i64[2]
             %rows = dynamic_reshape(%x, %shape) : f32[?,?]
             %one = const() {value = f32[] [1.0]} : f32[]
             %y = mul(%one, %rows) : f32[?,?]
             return %y
    after:   %shape = const() {value = i64[2] [2, -1]} : i64[2]
             %rows = reshape(%x) {shape = [2, -1]} : f32[2,3]
             %one = const() {value = f32[] [1.0]} : f32[]
             return %rows

    What is left without a use is for `dead-code` to remove.
    """

    name: ClassVar[str] = "canonicalize"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        while True:
            after = rebuild_refined(program, lambda body: _settling(body, cx.count), cx)
            after = after.map_bodies(lambda body: rewrite(body, RULES, cx.count))
            if after is program:
                return program
            program = after


def _settling(body: Block, tell: Callable[[str], None]) -> Visit:
    """The visit that applies the rules for static shapes, again and again to what they give."""
    uses = Uses(body)
    by_class: dict[type[Op], tuple[Rule, ...]] = {}

    def rules_for(kind: type[Op]) -> tuple[Rule, ...]:
        found = by_class.get(kind)
        if found is None:
            found = by_class[kind] = tuple(rule for rule in STATIC_SHAPES if issubclass(kind, rule.starts_at))
        return found

    def step(op: Op, match: Match) -> Op | None:
        for rule in rules_for(type(op)):
            found = rule.apply(op, match)
            if isinstance(found, Op):
                tell(rule.name)
                return found
        return None

    def visit(op: Op, out: Builder) -> Op | None:
        if out.ops:
            uses.define(out.ops[-1])  # an op of more precise type was given other values than its visit knew
        match, current = Match(uses, out), op
        while (found := step(current, match)) is not None:
            current = found
        uses.define(op)
        return None if current is op else current

    return visit
