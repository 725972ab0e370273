"""Building blocks, functions and programs op by op."""

from typing import Any

import numpy as np

from optc.ir.block import Block, Function, Program
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import Type
from optc.ir.value import Value


class Builder:
    """Collects ops in order.

    b = Builder()
    x = b.param(TensorType(DType.F32, ("n", 3)), "x")
    y = b.add(Relu(x), "y")
    function = b.function("main", y=y)
    """

    def __init__(self) -> None:
        self.params: list[Value] = []
        self.ops: list[Op] = []

    def param(self, kind: Type, name: str = "") -> Value:
        """A new parameter of the block."""
        self.params.append(Value(kind, name))
        return self.params[-1]

    def append(self, op: Op) -> tuple[Value, ...]:
        """Add an op as it is; its results."""
        self.ops.append(op)
        return op.results

    def add(self, op: Op, *names: str) -> Value:
        """Add an op, naming its results if names are given; its first result."""
        return self.append(op.named(*names) if names else op)[0]

    def const(self, values: Any, name: str = "", dtype: DType | None = None) -> Value:
        """Add a constant: a `Tensor`, or an array (or number) of `dtype`."""
        tensor = values if isinstance(values, Tensor) else Tensor.of(np.asarray(values), dtype)
        return self.add(Const(tensor), name)

    def block(self, *results: Value) -> Block:
        """The block of what was added so far."""
        return Block(self.params, self.ops, results)

    def function(self, name: str = "main", **outputs: Value) -> Function:
        """The function whose outputs have these names."""
        return Function(name, self.block(*outputs.values()), tuple(outputs))

    def program(self, **outputs: Value) -> Program:
        """The program of one function, `main`."""
        return Program((self.function("main", **outputs),))
