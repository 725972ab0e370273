"""Scaled dot-product attention from its formula."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.attention import ATTENTION


@attrs.frozen
class FuseAttention(Pass):
    """Put `scaled_dot_product_attention` in place of its formula.

    before:  %t = transpose(%k) {perm = [0, 2, 1]} : f32[b,8,s]
             %a = matmul(%q, %t) : f32[b,n,s]
             %c = mul(%a, %scale) : f32[b,n,s]
             %d = add(%c, %mask) : f32[b,n,s]
             %p = softmax(%d) {axis = 2} : f32[b,n,s]
             %y = matmul(%p, %v) : f32[b,n,8]
    after:   %y = scaled_dot_product_attention(%q, %k, %v, %mask) : f32[b,n,8]

    The scores, the query or the key may be scaled, by factors or divisors; a mask, if there is one, is added. A key
    that comes transposed with its heads is transposed anew. Results are the same but for rounding.
    """

    name: ClassVar[str] = "fuse-attention"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, ATTENTION, cx.count))
