"""What ops expect of the shapes of their operands; sizes that are not known yet are given the benefit of the doubt."""

from optc.ir.dims import Dim, Shape
from optc.ir.op import Op
from optc.ir.value import Value


def may_equal(a: Dim, b: Dim) -> bool:
    """Whether two dimensions can be the same size: only two different integers cannot."""
    return a == b or not (isinstance(a, int) and isinstance(b, int))


def expect_rank(op: Op, name: str, value: Value, least: int, most: int | None = None) -> None:
    """Check that operand `name` has from `least` to `most` dimensions (no upper bound if None).

    Raises:
        OptcError: slug `operand-rank`, said of `op`.
    """
    rank = value.tensor.rank
    if rank < least or (most is not None and rank > most):
        expected = f"at least {least}" if most is None else str(least) if least == most else f"from {least} to {most}"
        raise op.refuse("operand-rank", f"rank of operand {name}", expected, rank)


def expect_shape(op: Op, name: str, value: Value | None, shape: Shape) -> None:
    """Check that operand `name`, if it is given, can have this shape.

    Raises:
        OptcError: slug `operand-shape`, said of `op`.
    """
    if value is None:
        return
    own = value.tensor.shape
    if len(own) != len(shape) or not all(map(may_equal, own, shape)):
        raise op.refuse("operand-shape", f"shape of operand {name}", _shown(shape), _shown(own))


def expect_axis(op: Op, axis: int, rank: int) -> None:
    """Check that `axis` counts one of `rank` dimensions.

    Raises:
        OptcError: slug `axis-range`, said of `op`.
    """
    if not 0 <= axis < rank:
        raise op.refuse("axis-range", "attribute axis", f"from 0 to {rank - 1}" if rank else "of a tensor of rank 1", axis)


def _shown(shape: Shape) -> str:
    return f"[{','.join(map(str, shape))}]"
