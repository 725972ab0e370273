"""A pass that forgets how the operators of the model's file were called."""

from typing import ClassVar

import attrs

from optc.ir.block import NODE_NAMES, Program
from optc.pipeline.passes import Pass, PassContext, option


@attrs.frozen
class DropNames(Pass):
    """Forget the names of the file's operators, or all that is known of the file."""

    name: ClassVar[str] = "drop-names"
    idempotent: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    everything: bool = option(False, help="forget all metadata")

    def run(self, program: Program, cx: PassContext) -> Program:
        kept = () if self.everything else tuple(pair for pair in program.metadata if pair[0] != NODE_NAMES)
        if kept == program.metadata:
            return program
        cx.count("forgotten", len(program.metadata) - len(kept))
        return attrs.evolve(program, metadata=kept)
