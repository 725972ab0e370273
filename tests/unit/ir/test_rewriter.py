"""Rebuilding keeps what is not touched, and keeps identities and names where it can."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from optc.errors import OptcError
from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.dims import UNKNOWN
from optc.ir.dtypes import DType
from optc.ir.interpreter import interpret
from optc.ir.liveness import free_values
from optc.ir.op import Op
from optc.ir.rewriter import Visit, clone, rebuild, substitute
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ir.verifier import verify
from tests.unit.ir.ops_for_tests import F2, Add, Cond, Neg, Nothing, SplitInTwo, ToHalf, Twice, block_of
from tests.unit.ir.test_printer import nested_programs

ARRAYS = {"c": np.array(True), "x": np.array([1.5, -2.0], np.float32)}


def names(block: Block) -> list[str]:
    return [value.name for op in block.ops for value in op.results]


def kinds(block: Block) -> list[str]:
    return [op.name for op in block.ops]


def chain(*ops: type[Any]) -> tuple[Program, Block]:
    """neg and the like one after another, their results called y0, y1, ..."""
    builder = Builder()
    value = builder.param(F2, "x")
    for i, kind in enumerate(ops):
        value = builder.add(kind(value), f"y{i}")
    program = builder.program(out=value)
    return program, program.main.body


def checked(program: Program, visit: Visit) -> Block:
    after = program.map_bodies(lambda body: rebuild(body, visit))
    verify(after)
    return after.main.body


@given(nested_programs())
def test_a_visit_that_changes_nothing_gives_the_very_same_block(program: Program) -> None:
    body = program.main.body
    assert rebuild(body, lambda op, out: None) is body
    assert rebuild(body, lambda op, out: op) is body


@given(nested_programs())
def test_each_op_is_visited_once_and_nested_ones_before_their_holder(program: Program) -> None:
    seen: list[int] = []
    rebuild(program.main.body, lambda op, out: seen.append(id(op)))
    assert seen == [id(op) for op in program.walk()]


@given(nested_programs())
def test_a_replacement_by_equal_means_computes_the_same_under_the_same_names(program: Program) -> None:
    def visit(op: Op, out: Builder) -> Value | None:
        return out.add(Neg(out.add(Neg(out.append(op.evolve(results=()))[0])))) if isinstance(op, Add) else None

    after = program.map_bodies(lambda body: rebuild(body, visit))
    verify(after)
    before, now = interpret(program, ARRAYS), interpret(after, ARRAYS)
    assert before["y"].tobytes() == now["y"].tobytes()
    assert [v.name for op in after.walk() for v in op.results if v.name] == [
        v.name for op in program.walk() for v in op.results if v.name
    ]


@given(nested_programs())
def test_a_clone_is_equal_and_shares_no_value(program: Program) -> None:
    body = program.main.body
    copy = clone(body)
    assert copy == body
    own = {v for op in body.walk() for v in op.results} | set(body.params)
    assert not own & ({v for op in copy.walk() for v in (*op.results, *op.operands)} | set(copy.params))


def test_an_op_that_stands_for_another_defines_the_same_value() -> None:
    program, body = chain(Neg, Neg)
    after = checked(program, lambda op, out: Add(op.operands[0], op.operands[0]) if op is body.ops[0] else None)
    assert kinds(after) == ["add", "neg"]
    assert after.ops[0].result is body.ops[0].result
    assert after.ops[1] is body.ops[1]


def test_an_unnamed_value_made_in_the_visit_takes_over_name_and_identity() -> None:
    program, body = chain(Neg, Neg)

    def visit(op: Op, out: Builder) -> Value | None:
        return out.add(Neg(out.add(Neg(op.operands[0]), "inner"))) if op is body.ops[0] else None

    after = checked(program, visit)
    assert names(after) == ["inner", "y0", "y1"]
    assert after.ops[2] is body.ops[1]


def test_ops_of_the_visit_follow_a_value_that_took_over_an_identity() -> None:
    program, body = chain(Neg, Neg)

    def visit(op: Op, out: Builder) -> Value | None:
        if op is not body.ops[0]:
            return None
        made = out.add(Neg(op.operands[0]))
        out.add(Twice(made, Block((Value(F2, "i"),), (), (made,))), "watcher")
        return made

    assert names(checked(program, visit)) == ["y0", "watcher", "y1"]


def test_a_named_value_keeps_its_own_name() -> None:
    program, body = chain(Neg, Neg)
    after = checked(program, lambda op, out: out.add(Neg(op.operands[0]), "mine") if op is body.ops[0] else None)
    assert names(after) == ["mine", "y1"]


def test_an_op_may_be_kept_and_something_put_behind_it() -> None:
    program, body = chain(Neg, Neg)

    def visit(op: Op, out: Builder) -> Value | None:
        return out.add(Neg(out.append(op)[0])) if op is body.ops[0] else None

    after = checked(program, visit)
    assert names(after) == ["y0", "y0", "y1"]
    assert after.ops[2].operands == after.ops[1].results


def test_values_stand_for_results_and_the_op_is_gone() -> None:
    program, _ = chain(Neg, Neg)
    after = checked(program, lambda op, out: op.operands[0])
    assert after.ops == ()
    assert after.results == after.params


def test_one_made_value_may_stand_for_two_results() -> None:
    builder = Builder()
    x = builder.param(F2, "x")
    a, b = builder.append(SplitInTwo(x).named("a", "b"))
    program = builder.program(out=builder.add(Add(a, b), "sum"))

    def visit(op: Op, out: Builder) -> tuple[Value, ...] | None:
        if not isinstance(op, SplitInTwo):
            return None
        made = out.const(np.ones(1, np.float32))
        return made, made

    after = checked(program, visit)
    assert names(after) == ["a", "sum"]
    assert after.ops[1].operands == after.ops[0].results * 2


def test_the_empty_tuple_drops_an_op() -> None:
    builder = Builder()
    x = builder.param(F2, "x")
    builder.append(Nothing())
    program = builder.program(out=x)
    assert checked(program, lambda op, out: ()).ops == ()


def test_added_ops_stay_before_an_op_that_is_kept() -> None:
    program, _ = chain(Neg, Neg)

    def visit(op: Op, out: Builder) -> None:
        out.append(Nothing())

    assert kinds(checked(program, visit)) == ["nothing", "neg", "nothing", "neg"]


def test_a_value_of_an_earlier_visit_may_be_used_in_a_later_one() -> None:
    program, _ = chain(Neg, Neg, Neg)
    first: list[Value] = []

    def visit(op: Op, out: Builder) -> Value | Op:
        if not first:
            first.append(out.add(Neg(op.operands[0])))
            return first[0]
        return first[0] if len(out.ops) > 1 else Add(op.operands[0], first[0])

    after = checked(program, visit)
    assert names(after) == ["y0", "y1"]
    assert after.results == after.ops[0].results


def test_types_flow_on_to_the_ops_that_follow_and_names_stay() -> None:
    program, body = chain(Neg, Neg, Neg)
    after = checked(program, lambda op, out: ToHalf(op.operands[0]) if op is body.ops[0] else None)
    assert names(after) == ["y0", "y1", "y2"]
    assert {str(op.result.type) for op in after.ops} == {"f16[2]"}
    assert str(after.results[0].type) == "f16[2]"


def test_types_flow_into_nested_blocks_and_out_of_them() -> None:
    builder = Builder()
    x = builder.param(F2, "x")
    c = builder.param(TensorType(DType.BOOL), "c")
    y = builder.add(Neg(x), "y")
    z = builder.add(Cond(c, block_of(Neg, y), block_of(Neg, y)), "z")
    after = checked(
        builder.program(out=z), lambda op, out: ToHalf(x) if op.operands == (x,) and isinstance(op, Neg) else None
    )
    assert str(after.results[0].type) == "f16[2]"


def test_a_written_type_that_says_more_than_the_inferred_one_stays() -> None:
    builder = Builder()
    x = builder.param(F2, "x")
    d = builder.param(TensorType(DType.F32, (UNKNOWN,)), "d")
    y = builder.add(Neg(x), "y")
    block = builder.block(y)
    assert substitute(block, {x: d}).results == (y,)
    assert substitute(block, {x: x}) is block


def test_a_visit_that_breaks_the_declaration_of_a_later_op_is_an_error() -> None:
    program, body = chain(Neg, Neg)
    whole = Builder().const(np.zeros(2, np.int32))
    with pytest.raises(OptcError) as caught:
        rebuild(program.main.body, lambda op, out: whole if op is body.ops[0] else None)
    assert caught.value.slug == "operand-dtype"


@pytest.mark.parametrize("answer", [SplitInTwo(Value(F2)), (Value(F2), Value(F2))])
def test_an_answer_with_another_number_of_values_is_an_error(answer: Any) -> None:
    _, body = chain(Neg)
    with pytest.raises(ValueError, match="1 results, and its visit answers with 2"):
        rebuild(body, lambda op, out: answer)


def test_a_clone_may_be_put_on_other_outside_values() -> None:
    x, y = Value(F2, "x"), Value(F2, "y")
    block = block_of(Neg, x)
    assert free_values(clone(block, {x: y})) == (y,)
    assert free_values(clone(block)) == (x,)
