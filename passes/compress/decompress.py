"""Compressed weights become dense again."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops.weights import weights_of
from optc.pipeline.passes import Pass, PassContext


@attrs.frozen
class Decompress(Pass):
    """Store each compressed weight as the dense tensor that it expands to.

    before:  %w.indices = const() {value = u4[64,32] ...} : u4[64,32]
             %w.lut = const() {value = f32[1,1,16,1] ...} : f32[1,1,16,1]
             %w = constexpr.lut_to_dense(%w.indices, %w.lut) : f32[64,32]
    after:   %w = const() {value = f32[64,32] ...} : f32[64,32]

    Each weight gets a remark, `expanded` or `not-compressed`. What weights were made of is for `dead-code` to remove.
    """

    name: ClassVar[str] = "decompress"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def run(self, program: Program, cx: PassContext) -> Program:
        found = {weight.value: weight for weight in weights_of(program)}
        total = sum(weight.dense_bytes for weight in found.values() if weight.scheme != "dense")
        sizes: list[int] = []

        def visit(op: Op, out: Builder) -> Op | tuple[Value, ...] | None:
            weight = next((found[value] for value in op.results if value in found), None)
            if weight is None:
                return None
            before, after = weight.stored_bytes, weight.dense_bytes
            if weight.scheme == "dense":
                cx.remark(
                    weight.name, "skipped", "not-compressed", scheme="dense", bytes_before=before, bytes_after=after
                )
                return None
            cx.remark(weight.name, "done", "expanded", scheme=weight.form, bytes_before=before, bytes_after=after)
            cx.count("expanded")
            dense = Const(Tensor.of(weight.expanded(), weight.value.tensor.dtype))
            sizes.append(after)
            cx.progress(sum(sizes), total)
            if len(op.results) == 1:
                return dense
            out.append(op)
            values = [*op.results]
            values[values.index(weight.value)] = out.add(dense, weight.value.name)
            return tuple(values)

        return program.map_bodies(lambda body: rebuild(body, visit))
