"""Small ops, passes and programs for the tests of the pipeline."""

from typing import Any, ClassVar

import attrs

from optc.errors import OptcError, UsageError
from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.fields import operand, region
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.pipeline.catalog import Catalog
from optc.pipeline.passes import Pass, PassContext, option

F32 = TensorType(DType.F32, (2,))


@abstract_op
class ToyUnary(Op):
    x: Value = operand()

    def infer(self) -> TensorType:
        return self.x.tensor


@op("toy.neg")
class Neg(ToyUnary):
    pass


@op("toy.relu")
class Relu(ToyUnary):
    pass


@op("toy.widen")
class Widen(ToyUnary):
    def infer(self) -> TensorType:
        return TensorType(DType.F64, self.x.tensor.shape)


@op("toy.add")
class Add(Op):
    x: Value = operand()
    y: Value = operand(same_as="x")

    def infer(self) -> TensorType:
        return self.x.tensor


@op("toy.pair")
class Pair(Op):
    x: Value = operand()
    y: Value = operand()

    def infer(self) -> tuple[TensorType, TensorType]:
        return (self.x.tensor, self.y.tensor)


@op("toy.hold")
class Hold(Op):
    body: Block = region()

    def infer(self) -> tuple[Any, ...]:
        return tuple(value.type for value in self.body.results)


@op("toy.log")
class Log(Op):
    x: Value = operand()
    pure: ClassVar[bool] = False

    def infer(self) -> tuple[Any, ...]:
        return ()


def chain(length: int) -> Program:
    """x -> neg -> neg -> ... -> y"""
    b = Builder()
    value = b.param(F32, "x")
    for number in range(length):
        value = b.add(Neg(value), f"v{number}")
    return b.program(y=value)


def length_of(program: Program) -> int:
    return len(program.main.body.ops)


@attrs.frozen
class Keep(Pass):
    """Changes nothing."""

    name: ClassVar[str] = "keep"

    def run(self, program: Program, cx: PassContext) -> Program:
        cx.count("runs")
        return program


@attrs.frozen
class Shorten(Pass):
    """Leaves `down_to` ops of a chain, taking off `by` of them at each run."""

    name: ClassVar[str] = "shorten"
    by: int = option(1, minimum=1, maximum=9)
    down_to: int = option(0, minimum=0)

    def run(self, program: Program, cx: PassContext) -> Program:
        length = max(self.down_to, length_of(program) - self.by)
        if length >= length_of(program):
            cx.remark("x", "skipped", "short-enough", numbers={"ops": length})
            return program
        cx.remark("x", "done", "shortened", numbers={"ops": length})
        return chain(length)


@attrs.frozen
class Fail(Pass):
    """Fails in the way it is told to."""

    name: ClassVar[str] = "fail"
    how: str = option("crash", one_of=("crash", "refuse", "usage", "nothing"))

    def run(self, program: Program, cx: PassContext) -> Program:
        if self.how == "crash":
            raise ZeroDivisionError("division\nby zero")
        if self.how == "refuse":
            raise OptcError("too-long", "op %v0 = neg", "chain", "short", 3, "cut it", "1 | neg")
        if self.how == "usage":
            raise UsageError("no-such-weight", "option weight", "name", "a weight", "w")
        return None  # type: ignore[return-value]  # the point of it: a pass that is wrong


@attrs.frozen
class Many(Pass):
    """Has an option of each kind, one of which must be given."""

    name: ClassVar[str] = "many"
    needed: int = option(help="no default")
    ratio: float = option(0.5, minimum=0.0, maximum=1.0)
    scale: float = option(1.0)
    strict: bool = option(False)
    mode: str = option("kmeans", one_of=("kmeans", "uniform", "two words"))
    note: str = option("")
    limit: int | None = option(None, minimum=0)
    title: str | None = option(None)
    sizes: tuple[int, ...] = option((), minimum=1)
    ratios: tuple[float, ...] = option((0.25,))
    flags: tuple[bool, ...] | None = option(None)
    names: tuple[str, ...] = option(("a",))

    def run(self, program: Program, cx: PassContext) -> Program:
        return program


@attrs.frozen
class Ordered(Pass):
    """Has a rule between two options."""

    name: ClassVar[str] = "ordered"
    low: int = option(0)
    high: int = option(9)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.low > self.high:
            raise UsageError("low-above-high", "pass ordered", "option low", f"at most high, {self.high}", self.low)

    def run(self, program: Program, cx: PassContext) -> Program:
        return program


CATALOG = Catalog(
    (Keep, Shorten, Fail, Many, Ordered),
    {"tidy": "keep,fixpoint(shorten{by=2})", "tidy-twice": "@tidy,tidy", "loop": "keep,@pool", "pool": "@loop"},
)
