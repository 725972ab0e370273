"""What is known of the weights of a program, one by one; values are looked at only when they are asked for."""

from functools import cached_property

from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.numerics.census import distinct, sparsity
from optc.ops.weights import Weight, weights_of


class WeightInfo:
    """One weight of a program.

    Attributes:
        name: see `optc.ops.weights.Weight`; importance, pins and configurations name weights so.
        shape, dtype: of the expanded tensor (`f32`, ...).
        scheme: `dense`, `sparse`, `palettized` or `quantized`; `form` says it in full (`palettized 4-bit`).
        elements: how many there are.
        dense_bytes, stored_bytes: sizes of the expanded tensor and of what is stored.
        consumers: the ops that use the weight, as pairs of type and name of the first result.
    """

    def __init__(self, weight: Weight) -> None:
        self._weight = weight
        kind = weight.value.tensor
        self.name = weight.name
        self.shape = kind.static_shape
        self.dtype = kind.dtype.value
        self.scheme = weight.scheme
        self.form = weight.form
        self.elements = weight.elements
        self.dense_bytes = weight.dense_bytes
        self.stored_bytes = weight.stored_bytes
        self.consumers = tuple((op.name, op.results[0].name if op.results else "") for op in weight.consumers)

    @property
    def value(self) -> Array:
        """The expanded array, read and expanded anew each time."""
        return self._weight.expanded()

    @property
    def sparsity(self) -> float:
        """The fraction of elements that are zero."""
        return self._counted[0]

    @property
    def unique_values(self) -> int:
        """The number of distinct values."""
        return self._counted[1]

    @cached_property
    def _counted(self) -> tuple[float, int]:
        array = self.value
        return sparsity(array), distinct(array)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"WeightInfo({self.name}: {self.dtype}[{shape}], {self.form}, {self.stored_bytes:,} bytes)"


def weights(program: Program, min_elements: int = 0) -> dict[str, WeightInfo]:
    """The weights of a program that have at least `min_elements` elements, by name, in order of definition.

    optc.weights(program, min_elements=2048)["conv1.weight"].sparsity
    """
    found = (WeightInfo(weight) for weight in weights_of(program) if weight.elements >= min_elements)
    return {weight.name: weight for weight in found}
