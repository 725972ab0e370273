"""Equality is up to the names of values, and to nothing else."""

import math

import pytest
from hypothesis import given

from optc.ir.block import Block, Function, Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.rewriter import clone
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.testing.strategies import tensors
from tests.unit.ir.ops_for_tests import F2, Add, Kinds, Neg, Places, Twice, block_of
from tests.unit.ir.test_printer import nested_programs

X, Y = Value(F2, "x"), Value(F2, "y")


@given(nested_programs())
def test_names_of_values_do_not_count(program: Program) -> None:
    copy = clone(program.main.body)
    bare = clone(copy, {v: v.renamed(f"other{i}") for i, v in enumerate(copy.params)})
    assert copy == program.main.body == bare
    assert hash(copy) == hash(program.main.body)


@given(nested_programs())
def test_a_missing_op_counts(program: Program) -> None:
    body = program.main.body
    assert Block(body.params, body.ops[:-1], body.results) != body


def block_with(op: Op) -> Block:
    return Block((X, Y), (op,), op.results)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Neg(X), Neg(Y)),
        (Add(X, Y), Add(Y, X)),
        (Neg(X), Add(X, X)),
        (Kinds(a_float=0.0), Kinds(a_float=-0.0)),
        (Kinds(extras=(("a", 0.0),)), Kinds(extras=(("a", -0.0),))),
        (Kinds(extras=(("a", 1),)), Kinds(extras=(("a", 1.0),))),
        (Kinds(maybe=None), Kinds(maybe=7)),
        (Places(X, None, (), (X, None)), Places(X, None, (), (None, X))),
        (Places(X, Y), Places(X, None, (), (), Y)),
        (Kinds(a_int=1), Kinds(a_int=2)),
        (Neg(X), Neg(X, results=(Value(TensorType(DType.F32, (3,))),))),
    ],
)  # fmt: skip
def test_different_ops_make_different_blocks(a: Op, b: Op) -> None:
    assert block_with(a) == clone(block_with(a))
    assert block_with(a) != block_with(b)


def test_bodies_of_regions_count() -> None:
    inner = Builder()
    param = inner.param(F2)
    plain = Twice(X, Block((Y,), (), (Y,)))
    other = Twice(X, inner.block(inner.add(Neg(param))))
    assert block_with(plain) != block_with(other)


def test_values_from_outside_must_be_the_same() -> None:
    assert block_of(Neg, X) == block_of(Neg, X)
    assert block_of(Neg, X) != block_of(Neg, Y)


def test_a_nan_equals_itself() -> None:
    assert block_with(Kinds(a_float=math.nan)) == clone(block_with(Kinds(a_float=math.nan)))


@given(tensors())
def test_constants_are_equal_by_content(tensor: object) -> None:
    left, right = Builder(), Builder()
    a, b = left.const(tensor, "a"), right.const(tensor, "b")
    assert left.block(a) == right.block(b)


def test_names_of_functions_inputs_and_outputs_count() -> None:
    body = Block((X,), (), (X,))
    function = Function("f", body, ("y",))
    assert function == Function("f", clone(body), ("y",))
    assert function != Function("g", body, ("y",))
    assert function != Function("f", body, ("z",))
    assert function != Function("f", Block((Y,), (), (Y,)), ("y",))
    assert hash(function) == hash(Function("f", clone(body), ("y",)))
