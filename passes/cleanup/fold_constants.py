"""Constant folding: what depends on constants alone is computed now."""

from typing import ClassVar

import attrs

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.pipeline.passes import Pass, PassContext, option
from passes.cleanup.refinement import rebuild_refined
from passes.rules.evaluation import evaluated


@attrs.frozen
class FoldConstants(Pass):
    """Compute ops whose operands are all constants, by their reference semantics.

    before:  %a = const() {value = f32[2] [1.0, 2.0]} : f32[2]
             %b = neg(%a) : f32[2]
    after:   %a = const() {value = f32[2] [1.0, 2.0]} : f32[2]
             %b = const() {value = f32[2] [-1.0, -2.0]} : f32[2]

    Compressed weights are not expanded: constexpr ops, and `dequantize` of a constant, stay. So do ops that refuse
    their operands, ops with nested blocks, and those whose result is larger than `max_bytes` and than its operands.
    """

    name: ClassVar[str] = "fold-constants"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    max_bytes: int = option(1 << 20, minimum=0, help="size of the largest result that may be larger than its operands")

    def run(self, program: Program, cx: PassContext) -> Program:
        return rebuild_refined(program, lambda body: _Folding(body, self.max_bytes, cx).visit, cx)


class _Folding:
    """One walk over one function: the tensors of the constants that it has come past."""

    def __init__(self, body: Block, max_bytes: int, cx: PassContext) -> None:
        self.tensors: dict[Value, Tensor] = {}
        self.max_bytes = max_bytes
        self.cx = cx
        self.last_out: Builder | None = None

    def visit(self, op: Op, out: Builder) -> tuple[Value, ...] | None:
        self.note(self.last_out or out)  # the op before may stand outside of the nested block that this one is in
        self.last_out = out
        if isinstance(op, Const):
            self.tensors[op.result] = op.value
            return None
        results = evaluated(op, self.tensors.get, self.max_bytes)
        if results is None:
            return None
        self.cx.count("folded")
        return tuple(out.const(tensor) for tensor in results)

    def note(self, out: Builder) -> None:
        """Learn of the constants that were put in place of the op before; `rebuild` gave them their values."""
        for op in reversed(out.ops):
            if not isinstance(op, Const) or op.result in self.tensors:
                break
            self.tensors[op.result] = op.value
