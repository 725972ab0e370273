"""States are read and written in the order of the program."""

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.interpreter import Cell, interpret
from optc.ir.types import StateType, TensorType
from optc.ir.value import Value
from optc.ops.elementwise import Add
from optc.ops.state import StateRead, StateWrite

KIND = TensorType(DType.F32, (2,))


def test_a_read_gives_what_was_written_before_it_and_the_state_outlives_the_run() -> None:
    b = Builder()
    state, x = b.param(StateType(KIND), "s"), b.param(KIND, "x")
    before = b.add(StateRead(state))
    b.append(StateWrite(state, b.add(Add(before, x))))
    program = b.program(before=before, after=b.add(StateRead(state)))
    cell = Cell(np.array([1, 2], np.float32))
    one = np.ones(2, np.float32)
    first = interpret(program, {"x": one}, states={"s": cell})
    second = interpret(program, {"x": one}, states={"s": cell})
    assert [first["before"].tolist(), first["after"].tolist()] == [[1, 2], [2, 3]]
    assert second["after"].tolist() == [3, 4]


def test_ops_on_states_may_not_be_removed_or_moved() -> None:
    assert not StateRead.pure
    assert not StateWrite.pure


@pytest.mark.parametrize("kind", [TensorType(DType.F32, (3,)), TensorType(DType.F16, (2,)), TensorType(DType.F32)])
def test_a_value_of_another_type_cannot_be_written(kind: TensorType) -> None:
    with pytest.raises(OptcError) as caught:
        StateWrite(Value(StateType(KIND)), Value(kind))
    assert caught.value.slug == "state-type"


def test_a_tensor_is_not_a_state() -> None:
    with pytest.raises(OptcError) as caught:
        StateRead(Value(KIND))
    assert caught.value.slug == "operand-type"
