"""Gelu from its formula."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.gelu import GELU


@attrs.frozen
class FuseGelu(Pass):
    """Put `gelu` in place of its formula, by the error function or by the hyperbolic tangent.

    before:  %a = div(%x, %root_of_two) : f32[n,8]
             %b = erf(%a) : f32[n,8]
             %c = add(%b, %one) : f32[n,8]
             %d = mul(%x, %c) : f32[n,8]
             %y = mul(%d, %half) : f32[n,8]
    after:   %y = gelu(%x) : f32[n,8]

    The factors may come in any order. Results are the same but for rounding.
    """

    name: ClassVar[str] = "fuse-gelu"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, GELU, cx.count))
