"""Silu from its formula."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.swish import SILU


@attrs.frozen
class FuseSilu(Pass):
    """Put `silu` in place of its formula.

    before:  %s = sigmoid(%x) : f32[n,8]
             %y = mul(%x, %s) : f32[n,8]
    after:   %y = silu(%x) : f32[n,8]

    Results are the same but for rounding.
    """

    name: ClassVar[str] = "fuse-silu"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, SILU, cx.count))
