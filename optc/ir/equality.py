"""Structural equality of blocks, up to the naming of values, in one walk over both."""

from typing import Any

from optc.ir.block import Block
from optc.ir.fields import AttributeField, float_bits
from optc.ir.op import Op
from optc.ir.value import Value

Matched = dict[Value, Value]


def blocks_equal(a: Block, b: Block, matched: Matched | None = None) -> bool:
    """Whether two blocks are the same computation, values of `a` standing for those of `b` as in `matched`.

    Values that neither block defines must be the same object.
    """
    matched = {} if matched is None else matched
    if a is b and not matched:
        return True
    if len(a.ops) != len(b.ops) or not _define(a.params, b.params, matched):
        return False
    for x, y in zip(a.ops, b.ops, strict=True):
        if not _ops_equal(x, y, matched) or not _define(x.results, y.results, matched):
            return False
    return _values_equal(a.results, b.results, matched)


def _define(a: tuple[Value, ...], b: tuple[Value, ...], matched: Matched) -> bool:
    if len(a) != len(b):
        return False
    for x, y in zip(a, b, strict=True):
        if x.type != y.type:
            return False
        matched[x] = y
    return True


def _values_equal(a: Any, b: Any, matched: Matched) -> bool:
    if type(a) is tuple:
        return len(a) == len(b) and all(_values_equal(x, y, matched) for x, y in zip(a, b, strict=True))
    return (a is None and b is None) or (a is not None and matched.get(a, a) is b)


def _ops_equal(a: Op, b: Op, matched: Matched) -> bool:
    if type(a) is not type(b):
        return False
    for operand in a.spec.operands:
        if not _values_equal(getattr(a, operand.name), getattr(b, operand.name), matched):
            return False
    for field in a.spec.attributes:
        if not _attributes_equal(field, getattr(a, field.name), getattr(b, field.name)):
            return False
    if not a.spec.regions:
        return True
    left, right = a.blocks, b.blocks
    return len(left) == len(right) and all(blocks_equal(x, y, matched) for x, y in zip(left, right, strict=True))


def _attributes_equal(field: AttributeField, a: Any, b: Any) -> bool:
    if field.kind in ("float", "floats", "extras"):
        return bool(float_bits(a) == float_bits(b))
    return bool(a == b)
