"""States: tensors that live on between predictions."""

from typing import Any, ClassVar

from optc.ir.dtypes import Array
from optc.ir.fields import operand
from optc.ir.op import Op, op
from optc.ir.types import StateType, TensorType, type_refines
from optc.ir.value import Value


def _tensor_of(state: Value) -> TensorType:
    kind = state.type
    assert isinstance(kind, StateType)  # the field check has seen to it
    return kind.tensor


@op("state.read")
class StateRead(Op):
    """The tensor that `state` holds at this point of the program."""

    state: Value = operand(of="state")
    pure: ClassVar[bool] = False

    def infer(self) -> TensorType:
        return _tensor_of(self.state)

    def evaluate(self, state: Any) -> Array:
        held: Array = state.array
        return held

    def operations(self) -> int:
        return 0


@op("state.write")
class StateWrite(Op):
    """From here on `state` holds `value`, which is of the state's element type and shape."""

    state: Value = operand(of="state")
    value: Value = operand()
    pure: ClassVar[bool] = False

    def infer(self) -> tuple[()]:
        expected = _tensor_of(self.state)
        if not type_refines(self.value.tensor, expected):
            raise self.refuse("state-type", "type of the value", expected, self.value.type)
        return ()

    def evaluate(self, state: Any, value: Array) -> tuple[()]:
        state.array = value
        return ()


OPS: tuple[type[Op], ...] = (StateRead, StateWrite)
