"""The one `reshape` that gives a shape."""

from optc.errors import OptcError
from optc.ir.dims import Shape
from optc.ir.value import Value
from optc.ops.shape import Reshape


def reshape_to(x: Value, shape: Shape) -> Reshape | None:
    """The reshape of `x` to `shape`; None if one size cannot be left open for all that is symbolic in it."""
    sizes = tuple(dim if isinstance(dim, int) else -1 for dim in shape)
    if sizes.count(-1) > 1 or (-1 in sizes and 0 in sizes):
        return None
    try:
        return Reshape(x, sizes, allowzero=0 in sizes)
    except OptcError:  # the number of elements cannot be right; then the op that is there does not run either
        return None
