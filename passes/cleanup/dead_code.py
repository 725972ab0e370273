"""Dead code: ops whose results nothing needs."""

from typing import ClassVar

import attrs

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.uses import Uses


@attrs.frozen
class DeadCode(Pass):
    """Remove ops and constants whose results nothing uses, in nested blocks too.

    before:  %unused = relu(%x) : f32[2]
             %y = neg(%x) : f32[2]
             return %y
    after:   %y = neg(%x) : f32[2]
             return %y

    Ops with an effect are kept: opaque ones, reads and writes of states, and what holds such in a nested block. Inputs
    are kept too: they belong to the signature of their function.
    """

    name: ClassVar[str] = "dead-code"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(lambda body: _remove_dead(body, cx))


def _remove_dead(body: Block, cx: PassContext) -> Block:
    uses = Uses(body)

    def visit(op: Op, out: Builder) -> tuple[()] | None:
        if not uses.is_dead(op):
            return None
        cx.count("removed")
        return ()

    return rebuild(body, visit)
