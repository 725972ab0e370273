"""Matrix products and attention in MIL."""

from collections.abc import Mapping

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.elementwise import single
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.targets import IOS18
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.attention import ScaledDotProductAttention
from optc.ops.matmul import Linear, MatMul
from optc.ops.shape import Transpose


def swapped(rank: int) -> tuple[int, ...]:
    """The permutation that exchanges the last two of `rank` axes."""
    return (*range(rank - 2), rank - 1, rank - 2)


def _import_linear(o: Operation) -> Imported:
    return o.add(Linear(o.value("x"), o.value("weight"), o.optional("bias")))


def _import_matmul(o: Operation) -> Imported:
    """An operand that the operation transposes is transposed first; see `optc.formats.coreml.writer`.

    A weight keeps its name: it is the transposed one that the product uses.
    """
    operands = []
    for name in ("x", "y"):
        value = o.value(name)
        if o.flag(f"transpose_{name}", False):
            named = value.name if o.is_constant(name) else ""
            value = o.builder.add(Transpose(value, swapped(value.tensor.rank)), named)
        operands.append(value)
    return o.add(MatMul(*operands))


def _import_attention(o: Operation) -> Imported:
    return o.add(ScaledDotProductAttention(o.value("query"), o.value("key"), o.value("value"), o.optional("attn_mask")))


IMPORTERS: Mapping[str, Importer] = {
    "linear": _import_linear,
    "matmul": _import_matmul,
    "scaled_dot_product_attention": _import_attention,
}


def _export_matmul(op: MatMul, b: Body) -> None:
    """Operands that are transposes of matrices are transposed by the operation."""
    if min(op.x.tensor.rank, op.y.tensor.rank) == 1:
        _export_vectors(op, b)
        return
    x, y = (b.absorbed.get(v, v) for v in (op.x, op.y))
    b.emit(op, "matmul", x=x, y=y, transpose_x=x is not op.x, transpose_y=y is not op.y)


def _export_vectors(op: MatMul, b: Body) -> None:
    """A vector is a row on the left and a column on the right, an axis that the result does not have."""
    (x, y), dropped = (op.x, op.y), []
    if y.tensor.rank == 1:
        y = b.make("expand_dims", y.tensor.with_shape((*y.tensor.shape, 1)), x=y, axes=(1,))
        dropped.append(-1)
    if x.tensor.rank == 1:
        x = b.make("expand_dims", x.tensor.with_shape((1, *x.tensor.shape)), x=x, axes=(0,))
        dropped.append(-2)
    kind = MatMul(x, y).results[0].tensor
    axes = tuple(sorted(kind.rank + axis for axis in dropped))
    left, right = (b.absorbed.get(v, v) for v in (x, y))
    product = b.make("matmul", kind, x=left, y=right, transpose_x=left is not x, transpose_y=right is not y)
    b.emit(op, "squeeze", x=product, axes=axes)


def _export_linear(op: Linear, b: Body) -> None:
    """`linear` wants constants; what is computed is multiplied and added."""
    if b.is_constant(op.w) and (op.bias is None or b.is_constant(op.bias)):
        b.emit(op, "linear", x=op.x, weight=op.w, bias=op.bias)
        return
    given = {"x": op.x, "y": op.w, "transpose_x": False, "transpose_y": True}
    if op.bias is None:
        b.emit(op, "matmul", **given)
    else:
        b.emit(op, "add", x=b.make("matmul", op.results[0].tensor, **given), y=op.bias)


def _export_attention(op: ScaledDotProductAttention, b: Body) -> None:
    """The operation of iOS 18 scales as usual and masks as told; everything else is made of its parts."""
    width = op.query.tensor.shape[-1]
    usual = op.scale is None or (isinstance(width, int) and abs(op.scale - width**-0.5) < 1e-7)
    usual = usual and (op.mask is None or op.mask.tensor.rank == op.query.tensor.rank)
    batches = {v.tensor.shape[:-2] for v in (op.query, op.key, op.value)}
    if b.target >= IOS18 and usual and not op.is_causal and len(batches) == 1 and min(map(len, batches)) > 0:
        b.emit(op, "scaled_dot_product_attention", query=op.query, key=op.key, value=op.value, attn_mask=op.mask)
        return
    scale = op.scale if op.scale is not None else width**-0.5 if isinstance(width, int) else None
    if scale is None or op.is_causal or (op.mask is not None and op.mask.tensor.dtype is DType.BOOL):
        expected = "a scale that is known, and no mask but one to add"
        raise OptcError("not-in-coreml", op.describe(), "attention", expected, hint="decompose it")
    *batch, rows = op.query.tensor.shape[:-1]
    kind = TensorType(op.query.tensor.dtype, (*batch, rows, op.key.tensor.shape[-2]))
    scaled = b.make("mul", op.query.tensor, x=op.query, y=single(scale, op.query))
    scores: Value = b.make("matmul", kind, x=scaled, y=op.key, transpose_x=False, transpose_y=True)
    if op.mask is not None:
        scores = b.make("add", kind, x=scores, y=op.mask)
    shares = b.make("softmax", kind, x=scores, axis=-1)
    b.emit(op, "matmul", x=shares, y=op.value, transpose_x=False, transpose_y=False)


EXPORTERS: Exporters = {
    MatMul: _export_matmul,
    Linear: _export_linear,
    ScaledDotProductAttention: _export_attention,
}
