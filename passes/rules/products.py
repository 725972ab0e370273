"""What rules for fused ops see: products with their scalar factors drawn out, and constants that mean a number.

Exporters write `x * 0.5 * y`, `(0.5 * y) * x` and `x * y / 2` for the same thing. A rule asks for the product, and gets
one number and the other factors, whatever the order.
"""

import math
from collections.abc import Iterator
from typing import Any

import attrs

from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.elementwise import Add, Div, Mul, Pow
from optc.pipeline.rules import Match

_DEEPEST = 5
"""Levels of products that are looked into: no form that a rule knows has more."""
_MOST_FACTORS = 4
UNIT_ROUNDOFF = {DType.BF16: 2.0**-8, DType.F16: 2.0**-11, DType.F32: 2.0**-24, DType.F64: 2.0**-53}


@attrs.frozen
class Product:
    """`coefficient` times all `factors`, none of which is a scalar constant."""

    coefficient: float
    factors: tuple[Value, ...]


def close(number: float | None, wanted: float, dtype: DType) -> bool:
    """Whether a number is the one that is wanted, up to the roundings of a few constants of a float type."""
    return number is not None and math.isclose(number, wanted, rel_tol=4 * UNIT_ROUNDOFF[dtype], abs_tol=0.0)


def number(match: Match, value: Value | None) -> float | None:
    """The only element of a constant of floats; None if the value is anything else."""
    if value is None or not value.tensor.dtype.is_float:
        return None
    found = match.scalar(value)
    return None if found is None else float(found)


def either_order(op: Any) -> Iterator[tuple[Value, Value]]:
    """The two operands of a commutative op, in both orders."""
    yield op.x, op.y
    yield op.y, op.x


def same(match: Match, a: Value, b: Value) -> bool:
    """Whether two values are one, or results of equal ops on the same values."""
    if a is b:
        return True
    first, second = match.definition(a), match.definition(b)
    return first is not None and first.pure and len(first.results) == 1 and first == second


def only_use(match: Match, value: Value, kind: type[Op]) -> Any:
    """The op that defines a value, if it is of this class and nothing else uses the value; else None."""
    op = match.definition(value)
    return op if isinstance(op, kind) and match.single_use(value) else None


def product_of(op: Op, match: Match) -> Product | None:
    """The product that an op computes (`mul`, `div` by a scalar, a small whole power); None if it is no product.

    Factors that are products themselves are looked into if nothing else uses them.
    """
    return _multiplied(op, match, _DEEPEST) if op.result.tensor.dtype in UNIT_ROUNDOFF else None


def product(match: Match, value: Value) -> Product:
    """The product that a value is; the value alone if other ops use it besides, or if it is no product."""
    return _factor(value, match, _DEEPEST)


def _factor(value: Value, match: Match, depth: int) -> Product:
    scalar = number(match, value)
    if scalar is not None:
        return Product(scalar, ())
    op = match.definition(value)
    inner = _multiplied(op, match, depth - 1) if op is not None and depth and match.single_use(value) else None
    return inner or Product(1.0, (value,))


def _multiplied(op: Op, match: Match, depth: int) -> Product | None:
    found: Product | None = None
    if isinstance(op, Mul):
        found = _combined(_factor(op.x, match, depth), _factor(op.y, match, depth))
    elif isinstance(op, Div):
        divisor = number(match, op.y)
        if divisor:
            inner = _factor(op.x, match, depth)
            found = Product(inner.coefficient / divisor, inner.factors)
    elif isinstance(op, Pow):
        exponent = number(match, op.y)
        if exponent in (2.0, 3.0):
            found = Product(1.0, (op.x,) * int(exponent))
    return found if found is not None and 0 < len(found.factors) <= _MOST_FACTORS else None


def _combined(a: Product, b: Product) -> Product:
    return Product(a.coefficient * b.coefficient, a.factors + b.factors)


def plus_number(match: Match, value: Value) -> tuple[Value, float] | None:
    """`(x, c)` if a value that is used once is `x + c` or `c + x` for a scalar constant."""
    op = only_use(match, value, Add)
    for x, c in either_order(op) if op is not None else ():
        scalar = number(match, c)
        if scalar is not None and number(match, x) is None:
            return x, scalar
    return None
