"""The ops of lowered programs: a kernel on each unit, and the hand-over of a value from one unit to another."""

from collections.abc import Mapping
from typing import Any, ClassVar

from optc.ir.block import Block, Program
from optc.ir.dims import Dim
from optc.ir.dtypes import Array
from optc.ir.fields import attribute, operand, region
from optc.ir.op import Inferred, Op, RunBlock, abstract_op, op
from optc.ir.types import StateType, Type
from optc.ir.value import Value
from optc.ops.catalog import CATALOG as PROGRAM_CATALOG

UNITS = ("cpu", "gpu", "npu")


@abstract_op
class KernelOp(Op):
    """Ops that a unit runs as one: `body` takes no parameters and gives the results.

    `kind` names the kernel for people: its root op, and how it takes the weights that it expands itself (`conv_lut`);
    `tiles` is the number of pieces that its largest weight is taken in. What it computes is what its ops compute one
    after the other. It counts as having effects, as its ops may read and write states.
    """

    body: Block = region()
    kind: str = attribute()
    tiles: int = attribute(default=1, minimum=1)
    pure: ClassVar[bool] = False
    unit: ClassVar[str] = ""

    def infer(self) -> tuple[Type, ...]:
        if self.body.params:
            raise self.refuse("region-params", "number of parameters of body", 0, len(self.body.params))
        return tuple(value.type for value in self.body.results)

    def execute(self, operands: tuple[Any, ...], run: RunBlock) -> tuple[Array, ...]:
        return run(self.body, ())

    def operations(self) -> Dim:
        total: Any = 0
        for inner in self.body.ops:
            total = total + inner.operations()
        return total  # type: ignore[no-any-return]  # Dim arithmetic is typed Any


@op("cpu.kernel")
class CpuKernel(KernelOp):
    """A kernel on the processor."""

    unit: ClassVar[str] = "cpu"


@op("gpu.kernel")
class GpuKernel(KernelOp):
    """A kernel on the graphics processor."""

    unit: ClassVar[str] = "gpu"


@op("npu.kernel")
class NpuKernel(KernelOp):
    """A kernel on the neural accelerator."""

    unit: ClassVar[str] = "npu"


@op("handover")
class HandOver(Op):
    """The value `x` of the unit `source`, on the unit `target`."""

    x: Value = operand(of="any")
    source: str = attribute(one_of=UNITS)
    target: str = attribute(one_of=UNITS)

    def infer(self) -> Inferred:
        if isinstance(self.x.type, StateType):
            raise self.refuse("operand-type", "operand x", "no state", self.x.type)
        if self.source == self.target:
            raise self.refuse("handover-target", "target", "another unit than the source", self.target)
        return self.x.type

    def evaluate(self, x: Any) -> Any:
        return x

    def operations(self) -> int:
        return 0


KERNELS: Mapping[str, type[KernelOp]] = {kernel.unit: kernel for kernel in (CpuKernel, GpuKernel, NpuKernel)}
"""The kernel op of each unit."""
OPS: tuple[type[Op], ...] = (*KERNELS.values(), HandOver)
CATALOG: Mapping[str, type[Op]] = {**PROGRAM_CATALOG, **{op.op_name: op for op in OPS}}
"""Every op of a program, lowered or not, by its name in the text form."""


def is_lowered(program: Program) -> bool:
    """Whether a program has an op that only lowered programs have."""
    return any(isinstance(op, KernelOp | HandOver) for op in program.walk())
