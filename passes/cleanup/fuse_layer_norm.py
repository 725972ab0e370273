"""Layer normalization from its formula."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.layer_norm import LAYER_NORM


@attrs.frozen
class FuseLayerNorm(Pass):
    """Put `layer_norm` in place of its formula, in the forms of PyTorch and of TensorFlow.

    before:  %m = reduce_mean(%x) {axes = [1]} : f32[n,1]
             %c = sub(%x, %m) : f32[n,8]
             %s = pow(%c, %two) : f32[n,8]
             %v = reduce_mean(%s) {axes = [1]} : f32[n,1]
             %e = add(%v, %epsilon) : f32[n,1]
             %d = sqrt(%e) : f32[n,1]
             %z = div(%c, %d) : f32[n,8]
             %t = mul(%z, %scale) : f32[n,8]
             %y = add(%t, %bias) : f32[n,8]
    after:   %y = layer_norm(%x, %scale, %bias) {axis = 1} : f32[n,8]

    Results are the same but for rounding.
    """

    name: ClassVar[str] = "fuse-layer-norm"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, LAYER_NORM, cx.count))
