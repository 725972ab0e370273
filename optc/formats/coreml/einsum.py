"""Einstein sums in MIL.

MIL's operation takes two forms of equation only; other sums of products are transposes, reshapes and a matrix product.
"""

from collections.abc import Mapping

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Importer
from optc.ir.dims import Dim
from optc.ir.value import Value
from optc.ops.einsum import Einsum

_OWN_FORMS = ("abcd,adce->abce", "abc,cbd->abd")
"""The equations that the documentation of `einsum` lists, with the letters in order of first use."""


def _canonical(equation: str) -> str:
    """An equation whose letters are a, b, c, ... in order of first use."""
    letters: dict[str, str] = {}
    return "".join(letters.setdefault(c, chr(ord("a") + len(letters))) if c.isalpha() else c for c in equation)


def _export_einsum(op: Einsum, b: Body) -> None:
    parsed = op.parsed()
    terms, result = [term.labels for term in parsed.terms], parsed.result.labels
    if _canonical(str(parsed)) in _OWN_FORMS:
        b.emit(op, "einsum", values=op.xs, equation=str(parsed))
        return
    twice = any(len(set(labels)) < len(labels) for labels in terms)
    if len(terms) > 2 or twice or parsed.result.ellipsis or any(term.ellipsis for term in parsed.terms):
        expected = "of at most two operands, without an ellipsis and diagonals"
        raise OptcError("not-in-coreml", op.describe(), "equation", expected, op.equation)
    sizes = {k: d for v, labels in zip(op.xs, terms, strict=True) for k, d in zip(labels, v.tensor.shape, strict=True)}
    shared = set.intersection(*map(set, terms)) if len(terms) == 2 else set()
    summed = [_summed(v, labels, {*result, *shared}, b) for v, labels in zip(op.xs, terms, strict=True)]
    if len(summed) == 1:
        value, labels = summed[0]
        b.emit(op, "transpose", x=value, perm=tuple(map(labels.index, result)))
        return
    _export_product(op, summed, result, sizes, b)


def _summed(value: Value, labels: str, kept: set[str], b: Body) -> tuple[Value, str]:
    """An operand without the axes that nothing else has."""
    axes = tuple(i for i, label in enumerate(labels) if label not in kept)
    if not axes:
        return value, labels
    rest = tuple(d for i, d in enumerate(value.tensor.shape) if i not in axes)
    reduced = b.make("reduce_sum", value.tensor.with_shape(rest), x=value, axes=axes, keep_dims=False)
    return reduced, "".join(label for label in labels if label in kept)


def _export_product(
    op: Einsum, operands: list[tuple[Value, str]], result: str, sizes: Mapping[str, Dim], b: Body
) -> None:
    (x, left), (y, right) = operands
    batch = [k for k in left if k in right and k in result]
    inner = [k for k in left if k in right and k not in result]
    rows, columns = [k for k in left if k not in right], [k for k in right if k not in left]
    x = _matrices(x, left, (batch, rows, inner), sizes, b)
    y = _matrices(y, right, (batch, inner, columns), sizes, b)
    kind = x.tensor.with_shape((*x.tensor.shape[:-1], y.tensor.shape[-1]))
    product = b.make("matmul", kind, x=x, y=y, transpose_x=False, transpose_y=False)
    made = [*batch, *rows, *columns]
    apart = kind.with_shape(tuple(sizes[k] for k in made))
    if not made:
        b.emit(op, "squeeze", x=product, axes=(0, 1))
        return
    split = b.make("reshape", apart, x=product, shape=_shape([sizes[k] for k in made], op))
    b.emit(op, "transpose", x=split, perm=tuple(made.index(k) for k in result))


def _matrices(
    value: Value, labels: str, groups: tuple[list[str], list[str], list[str]], sizes: Mapping[str, Dim], b: Body
) -> Value:
    """An operand with its batch axes first, and each of the other groups of axes as one."""
    order = [k for group in groups for k in group]
    moved = value.tensor.with_shape(tuple(sizes[k] for k in order))
    if list(labels) != order:
        value = b.make("transpose", moved, x=value, perm=tuple(map(labels.index, order)))
    batch, first, second = groups
    dims: list[Dim] = [sizes[k] for k in batch]
    for group in (first, second):
        total: Dim = 1
        for k in group:
            total = total * sizes[k]
        dims.append(total)
    if len(order) == len(dims):
        return value
    return b.make("reshape", moved.with_shape(tuple(dims)), x=value, shape=_shape(dims, None))


def _shape(dims: list[Dim], op: Einsum | None) -> tuple[int, ...]:
    sizes = tuple(d if isinstance(d, int) else -1 for d in dims)
    if sizes.count(-1) > 1:
        where = op.describe() if op else "op einsum"
        raise OptcError("not-in-coreml", where, "sizes of an equation", "known but for one", ", ".join(map(str, dims)))
    return sizes


IMPORTERS: Mapping[str, Importer] = {
    "einsum": lambda o: o.add(Einsum(o.values("values"), o.text("equation", ""))),
}
EXPORTERS: Exporters = {Einsum: _export_einsum}
