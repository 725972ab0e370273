"""Common subexpressions: what is computed twice is computed once."""

from typing import ClassVar

import attrs

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.types import Type
from optc.ir.value import Value
from optc.pipeline.passes import Pass, PassContext
from passes.cleanup.scopes import Scopes

Key = tuple[Op, tuple[Type, ...]]


@attrs.frozen
class CommonSubexpressions(Pass):
    """Use the result of the first of several equal ops on the same values; nested blocks use those round them.

    before:  %a = relu(%x) : f32[2]
             %b = relu(%x) : f32[2]
             %y = add(%a, %b) : f32[2]
    after:   %a = relu(%x) : f32[2]
             %y = add(%a, %a) : f32[2]

    Ops with an effect are kept, and so are constants: `deduplicate-weights` is for those, and says what it did.
    """

    name: ClassVar[str] = "common-subexpressions"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: _merge(body, cx))


def _merge(body: Block, cx: PassContext) -> Block:
    scopes: Scopes[Key] = Scopes(body)

    def visit(op: Op, out: Builder) -> tuple[Value, ...] | None:
        if isinstance(op, Const) or not op.results or not _is_pure(op):
            return None
        # Types that a program gives more precisely than they can be inferred are part of what an op is.
        first = scopes.first((op, tuple(value.type for value in op.results)), op)
        if first is op:
            return None
        cx.count("merged")
        return first.results

    return rebuild(body, visit)


def _is_pure(op: Op) -> bool:
    if not op.spec.regions:
        return op.pure
    return op.pure and all(inner.pure for block in op.blocks for inner in block.walk())
