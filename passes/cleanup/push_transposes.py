"""Transposes moved down until they cancel."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.transposes import PUSH_TRANSPOSES


@attrs.frozen
class PushTransposes(Pass):
    """Move transposes down through elementwise ops, merge them, and drop those that cancel.

    before:  %a = transpose(%x) {perm = [0, 2, 3, 1]} : f32[n,h,w,8]
             %b = relu(%a) : f32[n,h,w,8]
             %y = transpose(%b) {perm = [0, 3, 1, 2]} : f32[n,8,h,w]
    after:   %b = relu(%x) : f32[n,8,h,w]

    A transpose passes an op if all operands are transposed alike (constants are transposed now), and nothing else needs
    the transposed operands.
    """

    name: ClassVar[str] = "push-transposes"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, PUSH_TRANSPOSES, cx.count))
