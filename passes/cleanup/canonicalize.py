"""Canonical forms: one way to say each thing, so that other passes have fewer cases."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.algebra import ALGEBRA
from passes.rules.layout import LAYOUT
from passes.rules.static_shapes import STATIC_SHAPES

RULES = (*STATIC_SHAPES, *LAYOUT, *ALGEBRA)


@attrs.frozen
class Canonicalize(Pass):
    """Turn constant parameters into attributes, and rewrite by rules of algebra and layout that keep every bit.

    before:  %s = const() {value = i64[2] [3, 2]} : i64[2]
             %y = dynamic_reshape(%x, %s) : f32[3,2]
    after:   %y = reshape(%x) {shape = [3, 2]} : f32[3,2]

    What became unused is left for dead-code. The rules are in `passes.rules`.
    """

    name: ClassVar[str] = "canonicalize"
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, RULES, cx.count))
