"""What ops expect of the shapes of their operands; sizes that are not known yet are given the benefit of the doubt."""

from optc.ir.dims import Shape
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.sizes import clash


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
    if len(own) != len(shape) or any(map(clash, own, shape)):
        raise op.refuse("operand-shape", f"shape of operand {name}", _shown(shape), _shown(own))


def _shown(shape: Shape) -> str:
    return f"[{','.join(map(str, shape))}]"
