"""Ops whose parameters are operands: known only when the op runs, or once constants have been propagated."""

from collections.abc import Mapping
from typing import Any, ClassVar

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, Shape
from optc.ir.dtypes import Array
from optc.ir.op import Op, abstract_op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.movement import Movement, check_elements, check_rank


@abstract_op
class Dynamic(Movement):
    """An op with a twin that has the same parameters as attributes.

    The operands named in `parameters` are the parameters; the others have the names that they have in the twin.
    """

    parameters: ClassVar[tuple[str, ...]] = ()

    def settled(self, given: Mapping[str, Array]) -> Op | None:
        """The twin, with parameters from the arrays `given` by operand name (absent ones left out).

        None if the twin cannot express these parameters.

        Raises:
            OptcError: the parameters break the twin's rule.
        """
        raise TypeError(f"{type(self).__name__} declares no twin")

    def evaluate(self, *operands: Any) -> Any:
        arrays = {f.name: a for f, a in zip(self.spec.operands, operands, strict=True) if a is not None}
        real = {n: Value(TensorType(getattr(self, n).tensor.dtype, a.shape)) for n, a in arrays.items()}
        try:
            actual = self.evolve(**real)
            actual.infer()
            twin = actual.settled({n: arrays[n] for n in self.parameters if n in arrays})
        except OptcError as error:
            raise error.at(self.describe()) from None
        if twin is None:
            return self.compute(*operands)
        for value in twin.results:
            check_elements(self, value.tensor.shape)
        return twin.evaluate(*(arrays.get(f.name) for f in twin.spec.operands))

    def compute(self, *operands: Any) -> Any:
        """What `evaluate` computes where there is no twin."""
        raise TypeError(f"{type(self).__name__} always has a twin")


def integers(array: Array) -> tuple[int, ...]:
    """The elements of an array, in order, as Python integers."""
    return tuple(int(i) for i in array.reshape(-1))


def length(op: Op, name: str) -> int:
    """The number of elements of operand `name`, a list of integers that decides the rank of a result.

    Raises:
        OptcError: slug `operand-rank`, if it is not one-dimensional; `unknown-rank`, if its length is not known.
    """
    kind: TensorType = getattr(op, name).tensor
    if kind.rank != 1:
        raise op.refuse("operand-rank", f"rank of operand {name}", 1, kind.rank)
    if not isinstance(kind.shape[0], int):
        raise op.refuse("unknown-rank", f"length of operand {name}", "known", kind.shape[0])
    return kind.shape[0]


def unknown_shape(op: Op, rank: int) -> Shape:
    """`rank` dimensions of which nothing is known."""
    return (UNKNOWN,) * check_rank(op, rank)
