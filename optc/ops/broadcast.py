"""Broadcasting of shapes (NumPy's rules), for integers and symbolic dimensions."""

from functools import reduce
from itertools import zip_longest

from optc.ir.dims import UNKNOWN, Dim, Shape
from optc.ir.op import Op


def broadcast(op: Op, *shapes: Shape) -> Shape:
    """The shape that operands of these shapes have together.

    A named size against a number other than 1 is that number; two different names give an unknown size.

    Raises:
        OptcError: slug `broadcast`, said of `op`.
    """
    return reduce(lambda a, b: _pair(op, a, b), shapes)


def _pair(op: Op, a: Shape, b: Shape) -> Shape:
    if a == b:
        return a
    pairs = zip_longest(reversed(a), reversed(b), fillvalue=1)
    return tuple(reversed([_dim(op, x, y, a, b) for x, y in pairs]))


def _dim(op: Op, x: Dim, y: Dim, a: Shape, b: Shape) -> Dim:
    if x == y or y == 1:
        return x
    if x == 1:
        return y
    if isinstance(x, int) and isinstance(y, int):
        shown = " and ".join(f"[{','.join(map(str, s))}]" for s in (a, b))
        raise op.refuse("broadcast", "shapes of the operands", "broadcastable", shown)
    if isinstance(x, int):
        return x
    return y if isinstance(y, int) else UNKNOWN
