"""Corruptions: one field of a valid program made wrong, and what the verifier should say of it.

They bypass the checks that ops make when they are built, as a faulty pass could only do with effort; what they test
is that the verifier alone finds them.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import attrs
from hypothesis import strategies as st

from optc.ir.block import Block, Function, Program
from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ir.types import TensorType
from optc.ir.value import Value

WRONG_KIND = object()
"""A value that is right for no attribute."""


@attrs.frozen(eq=False)
class Corruption:
    """A corrupted program; `slugs` are those with which the verifier may refuse it, `what` says what was done."""

    program: Program
    slugs: tuple[str, ...]
    what: str


def with_field(op: Op, name: str, value: Any) -> Op:
    """A copy of an op with one field changed, unchecked."""
    made = object.__new__(type(op))
    for field in attrs.fields(cast(Any, type(op))):
        object.__setattr__(made, field.name, value if field.name == name else getattr(op, field.name))
    return made


def with_ops(program: Program, ops: Sequence[Op]) -> Program:
    """The program with other ops in its main block."""
    main = program.main
    changed = Function(main.name, Block(main.body.params, ops, main.body.results), main.output_names)
    return Program(tuple(changed if f is main else f for f in program.functions), program.metadata)


@st.composite
def corruptions(draw: st.DrawFn, program: Program) -> Corruption:
    """One corruption of the main block of a program that has at least one op."""
    ops = list(program.main.body.ops)
    index = draw(st.integers(0, len(ops) - 1))
    kinds = [make for make in _KINDS if make(ops, index, 0) is not None]
    made = draw(st.sampled_from(kinds))(ops, index, draw(st.integers(0, 7)))
    assert made is not None
    changed, slugs, what = made
    return Corruption(with_ops(program, changed), slugs, f"{what} of {ops[index].describe()}")


Made = tuple[list[Op], tuple[str, ...], str] | None
Kind = Callable[[list[Op], int, int], Made]


def _replaced(ops: list[Op], index: int, op: Op) -> list[Op]:
    return [*ops[:index], op, *ops[index + 1 :]]


def _wrong_result_type(ops: list[Op], index: int, pick: int) -> Made:
    op = ops[index]
    if isinstance(op, Opaque) or not op.results or not isinstance(op.results[0].type, TensorType):
        return None
    kind = op.results[0].type
    options = [
        kind.with_dtype(DType.U16 if kind.dtype is not DType.U16 else DType.F32),
        kind.with_shape((*kind.shape, 7)),
    ]
    if kind.shape and kind.shape[-1] != UNKNOWN:
        grown: Dim = kind.shape[-1] + 1
        options.append(kind.with_shape((*kind.shape[:-1], grown)))
    wrong = options[pick % len(options)]
    value = Value(wrong, op.results[0].name)
    changed = _replaced(ops, index, with_field(op, "results", (value, *op.results[1:])))
    return changed, ("result-type", "undefined-value"), "type of the result"


def _missing_result(ops: list[Op], index: int, pick: int) -> Made:
    op = ops[index]
    if isinstance(op, Opaque) or not op.results:
        return None
    slugs = ("result-count", "undefined-value")
    return _replaced(ops, index, with_field(op, "results", op.results[:-1])), slugs, "number of results"


def _repeated_result(ops: list[Op], index: int, pick: int) -> Made:
    defined = [v for op in ops[:index] for v in op.results]
    if not defined or not ops[index].results:
        return None
    other = defined[pick % len(defined)]
    op = with_field(ops[index], "results", (other, *ops[index].results[1:]))
    return _replaced(ops, index, op), ("defined-twice", "result-type", "undefined-value"), "result"


def _foreign_operand(ops: list[Op], index: int, pick: int) -> Made:
    op = ops[index]
    if not op.operands:
        return None
    old = op.operands[pick % len(op.operands)]
    strange = Value(old.type, "strange")
    for field in op.spec.operands:
        held = getattr(op, field.name)
        new: Any = strange if held is old else held
        if type(held) is tuple:
            new = tuple(strange if v is old else v for v in held)
        if new is not held and new != held:
            slugs = ("undefined-value", "const-operand")
            return _replaced(ops, index, with_field(op, field.name, new)), slugs, f"operand {field.name}"
    return None


def _no_operand(ops: list[Op], index: int, pick: int) -> Made:
    fields = [f for f in ops[index].spec.operands if f.form == "one"]
    if not fields:
        return None
    name = fields[pick % len(fields)].name
    return _replaced(ops, index, with_field(ops[index], name, None)), ("operand-form",), f"operand {name}"


def _too_early(ops: list[Op], index: int, pick: int) -> Made:
    own = set(ops[index].results)
    users = [i for i in range(index + 1, len(ops)) if own & set(ops[i].operands)]
    if not users:
        return None
    moved = [*ops[:index], *ops[index + 1 : users[0] + 1], ops[index], *ops[users[0] + 1 :]]
    return moved, ("undefined-value", "const-operand"), "place"


def _attribute_kind(ops: list[Op], index: int, pick: int) -> Made:
    fields = ops[index].spec.attributes
    if not fields:
        return None
    name = fields[pick % len(fields)].name
    return _replaced(ops, index, with_field(ops[index], name, WRONG_KIND)), ("attribute-kind",), f"attribute {name}"


def _attribute_limit(ops: list[Op], index: int, pick: int) -> Made:
    fields = [f for f in ops[index].spec.attributes if f.one_of or f.minimum is not None]
    if not fields:
        return None
    field = fields[pick % len(fields)]
    held = getattr(ops[index], field.name)
    if field.one_of:
        wrong: Any = "no-such-choice" if isinstance(field.one_of[0], str) else WRONG_KIND
        slugs: tuple[str, ...] = ("attribute-choice", "attribute-kind")
    else:
        low = (field.minimum or 0) - 1
        wrong = (low,) * max(1, len(held)) if isinstance(held, tuple) else low
        slugs = ("attribute-minimum", "op-rule")
    return _replaced(ops, index, with_field(ops[index], field.name, wrong)), slugs, f"attribute {field.name}"


def _attribute_value(ops: list[Op], index: int, pick: int) -> Made:
    """Another value of the right kind: the one corruption that may be harmless."""
    for field in ops[index].spec.attributes:
        held = getattr(ops[index], field.name)
        step = 1 + pick
        new: Any = None
        if type(held) is int:
            new = held + step
        elif isinstance(held, tuple) and held and all(type(item) is int for item in held):
            new = (*held[:-1], held[-1] + step)
        if new is not None:
            return _replaced(ops, index, with_field(ops[index], field.name, new)), (), f"value of {field.name}"
    return None


_KINDS: tuple[Kind, ...] = (
    _wrong_result_type, _missing_result, _repeated_result, _foreign_operand, _no_operand, _too_early, _attribute_kind,
    _attribute_limit, _attribute_value,
)  # fmt: skip
