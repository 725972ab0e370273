"""Batch normalization folded into the layer before it."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import rewrite
from passes.rules.batch_norm import FOLD_BATCH_NORM


@attrs.frozen
class FoldBatchNorm(Pass):
    """Fold batch normalization, and constant scales and shifts per channel, into the layer before.

    before:  %c = conv(%x, %w) : f32[1,8,n]
             %y = batch_norm(%c, %scale, %bias, %mean, %variance) : f32[1,8,n]
    after:   %w = const() {value = f32[8,3,3] ...} : f32[8,3,3]
             %bias = const() {value = f32[8] ...} : f32[8]
             %y = conv(%x, %w, %bias) : f32[1,8,n]

    The layer is a `conv`, `conv_transpose`, `linear` or a `matmul` by a constant matrix; its weight keeps its name. The
    new weight and bias are computed in float64 and rounded once: results are the same but for rounding. A layer stays
    as it is if something else uses its result or its weight, or if the new weight would overflow or lose precision.
    """

    name: ClassVar[str] = "fold-batch-norm"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: rewrite(body, FOLD_BATCH_NORM, cx.count))
