"""Checks of one op's fields against its declaration; made when an op is built and again by the verifier."""

from typing import TYPE_CHECKING, Any

from optc.ir.dtypes import DType
from optc.ir.fields import KINDS, AttributeField, OperandField, RegionField
from optc.ir.types import StateType, TensorType
from optc.ir.value import Value

if TYPE_CHECKING:
    from optc.ir.op import Op

RULE_BREAKS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What an op's type inference may raise on operands that it did not think of."""
RULE_HOLDS = "such that the types of the results can be inferred"


def check_fields(op: "Op") -> None:
    """Check that each field holds what its declaration allows.

    Raises:
        OptcError: slugs `operand-form`, `operand-type`, `operand-dtype`, `operand-same-dtype`,
            `attribute-kind`, `attribute-choice`, `attribute-minimum`, `region-form`.
    """
    spec = op.spec
    for operand in spec.operands:
        _check_operand(op, operand)
    for attribute in spec.attributes:
        _check_attribute(op, attribute)
    for region in spec.regions:
        _check_region(op, region)


def _check_operand(op: "Op", field: OperandField) -> None:
    held = getattr(op, field.name)
    if field.form == "one":
        values: tuple[Any, ...] = (held,)
    elif field.form == "optional":
        if held is None:
            return
        values = (held,)
    else:
        if type(held) is not tuple:
            raise op.refuse("operand-form", f"operand {field.name}", "a tuple of values", type(held).__name__)
        values = tuple(v for v in held if v is not None) if field.form == "gaps" else held
    expected = _shared_dtype(op, field, values)
    for value in values:
        if type(value) is not Value:
            raise op.refuse("operand-form", f"operand {field.name}", "a value", type(value).__name__)
        if field.of != "any":
            _check_type(op, field, value, expected)


def _shared_dtype(op: "Op", field: OperandField, values: tuple[Any, ...]) -> DType | None:
    if not field.same_as:
        return None
    other = values if field.same_as == field.name else getattr(op, field.same_as)
    first = next((v for v in other if v is not None), None) if type(other) is tuple else other
    if type(first) is Value and type(first.type) is TensorType:
        return first.type.dtype
    return None


def _check_type(op: "Op", field: OperandField, value: Value, shared: DType | None) -> None:
    kind = value.type
    if field.of == "state":
        if type(kind) is not StateType:
            raise op.refuse("operand-type", f"operand {field.name}", "a state", kind)
        return
    if type(kind) is not TensorType:
        raise op.refuse("operand-type", f"operand {field.name}", "a tensor", kind)
    if field.dtypes and kind.dtype not in field.dtypes:
        choices = " or ".join(d.value for d in field.dtypes)
        raise op.refuse("operand-dtype", f"element type of operand {field.name}", choices, kind.dtype)
    if shared is not None and kind.dtype is not shared:
        expected = f"{shared} like operand {field.same_as}"
        raise op.refuse("operand-same-dtype", f"element type of operand {field.name}", expected, kind.dtype)


def _check_attribute(op: "Op", field: AttributeField) -> None:
    held = getattr(op, field.name)
    if held is None and field.optional:
        return
    if not KINDS[field.kind][1](held):
        raise op.refuse("attribute-kind", f"attribute {field.name}", f"of kind {field.kind}", repr(held))
    if field.one_of and held not in field.one_of:
        choices = ", ".join(map(str, field.one_of))
        raise op.refuse("attribute-choice", f"attribute {field.name}", f"one of {choices}", held)
    if field.minimum is not None:
        for item in held if type(held) is tuple else (held,):
            if type(item) is int and item < field.minimum:
                raise op.refuse("attribute-minimum", f"attribute {field.name}", f"at least {field.minimum}", item)


def _check_region(op: "Op", field: RegionField) -> None:
    from optc.ir.block import Block

    held = getattr(op, field.name)
    blocks = held if field.many else (held,)
    if type(blocks) is not tuple or not all(type(block) is Block for block in blocks):
        raise op.refuse("region-form", f"region {field.word}", "a block", type(held).__name__)
