"""Rewrite rules: what they see, what stands for what, and when the driver stops."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dims import UNKNOWN
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ir.verifier import verify
from optc.pipeline.rules import Match, Replacement, Rule, rewrite
from tests.unit.pipeline.toys import F32, Add, Hold, Log, Neg, Pair, Relu, ToyUnary, Widen, chain


def double_negation(op: Neg, match: Match) -> Replacement:
    inner = match.definition(op.x)
    return inner.x if isinstance(inner, Neg) else None


def add_zero(op: Add, match: Match) -> Replacement:
    return op.x if match.scalar(op.y) == 0 else None


def relu_twice(op: Relu, match: Match) -> Replacement:
    inner = match.definition(op.x)
    return Relu(inner.x) if isinstance(inner, Relu) else None


TIDY = (
    Rule("double-negation", (Neg,), double_negation, "-(-x) -> x"),
    Rule("add-zero", (Add,), add_zero, "x + 0 -> x"),
    Rule("relu-twice", (Relu,), relu_twice, "relu(relu(x)) -> relu(x)"),
)


def apply(program: Program, *rules: Rule, count: Any = None, max_steps: int | None = None) -> Program:
    """The program after the rules; checked, for what it lost or gained must leave it valid."""
    out = program.map_bodies(lambda body: rewrite(body, rules, count, max_steps))
    verify(out)
    return out


def live_ops(program: Program) -> list[str]:
    """Names of the ops that the results of a program without nested blocks need, in order."""
    needed = set(program.main.body.results)
    out = []
    for op in reversed(program.main.body.ops):
        if needed.intersection(op.results):
            needed.update(op.operands)
            out.append(op.name)
    return out[::-1]


def test_where_no_rule_fits_the_same_program_comes_back() -> None:
    program = chain(1)
    assert apply(program, *TIDY) is program
    assert apply(program) is program


@pytest.mark.parametrize(("length", "left"), [(2, 0), (3, 1), (10, 0), (11, 1)])
def test_rules_are_applied_until_none_fits(length: int, left: int) -> None:
    counts: Counter[str] = Counter()
    out = apply(chain(length), *TIDY, count=lambda name: counts.update([name]))
    assert live_ops(out) == ["toy.neg"] * left
    assert counts == {"double-negation": length // 2}


def test_a_second_rewrite_changes_nothing() -> None:
    once = apply(chain(7), *TIDY)
    assert apply(once, *TIDY) is once


def test_an_op_in_place_of_another_defines_the_same_value_under_its_name() -> None:
    b = Builder()
    x = b.param(F32, "x")
    y = b.add(Relu(b.add(Relu(b.add(Relu(x))))), "y")
    out = apply(b.program(out=y), *TIDY)
    assert live_ops(out) == ["toy.relu"]
    assert out.main.body.results == (y,)


def test_a_value_that_was_made_for_the_purpose_takes_over_the_name() -> None:
    def swap(op: Add, match: Match) -> Replacement:
        inner = match.definition(op.x)
        return match.add(Neg(inner.x)) if isinstance(inner, Neg) and match.scalar(op.y) == 0 else None

    seen: list[Any] = []
    b = Builder()
    x = b.param(F32, "x")
    y = b.add(Add(b.add(Neg(x)), b.const(np.float32(0))), "y")
    z = b.add(Relu(y), "z")

    def after_swap(op: Relu, match: Match) -> Replacement:
        found = match.definition(op.x)
        seen.append(type(found))
        return Neg(found.x) if isinstance(found, Neg) and match.single_use(op.x) else None

    out = apply(b.program(z=z), Rule("swap", (Add,), swap), Rule("after-swap", (Relu,), after_swap))
    assert seen == [Neg]  # in the first walk already
    assert live_ops(out) == ["toy.neg"]
    assert [op.result.name for op in out.main.body.ops if isinstance(op, Neg)][1:] == ["y", "z"]


def test_rules_start_at_subclasses_too_and_the_earlier_rule_goes_first() -> None:
    def note(name: str) -> Rule:
        def apply_note(op: ToyUnary, match: Match) -> Replacement:
            tried.append(f"{name} {op.name}")
            return None

        return Rule(name, (ToyUnary,) if name != "add" else (Add,), apply_note)

    tried: list[str] = []
    b = Builder()
    x = b.param(F32, "x")
    y = b.add(Add(b.add(Neg(x)), b.add(Relu(x))))
    apply(b.program(y=y), note("a"), note("add"), note("b"))
    assert tried == ["a toy.neg", "b toy.neg", "a toy.relu", "b toy.relu", "add toy.add"]


def test_a_rule_sees_constants_and_scalars() -> None:
    seen: list[Any] = []

    def look(op: Add, match: Match) -> Replacement:
        seen.append((match.const(op.x), match.scalar(op.x), match.const(op.y), match.scalar(op.y)))
        seen.append((match.definition(None), match.const(None), match.scalar(None)))
        return None

    b = Builder()
    x = b.param(F32, "x")
    pair, one = Tensor.of(np.array([1, 2], np.float32)), Tensor.of(np.array([[3]], np.float32))
    b.add(Add(b.add(Add(b.const(pair), b.const(one))), x))
    apply(b.program(y=b.ops[-1].result), Rule("look", (Add,), look))
    assert seen == [(pair, None, one, 3.0), (None,) * 3, (None,) * 4, (None,) * 3]


def test_a_rule_that_adds_ops_and_then_declines_leaves_no_trace() -> None:
    def decline(op: Neg, match: Match) -> Replacement:
        before = match.single_use(op.x)
        added = match.add(Relu(op.x))
        assert match.definition(added) is not None
        assert not match.single_use(op.x)
        undone.append(added)
        return None if before else op.x

    def after(op: Neg, match: Match) -> Replacement:
        assert match.definition(undone[-1]) is None
        assert match.single_use(op.x)
        return None

    undone: list[Value] = []
    program = chain(2)
    assert apply(program, Rule("decline", (Neg,), decline), Rule("after", (Neg,), after)) is program
    assert len(undone) == 2


def test_a_single_use_is_one_that_is_needed() -> None:
    seen: dict[str, bool] = {}

    def look(op: Relu, match: Match) -> Replacement:
        seen[op.x.name] = match.single_use(op.x)
        return None

    b = Builder()
    x = b.param(F32, "x")
    once, twice, same, result, dead = (b.add(Neg(x), name) for name in ("once", "twice", "same", "result", "dead"))
    uses = [b.add(Relu(value)) for value in (once, twice, twice, same, result)]
    b.add(Neg(b.add(Neg(once))))  # nothing needs this
    b.add(Relu(dead))
    total = b.add(Add(same, same))
    for value in uses:
        total = b.add(Add(total, value))
    apply(b.program(y=total, z=result), Rule("look", (Relu,), look))
    assert seen == {"once": True, "twice": False, "same": False, "result": False}


def test_what_led_to_a_rewritten_op_counts_no_more_in_the_same_walk() -> None:
    seen: list[bool] = []

    def forget(op: Add, match: Match) -> Replacement:
        return op.y if match.definition(op.x) is not None else None

    def look(op: Relu, match: Match) -> Replacement:
        seen.append(match.single_use(op.x))
        return None

    b = Builder()
    x, z = b.param(F32, "x"), b.param(F32, "z")
    n = b.add(Neg(x))
    total = b.add(Add(b.add(Widen(n)), b.add(Widen(z))))  # the first Widen goes, and with it a use of n
    y = b.add(Relu(n))
    apply(b.program(total=total, y=y), Rule("forget", (Add,), forget), Rule("look", (Relu,), look))
    assert seen == [True, True]


def test_what_stands_for_an_op_is_seen_and_counted_in_the_same_walk() -> None:
    seen: list[Any] = []

    def look(op: Neg, match: Match) -> Replacement:
        seen.append((op.x.name, match.single_use(op.x), match.definition(op.x)))
        return None

    b = Builder()
    x = b.param(F32, "x")
    twice = b.add(Relu(b.add(Relu(x))), "twice")
    y, z = b.add(Neg(twice)), b.add(Neg(x))
    apply(b.program(y=y, z=z), TIDY[2], Rule("look", (Neg,), look))
    assert seen[:2] == [("twice", True, Relu(x)), ("x", False, None)]


def test_ops_with_several_results_are_replaced_value_by_value() -> None:
    def through(op: Pair, match: Match) -> Replacement:
        return (op.y, op.x) if op.x.type == op.y.type else None

    b = Builder()
    x, y = b.param(F32, "x"), b.param(F32, "y")
    p, q = b.append(Pair(x, y))
    out = apply(b.program(p=p, q=q), Rule("through", (Pair,), through))
    assert out.main.body.results == (y, x)


def test_nested_blocks_are_rewritten_and_look_out_of_them() -> None:
    b = Builder()
    x = b.param(F32, "x")
    outer = b.add(Neg(x), "outer")
    inner = Builder()
    result = inner.add(Neg(outer))
    held = b.add(Hold(inner.block(result)))
    b.append(Log(b.add(Neg(held))))
    out = apply(b.program(y=held), *TIDY)
    (hold,) = (op for op in out.walk() if isinstance(op, Hold))
    assert hold.body.results == (x,)
    assert any(isinstance(op, Log) for op in out.walk())


def test_what_nothing_needs_is_not_looked_at() -> None:
    tried: list[Op] = []

    def look(op: Neg, match: Match) -> Replacement:
        tried.append(op)
        return None

    b = Builder()
    x = b.param(F32, "x")
    b.add(Neg(b.add(Neg(x))))
    hidden = Builder()
    logged = b.add(Neg(x))
    hidden.append(Log(logged))
    b.append(Hold(hidden.block()))
    apply(b.program(y=x), Rule("look", (Neg,), look))
    assert [op.result for op in tried] == [logged]


def test_rules_that_undo_each_other_are_stopped_and_named() -> None:
    def flip(to: type[ToyUnary]) -> Any:
        return lambda op, match: to(op.x)

    rules = (Rule("to-relu", (Neg,), flip(Relu)), Rule("to-neg", (Relu,), flip(Neg)), *TIDY[1:2])
    with pytest.raises(OptcError) as caught:
        apply(chain(1), *rules)
    assert caught.value.slug == "looping-rules"
    assert str(caught.value) == (
        "rewrite rules: rewriting must be done within 64 steps (got still applying to-neg, to-relu); one of these "
        "rules undoes what another does, or its own work"
    )


def test_a_rule_that_grows_the_program_for_ever_is_stopped() -> None:
    def grow(op: Neg, match: Match) -> Replacement:
        return match.add(Neg(match.add(Relu(op.x))))

    with pytest.raises(OptcError, match="within 800 steps \\(got still applying grow\\)"):
        apply(chain(100), Rule("grow", (Neg,), grow))


def test_the_bound_on_steps_can_be_set() -> None:
    assert live_ops(apply(chain(10), *TIDY, max_steps=5)) == []
    with pytest.raises(OptcError, match="within 4 steps"):
        apply(chain(10), *TIDY, max_steps=4)


@pytest.mark.parametrize(
    ("wrong", "got"),
    [(lambda op: Widen(op.x), "f64[2]"), (lambda op: (), "none"), (lambda op: (op.x, op.x), "f32[2], f32[2]")],
)
def test_a_rule_that_changes_types_is_a_mistake_that_is_named(wrong: Any, got: str) -> None:
    with pytest.raises(OptcError) as caught:
        apply(chain(1), Rule("wrong", (Neg,), lambda op, match: wrong(op)))
    assert caught.value.slug == "rule-type"
    assert str(caught.value) == (
        f"op %v0 = toy.neg: types of what rule wrong puts in its place must be f32[2] (got {got})"
    )


def test_written_types_that_are_more_precise_are_kept() -> None:
    loose, tight = TensorType(DType.F32, (UNKNOWN,)), TensorType(DType.F32, (4,))
    b = Builder()
    x = b.param(loose, "x")
    y = b.append(Relu(b.add(Neg(x))).evolve(results=(Value(tight, "y"),)))[0]
    out = apply(b.program(y=y), Rule("drop", (Relu,), lambda op, match: Neg(op.x)))
    assert [op.result.type for op in out.main.body.ops] == [loose, tight]


def test_a_replacement_of_more_precise_type_does_not_fit() -> None:
    loose, tight = TensorType(DType.F32, (UNKNOWN,)), TensorType(DType.F32, (4,))
    b = Builder()
    x, z = b.param(loose, "x"), b.param(tight, "z")
    program = b.program(y=b.add(Neg(x)), z=z)
    assert apply(program, Rule("tighter", (Neg,), lambda op, match: z)) is program


def test_constants_are_added_with_their_name() -> None:
    def bias(op: Neg, match: Match) -> Replacement:
        return Add(op.x, match.constant(np.array([1, 2], np.float32), "bias"))

    out = apply(chain(1), Rule("bias", (Neg,), bias))
    const, add = out.main.body.ops
    assert isinstance(const, Const)
    assert isinstance(add, Add)
    assert (const.result.name, add.y is const.result, add.result.name) == ("bias", True, "v0")
