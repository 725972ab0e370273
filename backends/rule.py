"""A rule of a unit: which ops it cannot run."""

from collections.abc import Callable

import attrs

from optc.ir.op import Op
from optc.ir.types import TensorType, Type


@attrs.frozen
class Rule:
    """`refuses` says of an op whether the unit cannot run it; `says` tells a reader why, `source` who found out."""

    slug: str
    says: str
    refuses: Callable[[Op], bool]
    source: str


def types_of(op: Op) -> list[Type]:
    """The types of an op's operands and results."""
    return [value.type for value in (*op.operands, *op.results)]


def ranks_above(most: int) -> Callable[[Op], bool]:
    """Whether an operand or a result has more than `most` dimensions."""
    return lambda op: any(isinstance(t, TensorType) and t.rank > most for t in types_of(op))


def named(*names: str) -> Callable[[Op], bool]:
    """Whether the op has one of these names; a trailing `*` stands for any ending."""
    prefixes = tuple(name[:-1] for name in names if name.endswith("*"))
    return lambda op: op.name in names or (bool(prefixes) and op.name.startswith(prefixes))


def gives(*dtypes: str) -> Callable[[Op], bool]:
    """Whether the op has a result of one of these element types."""
    return lambda op: any(isinstance(v.type, TensorType) and str(v.type.dtype) in dtypes for v in op.results)


def uses(*dtypes: str) -> Callable[[Op], bool]:
    """Whether the op has an operand or a result of one of these element types."""
    return lambda op: any(isinstance(t, TensorType) and str(t.dtype) in dtypes for t in types_of(op))
