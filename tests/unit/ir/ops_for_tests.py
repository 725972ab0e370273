"""A small catalog that has every form of operand, attribute and region once."""

from typing import Any, ClassVar

import numpy as np

from optc.ir.block import Block
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dims import Dim
from optc.ir.dtypes import FLOATS, NUMERIC, Array, DType
from optc.ir.fields import attribute, operand, region
from optc.ir.op import Op, RunBlock, op
from optc.ir.opaque import Opaque
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType, Type
from optc.ir.value import Value


@op("neg")
class Neg(Op):
    """One operand."""

    x: Value = operand(*FLOATS)

    def infer(self) -> TensorType:
        return self.x.tensor

    def evaluate(self, x: Array) -> Array:
        return -x


@op("add")
class Add(Op):
    """Two operands of one type."""

    x: Value = operand(*NUMERIC)
    y: Value = operand(*NUMERIC, same_as="x")

    def infer(self) -> TensorType:
        if self.x.tensor.shape != self.y.tensor.shape:
            raise self.refuse("shape-mismatch", "shape of operand y", self.x.type, self.y.type)
        return self.x.tensor

    def evaluate(self, x: Array, y: Array) -> Array:
        return np.asarray(x + y)


@op("to_half")
class ToHalf(Op):
    """A result of another type than the operand."""

    x: Value = operand()

    def infer(self) -> TensorType:
        return self.x.tensor.with_dtype(DType.F16)

    def evaluate(self, x: Array) -> Array:
        return x.astype(np.float16)


@op("split_in_two")
class SplitInTwo(Op):
    """Two results."""

    x: Value = operand()

    def infer(self) -> tuple[Type, ...]:
        half = self.x.tensor.with_shape((self.x.tensor.shape[0] // 2, *self.x.tensor.shape[1:]))
        return half, half

    def evaluate(self, x: Array) -> tuple[Array, ...]:
        return x[: len(x) // 2], x[len(x) // 2 :]


@op("nothing")
class Nothing(Op):
    """No operand, and no result."""

    pure: ClassVar[bool] = False

    def infer(self) -> tuple[Type, ...]:
        return ()

    def evaluate(self) -> tuple[Any, ...]:
        return ()


@op("places")
class Places(Op):
    """Operands of every form."""

    one: Value = operand(of="any")
    maybe: Value | None = operand(default=None)
    many: tuple[Value, ...] = operand(same_as="many", default=())
    gaps: tuple[Value | None, ...] = operand(of="any", default=())
    last: Value | None = operand(default=None)

    def infer(self) -> TensorType:
        return TensorType(DType.F32, (1,))


@op("kinds")
class Kinds(Op):
    """Attributes of every kind."""

    a_int: int = attribute(0)
    a_float: float = attribute(0.0)
    a_bool: bool = attribute(False)
    a_str: str = attribute("")
    a_dtype: DType = attribute(DType.F32)
    a_tensor: Tensor | None = attribute(None)
    a_dim: Dim = attribute(1)
    ints: tuple[int, ...] = attribute(())
    floats: tuple[float, ...] = attribute(())
    strs: tuple[str, ...] = attribute(())
    dims: tuple[Dim, ...] = attribute(())
    extras: tuple[tuple[str, Any], ...] = attribute(())
    maybe: int | None = attribute(7)
    choice: str = attribute("left", one_of=("left", "right"))
    positive: tuple[int, ...] = attribute((1,), minimum=1)

    def infer(self) -> TensorType:
        return TensorType(DType.F32)


@op("scaled")
class Scaled(Op):
    """A constexpr op: its operand must be constant, and so is its result."""

    x: Value = operand(const=True)
    factor: float = attribute()
    constant: ClassVar[bool] = True

    def infer(self) -> TensorType:
        return self.x.tensor


@op("cond")
class Cond(Op):
    """Two regions without parameters."""

    c: Value = operand(DType.BOOL)
    then: Block = region()
    other: Block = region()

    def infer(self) -> tuple[Type, ...]:
        types = tuple(v.type for v in self.then.results)
        if types != tuple(v.type for v in self.other.results):
            raise self.refuse("branch-results", "results of the branches", "of the same types")
        return types

    def execute(self, operands: tuple[Any, ...], run: RunBlock) -> tuple[Any, ...]:
        return run(self.then if operands[0] else self.other, ())


@op("twice")
class Twice(Op):
    """A region with parameters: the body is applied two times."""

    x: Value = operand()
    body: Block = region()

    def infer(self) -> Type:
        if [v.type for v in (*self.body.params, *self.body.results)] != [self.x.type] * 2:
            raise self.refuse("body-signature", "body", f"from {self.x.type} to {self.x.type}")
        return self.x.type

    def execute(self, operands: tuple[Any, ...], run: RunBlock) -> tuple[Any, ...]:
        return run(self.body, run(self.body, operands))


@op("state.set")
class SetState(Op):
    """Writes a state."""

    state: Value = operand(of="state")
    x: Value = operand()
    pure: ClassVar[bool] = False

    def infer(self) -> tuple[Type, ...]:
        return ()

    def evaluate(self, state: Any, x: Array) -> tuple[Any, ...]:
        state.array = x
        return ()


CATALOG: dict[str, type[Op]] = {
    kind.spec.name: kind
    for kind in (Const, Opaque, Neg, Add, ToHalf, SplitInTwo, Nothing, Places, Kinds, Scaled, Cond, Twice, SetState)
}

F2 = TensorType(DType.F32, (2,))


def block_of(kind: type[Op], *outside: Value) -> Block:
    """A block without parameters that yields one op on values from outside."""
    inner = Builder()
    return inner.block(inner.add(kind(*outside), "z"))
