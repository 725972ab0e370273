"""Ops that only move elements: no arithmetic, any element type."""

from typing import Any

from optc.ir.dims import Dim
from optc.ir.dtypes import ALL, DType
from optc.ir.op import Op, abstract_op

NOT_TEXT = tuple(d for d in ALL if d is not DType.STR)
MOST_DIMENSIONS = 32
MOST_ELEMENTS = 1 << 30


@abstract_op
class Movement(Op):
    """An op that copies elements and computes none."""

    def operations(self) -> Dim:
        return 0


def check_rank(op: Op, rank: int) -> int:
    """`rank`, if a result can have that many dimensions (NumPy holds no more than 32).

    Raises:
        OptcError: slug `rank-limit`, said of `op`.
    """
    if rank > MOST_DIMENSIONS:
        raise op.refuse("rank-limit", "rank of the result", f"at most {MOST_DIMENSIONS}", rank)
    return rank


def check_elements(op: Op, shape: tuple[Any, ...]) -> None:
    """Check that an array of this shape may be allocated: a few bytes of a program can ask for any size.

    Raises:
        OptcError: slug `result-size`, said of `op`.
    """
    total: Any = 1
    for dim in shape:
        total = total * max(1, dim)  # NumPy refuses huge sizes even where another one is 0
    if total > MOST_ELEMENTS:
        raise op.refuse("result-size", "number of elements of the result", f"at most {MOST_ELEMENTS}", total)
