"""Declarations of ops: what is read from the fields, and what they let in."""

import math
from typing import Any

import attrs
import pytest

from optc.errors import OptcError
from optc.ir.block import Block
from optc.ir.dtypes import DType
from optc.ir.fields import KINDS, attribute, float_bits, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import StateType, TensorType, UnknownType
from optc.ir.value import Value
from tests.unit.ir.ops_for_tests import F2, Add, Cond, Kinds, Neg, Places, Scaled, SetState, Twice

X = Value(F2, "x")
HALF = Value(TensorType(DType.F16, (2,)), "h")
STATE = Value(StateType(F2), "s")


def test_forms_of_operands_are_read_from_the_annotations() -> None:
    assert [(f.name, f.form) for f in Places.spec.operands] == [
        ("one", "one"), ("maybe", "optional"), ("many", "many"), ("gaps", "gaps"), ("last", "optional"),
    ]  # fmt: skip


def test_kinds_of_attributes_are_read_from_the_annotations() -> None:
    kinds = {f.name: (f.kind, f.optional) for f in Kinds.spec.attributes}
    assert {kind for kind, _ in kinds.values()} == set(KINDS)
    assert {name for name, (_, optional) in kinds.items() if optional} == {"a_tensor", "maybe"}
    assert [f.required for f in Scaled.spec.attributes] == [True]


def test_regions_are_read_from_the_annotations() -> None:
    assert [(f.name, f.many) for f in Cond.spec.regions] == [("then", False), ("other", False)]


def test_an_op_takes_over_the_fields_of_its_base() -> None:
    @abstract_op
    class Base(Op):
        """Lends a field."""

        x: Value = operand()

    @op("derived")
    class Derived(Base):
        """Adds one."""

        axis: int = attribute(0)

        def infer(self) -> TensorType:
            return self.x.tensor

    assert [f.name for f in Derived.spec.operands] == ["x"]
    assert Derived(X, axis=1).result.type == F2


@pytest.mark.parametrize("annotation", [dict, "Value", list[int], Value | int])
def test_an_annotation_that_no_field_can_have_is_a_mistake_in_the_declaration(annotation: Any) -> None:
    for field in (operand(), attribute()):
        with pytest.raises(TypeError, match="cannot be annotated"):
            _ = op("wrong")(type("Wrong", (Op,), {"x": field, "__annotations__": {"x": annotation}})).spec


@pytest.mark.parametrize(
    ("slug", "build"),
    [
        ("operand-dtype", lambda: Neg(Value(TensorType(DType.I32)))),
        ("operand-same-dtype", lambda: Add(X, HALF)),
        ("operand-same-dtype", lambda: Places(X, None, (X, HALF))),
        ("operand-type", lambda: Neg(STATE)),
        ("operand-type", lambda: Neg(Value(UnknownType()))),
        ("operand-type", lambda: SetState(X, X)),
        ("operand-form", lambda: Neg(None)),
        ("operand-form", lambda: Places(X, None, (None,))),
        ("operand-form", lambda: Places(X, None, X)),
        ("attribute-kind", lambda: Kinds(a_int=True)),
        ("attribute-kind", lambda: Kinds(a_int=1.0)),
        ("attribute-kind", lambda: Kinds(a_float=True)),
        ("attribute-kind", lambda: Kinds(ints=(1, "a"))),
        ("attribute-kind", lambda: Kinds(ints=3)),
        ("attribute-kind", lambda: Kinds(extras=(("a", True),))),
        ("attribute-kind", lambda: Kinds(extras=(("a",),))),
        ("attribute-choice", lambda: Kinds(choice="up")),
        ("attribute-minimum", lambda: Kinds(positive=(1, 0))),
        ("region-form", lambda: Twice(X, None)),
    ],
)
def test_what_a_field_does_not_allow_is_refused(slug: str, build: Any) -> None:
    with pytest.raises(OptcError) as caught:
        build()
    assert caught.value.slug == slug


def test_lists_become_tuples_and_whole_numbers_floats() -> None:
    made = Kinds(a_float=3, ints=[1, 2])
    assert (made.a_float, type(made.a_float), made.ints) == (3.0, float, (1, 2))


def test_ops_are_equal_by_content_with_floats_by_their_bits() -> None:
    assert Neg(X) == Neg(X)
    assert hash(Neg(X)) == hash(Neg(X))
    assert Neg(X) != Neg(X.renamed("x"))
    assert Kinds(a_float=0.0) != Kinds(a_float=-0.0)
    assert Kinds(a_float=math.nan) == Kinds(a_float=math.nan)


def test_float_bits_look_into_tuples() -> None:
    assert float_bits((("a", 0.0),)) != float_bits((("a", -0.0),))
    assert float_bits(1) != float_bits(1.0)


def test_ops_are_immutable() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Neg(X).x = HALF  # type: ignore[misc]  # the point of the test


def test_an_op_on_the_same_operands_is_the_same_object() -> None:
    neg = Neg(X)
    assert neg.with_operands(lambda v: v) is neg
    moved = neg.with_operands(lambda v: HALF)
    assert moved.operands == (HALF,)
    assert moved.results == neg.results


def test_cost_counts_elements_and_bytes() -> None:
    cost = Add(X, X).cost()
    assert (cost.operations, cost.bytes_read, cost.bytes_written) == (2, 16, 8)


def test_a_region_is_named_with_its_block() -> None:
    body = Block((X,), (), (X,))
    assert list(Twice(X, body).named_blocks()) == [("body", body)]
