"""The reference interpreter runs ops in order, holds results against their types, and binds symbolic sizes."""

from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.interpreter import Cell, interpret
from optc.ir.opaque import Opaque
from optc.ir.types import StateType, TensorType
from optc.ir.value import Value
from optc.ops.state import StateRead
from tests.unit.ir.ops_for_tests import (
    F2,
    Add,
    Cond,
    Neg,
    Nothing,
    Scaled,
    SetState,
    SplitInTwo,
    ToHalf,
    Twice,
    block_of,
)

N = SymDim.named("n")
ONES = np.ones(2, np.float32)


def one_op(kind: Any, shape: tuple[Any, ...] = (2,)) -> Program:
    builder = Builder()
    return builder.program(y=builder.add(kind(builder.param(TensorType(DType.F32, shape), "x")), "y"))


def refusal(program: Program, inputs: dict[str, Any], **more: Any) -> str:
    with pytest.raises(OptcError) as caught:
        interpret(program, inputs, **more)
    return caught.value.slug


def test_ops_run_in_order_and_constants_are_known() -> None:
    builder = Builder()
    x = builder.param(F2, "x")
    w = builder.const(np.array([10, 20], np.float32))
    a, b = builder.append(SplitInTwo(builder.add(Add(x, w))))
    program = builder.program(total=builder.add(Add(a, b)), first=a)
    out = interpret(program, {"x": ONES})
    assert {name: array.tolist() for name, array in out.items()} == {"total": [32.0], "first": [11.0]}


@pytest.mark.parametrize(("flag", "expected"), [(True, [-1.0, -1.0]), (False, [2.0, 2.0])])
def test_a_branch_sees_the_values_round_it(flag: bool, expected: list[float]) -> None:
    builder = Builder()
    x, c = builder.param(F2, "x"), builder.param(TensorType(DType.BOOL), "c")
    program = builder.program(y=builder.add(Cond(c, block_of(Neg, x), block_of(Add, x, x))))
    assert interpret(program, {"x": ONES, "c": np.array(flag)})["y"].tolist() == expected


def test_a_body_runs_on_its_own_parameters() -> None:
    builder, body = Builder(), Builder()
    x = builder.param(F2, "x")
    inner = body.block(body.add(Add(body.param(F2), x)))
    program = builder.program(y=builder.add(Twice(x, inner)))
    assert interpret(program, {"x": ONES})["y"].tolist() == [3.0, 3.0]


def test_a_state_is_kept_in_its_cell() -> None:
    builder = Builder()
    s, x = builder.param(StateType(F2), "s"), builder.param(F2, "x")
    builder.append(SetState(s, x))
    builder.append(Nothing())
    cell = Cell(np.zeros(2, np.float32))
    interpret(builder.program(y=x), {"x": ONES}, states={"s": cell})
    assert cell.array.tolist() == [1.0, 1.0]


def test_symbolic_sizes_are_one_size_per_name() -> None:
    builder = Builder()
    x = builder.param(TensorType(DType.F32, (N,)), "x")
    builder.param(TensorType(DType.F32, (N * 2,)), "twice")
    program = builder.program(y=x)
    assert interpret(program, {"x": np.zeros(3, np.float32), "twice": np.zeros(6, np.float32)})["y"].shape == (3,)
    assert refusal(program, {"x": np.zeros(3, np.float32), "twice": np.zeros(5, np.float32)}) == "array-shape"


def test_an_unknown_size_may_be_any() -> None:
    for size in (0, 4):
        assert interpret(one_op(Neg, (UNKNOWN,)), {"x": np.zeros(size, np.float32)})["y"].shape == (size,)


@pytest.mark.parametrize(
    ("slug", "inputs"),
    [
        ("missing-input", {}),
        ("unknown-input", {"x": ONES, "z": ONES}),
        ("array-dtype", {"x": ONES.astype(np.float64)}),
        ("array-shape", {"x": np.ones(3, np.float32)}),
        ("array-shape", {"x": np.ones((2, 1), np.float32)}),
    ],
)
def test_inputs_must_be_what_is_declared(slug: str, inputs: dict[str, Any]) -> None:
    assert refusal(one_op(Neg), inputs) == slug


def test_a_result_must_have_its_written_type() -> None:
    def wrong(x: Value) -> ToHalf:
        return ToHalf(x, results=(Value(F2, "y"),))

    assert refusal(one_op(wrong), {"x": ONES}) == "array-dtype"


def test_an_opaque_op_cannot_be_run() -> None:
    def opaque(x: Value) -> Opaque:
        return Opaque("onnx:x/Y", (x,), results=(Value(F2),))

    assert refusal(one_op(opaque), {"x": ONES}) == "opaque-op"


def test_an_op_without_semantics_says_so() -> None:
    builder = Builder()
    program = builder.program(y=builder.add(Scaled(builder.const(ONES), factor=2.0)))
    with pytest.raises(OptcError, match="Scaled declares no reference semantics"):
        interpret(program, {})


def test_sizes_that_clash_only_when_they_are_known_are_refused_by_the_op_that_they_meet() -> None:
    unknown = TensorType(DType.F32, (UNKNOWN,))
    builder = Builder()
    x, y = builder.param(unknown, "x"), builder.param(unknown, "y")
    made = builder.program(z=builder.add(Add(x, y), "z"))
    with pytest.raises(OptcError, match="op %z = add: operands must be such that the op can be computed") as caught:
        interpret(made, {"x": np.zeros(2, np.float32), "y": np.zeros(3, np.float32)})
    assert caught.value.slug == "evaluation"


def test_a_state_that_is_given_has_the_type_that_is_declared() -> None:
    state = StateType(TensorType(DType.F32, (2,)))
    builder = Builder()
    cell = builder.param(state, "s")
    made = builder.program(y=builder.add(StateRead(cell)))
    with pytest.raises(OptcError, match="state s"):
        interpret(made, {}, states={"s": Cell(np.zeros(3, np.float32))})


def test_a_state_of_unknown_size_must_be_given() -> None:
    builder = Builder()
    cell = builder.param(StateType(TensorType(DType.F32, (UNKNOWN,))), "s")
    made = builder.program(y=builder.add(StateRead(cell)))
    assert interpret(made, {}, states={"s": Cell(ONES)})["y"].shape == ONES.shape
    with pytest.raises(OptcError, match="state s must be given"):
        interpret(made, {})


def test_the_function_to_run_can_be_named() -> None:
    assert refusal(one_op(Neg), {"x": ONES}, function="other") == "no-such-function"
