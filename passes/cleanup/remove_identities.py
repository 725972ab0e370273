"""Removal of ops that give back what they were given."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.identities import IDENTITIES


@attrs.frozen
class RemoveIdentities(Pass):
    """Remove casts, reshapes, transposes, slices and others that change nothing, and shorten chains of them.

    before:  %a = transpose(%x) {perm = [1, 0]} : f32[3,2]
             %b = transpose(%a) {perm = [1, 0]} : f32[2,3]
             %y = relu(%b) : f32[2,3]
    after:   %y = relu(%x) : f32[2,3]

    What became unused is left for dead-code. The rules are in `passes.rules.identities`.
    """

    name: ClassVar[str] = "remove-identities"
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, IDENTITIES, cx.count))
