"""What idioms are written with: drawn operands, constants that mean a number, operands in either order."""

from typing import Any

import numpy as np

from optc.ir.block import Program
from optc.ir.dtypes import FLOATS, DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.elementwise import Add, Div, Mul
from optc.testing.source import Source


def add(s: Source, op: Op) -> Value:
    """The first result of an op that is added."""
    return s.builder.add(op)


def number(s: Source, value: float, like: Value) -> Value:
    """A constant of one element, of the element type of `like`; of rank 0, or with as many ones as `like` can bear."""
    shape = (1,) * s.integer(0, like.tensor.rank)
    return s.constant(np.full(shape, value), like.tensor.dtype)


def mixed(s: Source, op: Any, x: Value, y: Value) -> Value:
    """A commutative op on two values in a drawn order."""
    return add(s, op(x, y) if s.boolean() else op(y, x))


def times(s: Source, x: Value, factor: float) -> Value:
    """`x * factor`, or `x / (1 / factor)`."""
    if s.boolean():
        return add(s, Div(x, number(s, 1 / factor, x)))
    return mixed(s, Mul, x, number(s, factor, x))


def plus(s: Source, x: Value, term: float) -> Value:
    """`x + term`."""
    return mixed(s, Add, x, number(s, term, x))


def product(s: Source, *parts: Value | float) -> Value:
    """The product of values and numbers, in a drawn order."""
    left = list(parts)
    order = []
    while left:
        order.append(left.pop(s.integer(0, len(left) - 1)))
    values = [part for part in order if isinstance(part, Value)]
    total, *rest = [*values[:1], *(part for part in order if part is not values[0])]
    assert isinstance(total, Value)
    for part in rest:
        total = mixed(s, Mul, total, part) if isinstance(part, Value) else times(s, total, part)
    return total


def smooth(s: Source, least_rank: int = 0, most_rank: int = 4) -> Value:
    """A value of floats with at least 16 bits that is no constant: rules treat constants in other ways."""
    value = s.some(FLOATS, least_rank, most_rank)
    if not any(op.constant and value in op.results for op in s.builder.ops):
        return value
    fresh = s.builder.param(value.type, f"x{len(s.builder.params)}")
    s.offer(fresh)
    return fresh


def positive(s: Source, dtype: DType, shape: tuple[int, ...]) -> Value:
    """A constant of numbers from 1/8 to 4."""
    return s.constant(s.array(dtype, shape, 0.125, 4), dtype)


def signed(s: Source, dtype: DType, shape: tuple[int, ...]) -> Value:
    """A constant of numbers from -4 to 4."""
    return s.constant(s.array(dtype, shape), dtype)


def needed(program: Program) -> list[Op]:
    """The ops of the main block that its results and its effects need, nested blocks not looked into."""
    values = set(program.main.body.results)
    found = []
    for op in reversed(program.main.body.ops):
        inner = [nested for block in op.blocks for nested in block.walk()]
        if not all(nested.pure for nested in (op, *inner)) or values.intersection(op.results):
            found.append(op)
            results = (value for block in op.blocks for value in block.results)
            values.update(results, *(used.operands for used in (op, *inner)))
    return found
