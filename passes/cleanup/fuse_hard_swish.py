"""Hard-swish from its formula."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.swish import HARD_SWISH


@attrs.frozen
class FuseHardSwish(Pass):
    """Put `hard_swish` in place of its formula, by `clip` or by `hard_sigmoid`.

    before:  %a = add(%x, %three) : f32[n,8]
             %b = clip(%a) {min = 0.0, max = 6.0} : f32[n,8]
             %c = mul(%x, %b) : f32[n,8]
             %y = div(%c, %six) : f32[n,8]
    after:   %y = hard_swish(%x) : f32[n,8]

    The factors may come in any order. Results are the same but for rounding.
    """

    name: ClassVar[str] = "fuse-hard-swish"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, HARD_SWISH, cx.count))
