"""Each invariant: a program that breaks it is refused under its slug, and the message shows the place."""

from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.block import DEEPEST, Block, Function, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ir.tensor import Tensor
from optc.ir.types import StateType, TensorType, UnknownType
from optc.ir.value import Value
from optc.ir.verifier import INVARIANTS, verify
from tests.unit.ir.ops_for_tests import (
    CATALOG,
    F2,
    Add,
    Cond,
    Kinds,
    Neg,
    Nothing,
    Places,
    Scaled,
    SetState,
    SplitInTwo,
    Twice,
    block_of,
)

X = Value(F2, "x")
C = Value(TensorType(DType.BOOL), "c")
S = Value(StateType(F2), "s")
LOST = Value(F2, "lost")
HALF = Value(TensorType(DType.F32, (1,)), "half")
THREE = Value(TensorType(DType.F32, (3,)), "three")
NEG = Neg(X).named("y")


def program_of(*ops: Any, results: tuple[Any, ...] = (), params: tuple[Any, ...] = (X, C, S)) -> Program:
    names = tuple(f"out{i}" for i in range(len(results)))
    return Program((Function("main", Block(params, ops, results), names),))


def damaged(op: Op, **fields: Any) -> Op:
    """The op with fields that its constructor would refuse."""
    copy = op.evolve()
    for name, held in fields.items():
        object.__setattr__(copy, name, held)
    return copy


def nested(depth: int) -> Op:
    inner = Builder()
    param = inner.param(F2)
    return Twice(X, inner.block(param if depth == 0 else inner.append(nested(depth - 1))[0]))


def identity_block(value: Value) -> Block:
    return Block((), (), (value,))


def a_valid_program() -> Program:
    builder = Builder()
    builder.params += [X, C, S]
    w = builder.const(np.zeros(2, np.float32), "w")
    scaled = builder.add(Scaled(w, factor=2.0), "v")
    total = builder.add(Add(X, scaled), "y")
    builder.append(SetState(S, total))
    builder.append(SplitInTwo(total))
    builder.append(Opaque("t:Op", (total, None), results=(Value(UnknownType()), Value(F2))))
    branch = builder.add(Cond(C, block_of(Neg, total), identity_block(X)), "z")
    body = Builder()
    param = body.param(F2, "i")
    result = builder.add(Twice(branch, body.block(body.add(Add(param, w)))), "t")
    return builder.program(out=result, again=X)


def test_a_valid_program_is_let_through() -> None:
    verify(a_valid_program(), CATALOG)


def test_a_result_may_be_written_more_precisely_than_it_is_inferred() -> None:
    dynamic = Value(TensorType(DType.F32, (UNKNOWN,)), "d")
    op = Neg(dynamic, results=(Value(TensorType(DType.F32, (SymDim.named("n"),))),))
    verify(program_of(op, params=(dynamic,)))


BROKEN: list[tuple[str, Program]] = [
    ("defined-twice", program_of(NEG, NEG)),
    ("defined-twice", program_of(Neg(X, results=(X,)))),
    ("defined-twice", program_of(SplitInTwo(X, results=(HALF, HALF)))),
    ("defined-twice", program_of(Twice(X, Block((X,), (), (X,))))),
    ("undefined-value", program_of(Neg(LOST))),
    ("undefined-value", program_of(Neg(NEG.result), NEG)),
    ("undefined-value", program_of(results=(LOST,))),
    ("undefined-value", program_of(Cond(C, Block((), (NEG,), (NEG.result,)), identity_block(X)), Neg(NEG.result))),
    ("undefined-value", program_of(Cond(C, Block((), (NEG,), (NEG.result,)), identity_block(NEG.result)))),
    ("undefined-value", program_of(Cond(C, identity_block(LOST), identity_block(X)))),
    ("block-form", program_of(results=(3,))),
    ("block-form", program_of("neg")),
    ("block-form", program_of(damaged(NEG, results=(None,)))),
    ("nesting-depth", program_of(nested(DEEPEST))),
    ("operand-form", program_of(damaged(NEG, x=None))),
    ("operand-form", program_of(damaged(NEG, x=(X,)))),
    ("operand-form", program_of(damaged(Places(X), many=X))),
    ("operand-form", program_of(damaged(Places(X), many=(X, None)))),
    ("operand-form", program_of(damaged(Places(X), maybe=(X,)))),
    ("operand-type", program_of(damaged(NEG, x=S))),
    ("operand-type", program_of(damaged(SetState(S, X), state=X))),
    ("operand-dtype", program_of(damaged(NEG, x=C))),
    ("operand-same-dtype", program_of(damaged(Add(X, X), y=Value(TensorType(DType.F16, (2,)))))),
    ("operand-same-dtype", program_of(damaged(Places(X), many=(X, C)))),
    ("const-operand", program_of(Scaled(X, factor=1.0))),
    ("const-operand", program_of(NEG, Scaled(NEG.result, factor=1.0))),
    ("attribute-kind", program_of(damaged(Kinds(), a_int=True))),
    ("attribute-kind", program_of(damaged(Kinds(), floats=[1.0]))),
    ("attribute-kind", program_of(damaged(Kinds(), extras=(("a", None),)))),
    ("attribute-choice", program_of(damaged(Kinds(), choice="up"))),
    ("attribute-minimum", program_of(damaged(Kinds(), positive=(1, 0)))),
    ("region-form", program_of(damaged(Cond(C, identity_block(X), identity_block(X)), then=None))),
    ("region-form", program_of(damaged(Opaque("a"), bodies=[]))),
    ("branch-results", program_of(damaged(Cond(C, identity_block(X), identity_block(X)), other=identity_block(C)))),
    ("shape-mismatch", program_of(damaged(Add(X, X), y=THREE), params=(X, THREE))),
    ("op-rule", program_of(damaged(SplitInTwo(X), x=C))),
    ("result-count", program_of(damaged(NEG, results=()))),
    ("result-count", program_of(damaged(Nothing(), results=(LOST,)))),
    ("result-type", program_of(Neg(X, results=(Value(TensorType(DType.F32, (3,))),)))),
    ("result-type", program_of(Neg(X, results=(Value(TensorType(DType.F32, (UNKNOWN,))),)))),
    ("result-type", program_of(Const(Tensor.of(np.zeros(2)), results=(Value(F2),)))),
    ("type-form", program_of(params=(Value(TensorType(DType.F32, (-1,)), "x"),))),
    ("type-form", program_of(params=(Value(TensorType(DType.F32, (True,)), "x"),))),
    ("type-form", program_of(params=(Value("f32", "x"),))),  # type: ignore[arg-type]  # the point of the test
    ("state-escapes", program_of(results=(S,))),
    ("state-escapes", program_of(Opaque("a", (S,), results=(Value(StateType(F2)),)))),
    ("state-escapes", program_of(Opaque("a", bodies=(Block((Value(StateType(F2)),), (), ()),)))),
]  # fmt: skip


@pytest.mark.parametrize(("slug", "program"), BROKEN)
def test_a_broken_invariant_is_refused_under_its_slug(slug: str, program: Program) -> None:
    with pytest.raises(OptcError) as caught:
        verify(program)
    assert caught.value.slug == slug
    assert "@main" in caught.value.where


def test_every_invariant_has_its_number_and_a_program_that_breaks_it() -> None:
    assert [rule.number for rule in INVARIANTS] == list(range(1, len(INVARIANTS) + 1))
    tested = {slug for slug, _ in BROKEN}
    assert {rule.slug for rule in INVARIANTS} - tested == {"unknown-op"}  # the next test
    assert len({rule.slug for rule in INVARIANTS}) == len(INVARIANTS)
    assert all(rule.says.endswith(".") for rule in INVARIANTS)


@pytest.mark.parametrize("catalog", [{}, {"neg": Add}])
def test_an_op_must_be_the_one_of_the_catalog(catalog: dict[str, type[Op]]) -> None:
    verify(program_of(NEG))
    with pytest.raises(OptcError) as caught:
        verify(program_of(NEG), catalog)
    assert caught.value.slug == "unknown-op"


def test_functions_may_share_values_because_each_has_its_own_scope() -> None:
    body = Block((X,), (NEG,), (NEG.result,))
    verify(Program((Function("a", body, ("y",)), Function("b", body, ("y",)))))
    with pytest.raises(OptcError, match="@b"):
        verify(Program((Function("a", body, ("y",)), Function("b", Block((), (), (X,)), ("y",)))))


def test_the_message_shows_the_lines_round_the_op() -> None:
    wrong = Neg(X, results=(Value(TensorType(DType.F32, (3,)), "z"),))
    weight = Const(Tensor.of(np.zeros(100, np.float32))).named("w")
    with pytest.raises(OptcError) as caught:
        verify(program_of(weight, NEG, wrong, params=(X,)))
    assert str(caught.value) == (
        "op %z = neg in @main: type of result %z must be f32[2] (got f32[3])\n"
        "2 |   %w = const() {value = f32[100] ...} : f32[100]\n"
        "3 |   %y = neg(%x) : f32[2]\n"
        "4 |   %z = neg(%x) : f32[3]\n"
        "  |   ^\n"
        "5 |   return\n"
        "6 | }"
    )


def test_the_message_names_the_op_of_a_nested_block() -> None:
    body = Builder()
    param = body.param(F2, "i")
    inner = damaged(Neg(param).named("j"), x=LOST)
    with pytest.raises(OptcError) as caught:
        verify(program_of(Twice(X, Block((param,), (inner,), inner.results))))
    assert caught.value.where == "op %j = neg in @main"
    assert "%lost" in caught.value.what
