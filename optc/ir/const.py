"""The op that holds a constant tensor."""

from typing import Any, ClassVar

from optc.ir.fields import attribute
from optc.ir.op import Op, op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType


@op("const")
class Const(Op):
    """A constant tensor. The name of its result is the name of the weight."""

    value: Tensor = attribute()
    constant: ClassVar[bool] = True

    def infer(self) -> TensorType:
        return TensorType(self.value.dtype, self.value.shape)

    def evaluate(self) -> Any:
        return self.value.array()

    def operations(self) -> int:
        return 0
