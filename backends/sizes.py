"""What symbolic dimensions are taken to be, and the sizes of values that follow."""

import math
from collections.abc import Mapping

import attrs

from optc.ir.dims import Dim, SymDim
from optc.ir.types import StateType, TensorType, Type


@attrs.frozen
class Sizes:
    """What symbolic dimensions are taken to be: `named` by name, all others `default`."""

    named: Mapping[str, int] = attrs.field(factory=dict)
    default: int = 1

    def of(self, dim: Dim) -> int:
        """The size of a dimension."""
        if not isinstance(dim, SymDim):
            return dim
        sizes: dict[str, Dim] = {name: self.named.get(name, self.default) for name in dim.names()}
        known = dim.substitute(sizes)
        return max(0, known) if isinstance(known, int) else self.default

    def unknown(self, kind: Type) -> tuple[str, ...]:
        """The names in the shape of a type whose size is not given."""
        if not isinstance(kind, TensorType):
            return ()
        names = {name for dim in kind.shape if isinstance(dim, SymDim) for name in dim.names()}
        return tuple(sorted(names - set(self.named)))


@attrs.frozen
class Traffic:
    """What moves: `floats` elements, in whatever float type the unit computes in, and `other` bytes."""

    floats: int = 0
    other: int = 0

    def bytes_in(self, bits: int) -> int:
        """Bytes, with floats of `bits` bits."""
        return (self.floats * bits + 7) // 8 + self.other

    def __add__(self, more: "Traffic") -> "Traffic":
        return Traffic(self.floats + more.floats, self.other + more.other)

    def times(self, count: int) -> "Traffic":
        """This, `count` times."""
        return Traffic(self.floats * count, self.other * count)


def traffic_of(kind: Type, sizes: Sizes) -> Traffic:
    """What it takes to read or write a value of this type once."""
    tensor = kind.tensor if isinstance(kind, StateType) else kind
    if not isinstance(tensor, TensorType):
        return Traffic()
    elements = math.prod(sizes.of(dim) for dim in tensor.shape)
    if tensor.dtype.is_float and tensor.dtype.bits >= 16:
        return Traffic(floats=elements)
    return Traffic(other=(elements * tensor.dtype.bits + 7) // 8)
