"""Equal weights: constants that hold the same tensor become one."""

from collections import Counter
from typing import ClassVar

import attrs

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.pipeline.passes import Pass, PassContext
from passes.cleanup.scopes import Scopes

_SAMPLED = 64
Sample = tuple[DType, tuple[int, ...], bytes]


@attrs.frozen
class DeduplicateWeights(Pass):
    """Keep the first of several constants that hold equal tensors; nested blocks use those round them.

    before:  %tied = const() {value = f32[2] [1.0, 2.0]} : f32[2]
             %again = const() {value = f32[2] [1.0, 2.0]} : f32[2]
             %y = add(%tied, %again) : f32[2]
    after:   %tied = const() {value = f32[2] [1.0, 2.0]} : f32[2]
             %y = add(%tied, %tied) : f32[2]

    Each weight of more than one element that goes gets a remark, reason `duplicate`, that names the one that is kept.
    Only tensors that agree in type and in their first bytes are read as a whole.
    """

    name: ClassVar[str] = "deduplicate-weights"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: _deduplicate(body, cx))


def _deduplicate(body: Block, cx: PassContext) -> Block:
    samples = Counter(_sample(op.value) for op in body.walk() if isinstance(op, Const))
    scopes: Scopes[Tensor] = Scopes(body)

    def visit(op: Op, out: Builder) -> Value | None:
        if not isinstance(op, Const) or samples[_sample(op.value)] == 1:
            return None
        kept = scopes.first(op.value, op)
        if kept is op:
            return None
        _tell(op, kept.result.name, cx)
        return kept.result

    return rebuild(body, visit)


def _sample(tensor: Tensor) -> Sample:
    """What equal tensors have in common, and most others do not."""
    return tensor.dtype, tensor.shape, tensor.stored()[:_SAMPLED].tobytes()


def _tell(op: Const, kept: str, cx: PassContext) -> None:
    cx.count("merged")
    if op.value.elements > 1:
        size = op.value.stored_bytes
        cx.remark(
            op.result.name, "done", "duplicate", scheme="dense", bytes_before=size, bytes_after=0,
            numbers={"kept": kept},
        )  # fmt: skip
