"""Samplers of matrix products."""

from collections.abc import Mapping

from optc.ir.dtypes import FLOATS
from optc.ir.op import Op
from optc.ops.einsum import Einsum
from optc.ops.matmul import MATRIX_DTYPES, Linear, MatMul
from optc.testing.samplers.window import weight
from optc.testing.source import Sampler, Source


def matmul(s: Source) -> Op:
    """Matrices, vectors and broadcast batches of them, on either side."""
    x = s.some(MATRIX_DTYPES, 1)
    *batch, _, last = (1, *x.tensor.static_shape)
    shared = s.broadcastable(batch[1:])
    shape = (*shared, last, s.integer(1, 4)) if s.integer(0, 3) else (last,)
    return MatMul(x, s.value(x.tensor.dtype, shape))


def linear(s: Source) -> Op:
    """With and without bias, over any number of leading axes."""
    x = s.some(FLOATS, 1)
    out = s.integer(1, 5)
    w = weight(s, x.tensor.dtype, (out, x.tensor.static_shape[-1]))
    return Linear(x, w, weight(s, x.tensor.dtype, (out,)) if s.boolean() else None)


_EQUATIONS = (
    "ij->ji", "ii->i", "ij->", "i,i->", "i,j->ij", "ij,jk->ik", "ij,kj", "bij,bjk->bik", "bhid,bhjd->bhij",
    "...ij,...jk->...ik", "...i,i->...", "ij...->...j", "ab,bc,cd->ad", "a b , b -> a",
)  # fmt: skip


def einsum(s: Source) -> Op:
    """Products, diagonals, transposes and sums, some with an ellipsis."""
    equation = s.choice(_EQUATIONS)
    dtype = s.choice(MATRIX_DTYPES)
    sizes = {label: s.integer(1, 3) for label in "abcdhijk"}
    leading = s.shape(0, 2, 3)
    xs = []
    for term in equation.replace(" ", "").partition("->")[0].split(","):
        before, dots, after = term.partition("...")
        shape = (*(sizes[k] for k in before), *(leading if dots else ()), *(sizes[k] for k in after))
        xs.append(s.value(dtype, shape))
    return Einsum(tuple(xs), equation)


SAMPLERS: Mapping[type[Op], Sampler] = {MatMul: matmul, Linear: linear, Einsum: einsum}
