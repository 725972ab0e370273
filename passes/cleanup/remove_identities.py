"""Identities: ops that give what they are given, and chains that could be shorter."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.identities import IDENTITIES


@attrs.frozen
class RemoveIdentities(Pass):
    """Let the operand stand for a cast, reshape, transpose, slice, pad, ... that changes nothing; shorten chains.

    before:  %a = transpose(%x) {perm = [1, 0]} : f32[3,2]
             %b = transpose(%a) {perm = [1, 0]} : f32[2,3]
             %y = relu(%b) : f32[2,3]
    after:   %a = transpose(%x) {perm = [1, 0]} : f32[3,2]
             %y = relu(%x) : f32[2,3]

    The rows are in `passes.rules.identities`. What is left without a use is for `dead-code` to remove.
    """

    name: ClassVar[str] = "remove-identities"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, IDENTITIES, cx.count))
