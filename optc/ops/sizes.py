"""Dimensions of operands that must be the same size."""

from optc.ir.dims import Dim
from optc.ir.op import Op


def clash(a: Dim, b: Dim) -> bool:
    """Whether two dimensions are known to differ; a symbolic one may turn out to be any size."""
    return isinstance(a, int) and isinstance(b, int) and a != b


def same_size(op: Op, what: str, actual: Dim, expected: Dim) -> None:
    """Refuse two sizes that are known to differ.

    Raises:
        OptcError: slug `size-mismatch`, said of `op`.
    """
    if clash(actual, expected):
        raise op.refuse("size-mismatch", what, expected, actual)
