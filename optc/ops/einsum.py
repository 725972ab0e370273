"""Einstein summation."""

import re
from collections import Counter

import attrs
import numpy as np

from optc.ir.dims import Dim, Shape, product
from optc.ir.dtypes import Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.broadcast import broadcast
from optc.ops.matmul import MATRIX_DTYPES, rounded_sum, widened_operand
from optc.ops.sizes import clash

_TERM = re.compile(r"([A-Za-z]*)(\.\.\.)?([A-Za-z]*)")
_MOST_AXES = 32
"""NumPy's limit, on the labels of one equation too."""


@attrs.frozen
class Term:
    """One operand of an equation, or its result: labels before and after an ellipsis."""

    before: str
    ellipsis: bool
    after: str

    @property
    def labels(self) -> str:
        return self.before + self.after

    def __str__(self) -> str:
        return f"{self.before}{'...' if self.ellipsis else ''}{self.after}"


@attrs.frozen
class Equation:
    """The terms of the operands, and of the result."""

    terms: tuple[Term, ...]
    result: Term

    def __str__(self) -> str:
        return f"{','.join(map(str, self.terms))}->{self.result}"


def _term(text: str) -> Term | None:
    match = _TERM.fullmatch(text)
    return Term(match[1], bool(match[2]), match[3]) if match else None


def _implicit_result(terms: tuple[Term, ...]) -> Term:
    """The result of an equation without an arrow: the ellipsis, then the labels that stand once, in order."""
    counts = Counter("".join(term.labels for term in terms))
    return Term("", any(term.ellipsis for term in terms), "".join(sorted(k for k, n in counts.items() if n == 1)))


@op("einsum")
class Einsum(Op):
    """Sum of products of the operands over the labels that the result does not have, as NumPy's `einsum`.

    `equation` is, say, `bij,bjk->bik`; without `->` the result has the labels that stand once, in alphabetical
    order. `...` stands for leading axes that broadcast. A repeated label in one term takes the diagonal.
    """

    xs: tuple[Value, ...] = operand(*MATRIX_DTYPES, same_as="xs")
    equation: str = attribute()

    def infer(self) -> TensorType:
        parsed = self.parsed()
        sizes, leading = self._sizes(parsed)
        held = parsed.result
        shape = (
            *(sizes[label] for label in held.before),
            *(leading if held.ellipsis else ()),
            *(sizes[label] for label in held.after),
        )
        return self.xs[0].tensor.with_shape(shape)

    def parsed(self) -> Equation:
        """The equation, with its result said explicitly.

        Raises:
            OptcError: slugs `einsum-equation`, `einsum-operands`, `einsum-result`.
        """
        left, arrow, right = self.equation.replace(" ", "").partition("->")
        read = [_term(text) for text in left.split(",")]
        terms = tuple(term for term in read if term is not None)
        result = _term(right) if arrow else _implicit_result(terms)
        if len(terms) < len(read) or result is None:
            expected = "comma-separated letters with at most one ... each, and at most one ->"
            raise self.refuse("einsum-equation", "attribute equation", expected, self.equation)
        if len(terms) != len(self.xs):
            raise self.refuse("einsum-operands", "number of operands", f"{len(terms)} for this equation", len(self.xs))
        known = {label for term in terms for label in term.labels}
        if len(set(result.labels)) < len(result.labels) or not known.issuperset(result.labels):
            raise self.refuse("einsum-result", "labels of the result", "labels of operands, each once", str(result))
        if result.ellipsis is not any(term.ellipsis for term in terms):
            raise self.refuse("einsum-result", "ellipsis", "in the result if, and only if, in an operand", str(result))
        return Equation(terms, result)

    def _sizes(self, parsed: Equation) -> tuple[dict[str, Dim], Shape]:
        """The size of each label, and the shape of the axes that the ellipsis stands for."""
        sizes: dict[str, Dim] = {}
        leading: Shape = ()
        for term, x in zip(parsed.terms, self.xs, strict=True):
            shape = x.tensor.shape
            extra = len(shape) - len(term.labels)
            if extra < 0 or (extra and not term.ellipsis):
                expected = f"{'at least ' * term.ellipsis}{len(term.labels)} for {term}"
                raise self.refuse("einsum-rank", "rank of an operand", expected, len(shape))
            first = len(term.before)
            leading = broadcast(self, leading, shape[first : first + extra])
            own: dict[str, Dim] = {}
            for label, size in zip(term.labels, (*shape[:first], *shape[first + extra :]), strict=True):
                if clash(own.setdefault(label, size), size):
                    raise self.refuse("size-mismatch", f"axes {label} of one operand", f"{own[label]} long", size)
                sizes[label] = broadcast(self, (sizes.get(label, 1),), (size,))[0]
        if len(sizes) + len(leading) > _MOST_AXES:
            expected = f"at most {_MOST_AXES} with those of the ellipsis"
            raise self.refuse("einsum-rank", "number of labels", expected, len(sizes) + len(leading))
        return sizes, leading

    def evaluate(self, xs: tuple[Array, ...]) -> Array:
        wide = [widened_operand(x) for x in xs]
        total = np.asarray(np.einsum(str(self.parsed()), *wide, optimize=len(xs) > 1))
        return rounded_sum(total, xs[0].dtype).astype(xs[0].dtype, copy=False)

    def operations(self) -> Dim:
        sizes, leading = self._sizes(self.parsed())
        return product((*sizes.values(), *leading, len(self.xs)))


OPS: tuple[type[Op], ...] = (Einsum,)
