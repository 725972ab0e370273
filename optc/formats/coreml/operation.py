"""What an importer sees of one MIL operation, and the signature of importers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.targets import Target
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType, Type, UnknownType
from optc.ir.value import Value
from optc.ops.weights import Weight, chain_of

Imported = Value | tuple[Value, ...] | None
"""The values of the operation's outputs; None if the operation cannot be mapped."""


class UnmappedError(Exception):
    """The catalog has no op for this operation, which is then carried as it is."""


@attrs.define(eq=False)
class Held:
    """A constant of the file, which becomes an op of the program when an op has it as an operand."""

    name: str
    proto: mil.Value
    builder: Builder
    """That of the block in which it is defined."""
    read: Callable[[mil.Value], Tensor]
    _tensor: Tensor | None = None
    _value: Value | None = None

    @property
    def is_tensor(self) -> bool:
        return bool(self.proto.type.WhichOneof("type") == "tensor")

    @property
    def tensor(self) -> Tensor:
        """What it is; data of a weight file stay there."""
        if self._tensor is None:
            self._tensor = self.read(self.proto)
        return self._tensor

    @property
    def value(self) -> Value:
        """The constant as a value of the program; always the same."""
        if self._value is None:
            self._value = self.builder.const(self.tensor, self.name)
        return self._value


Argument = Value | Held


@attrs.frozen(eq=False)
class Output:
    """One output as the file declares it."""

    name: str
    type: Type
    proto: mil.ValueType


@attrs.define(eq=False)
class Operation:
    """One MIL operation on its way in.

    Importers ask for arguments by name. What they do not ask for they do not know, so that an operation with such
    arguments is carried opaque. Parameters that must be constants raise `UnmappedError` where they are not.
    """

    kind: str
    target: Target
    arguments: Mapping[str, tuple[Argument, ...]]
    outputs: tuple[Output, ...]
    blocks: Sequence[mil.Block]
    builder: Builder
    read_into: Callable[[mil.Block, Sequence[Value], Builder], tuple[Value, ...]]
    """Reads the operations of a nested block into a builder, its inputs being the values given; its results."""
    constants: Callable[[], Mapping[Value, Op]] = dict
    """Gives the constant ops that were read so far, by their results."""
    asked: set[str] = attrs.field(factory=set)

    def has(self, name: str) -> bool:
        """Whether argument `name` is given."""
        return bool(self.arguments.get(name))

    def given(self, name: str) -> tuple[Argument, ...]:
        """All of argument `name`."""
        self.asked.add(name)
        return self.arguments.get(name, ())

    def value(self, name: str) -> Value:
        """Argument `name`, which the operator requires.

        Raises:
            OptcError: slug `missing-input`.
        """
        found = self.optional(name)
        if found is None:
            raise OptcError("missing-input", f"MIL operation {self.kind}", f"input {name}", "given")
        return found

    def optional(self, name: str) -> Value | None:
        """Argument `name`, or None."""
        values = self.values(name)
        if len(values) > 1:
            raise OptcError("input-count", f"MIL operation {self.kind}", f"input {name}", "one value", len(values))
        return values[0] if values else None

    def values(self, name: str) -> tuple[Value, ...]:
        """The values of an argument that may have several."""
        given = self.given(name)
        if any(isinstance(a, Held) and not a.is_tensor for a in given):
            raise UnmappedError
        return tuple(a.value if isinstance(a, Held) else a for a in given)

    def kind_of(self, name: str = "x") -> TensorType:
        """The tensor type of argument `name`."""
        value = self.value(name)
        if isinstance(value.type, UnknownType):
            raise UnmappedError
        return value.tensor

    def tensor(self, name: str) -> Tensor | None:
        """The constant that argument `name` is, or None if it is not given.

        Raises:
            UnmappedError: it is no constant.
        """
        given = self.given(name)
        if not given:
            return None
        if len(given) != 1 or not isinstance(given[0], Held) or not given[0].is_tensor:
            raise UnmappedError
        return given[0].tensor

    def weight(self, name: str) -> Weight:
        """The weight, dense or compressed, that argument `name` is.

        Raises:
            OptcError: slug `missing-input`.
            UnmappedError: it is not made of constants.
        """
        given = self.given(name)
        if not given:
            raise OptcError("missing-input", f"MIL operation {self.kind}", f"input {name}", "given")
        if len(given) == 1 and isinstance(given[0], Value):
            defined, value = self.constants(), given[0]
            if value in defined:
                return Weight(value.name, value, chain_of(value, defined.__getitem__), ())
        tensor = self.tensor(name)
        assert tensor is not None  # it is given
        op = Const(tensor).named(given[0].name)
        return Weight(given[0].name, op.result, (op,), ())

    def is_constant(self, name: str) -> bool:
        """Whether argument `name` is one constant."""
        given = self.arguments.get(name, ())
        return len(given) == 1 and isinstance(given[0], Held)

    def array(self, name: str) -> Array | None:
        """The array of argument `name`, a constant, or None if it is not given."""
        tensor = self.tensor(name)
        return None if tensor is None else tensor.array()

    def integers(self, name: str, default: Sequence[int] = ()) -> tuple[int, ...]:
        """The elements of argument `name`, a constant, as integers."""
        array = self.array(name)
        if array is None:
            return tuple(default)
        if not np.issubdtype(array.dtype, np.integer):
            raise OptcError("parameter", f"MIL operation {self.kind}", name, "integers", array.dtype)
        return tuple(int(i) for i in array.reshape(-1))

    def integer(self, name: str, default: int) -> int:
        """Argument `name`, a constant, as an integer."""
        return int(self._single(name, default))

    def number(self, name: str, default: float) -> float:
        """Argument `name`, a constant, as a float."""
        return float(self._single(name, default))

    def flag(self, name: str, default: bool) -> bool:
        """Argument `name`, a constant, as a truth value."""
        return bool(self._single(name, default))

    def flags(self, name: str, count: int) -> tuple[bool, ...]:
        """The elements of argument `name`, a constant, as truth values; all false if it is not given."""
        array = self.array(name)
        return (False,) * count if array is None else tuple(bool(i) for i in array.reshape(-1))

    def text(self, name: str, default: str) -> str:
        """Argument `name`, a constant, as a string."""
        return str(self._single(name, default))

    def axis(self, name: str, rank: int, default: int) -> int:
        """Argument `name`, a constant axis of a tensor of that rank, counted from the front."""
        axis = self.integer(name, default)
        return axis + rank if axis < 0 else axis

    def axes(self, name: str, rank: int) -> tuple[int, ...]:
        """Argument `name`, constant axes, counted from the front and increasing; all, if it is not given."""
        return tuple(sorted(a + rank if a < 0 else a for a in self.integers(name, range(rank))))

    def _single(self, name: str, default: Any) -> Any:
        array = self.array(name)
        if array is None:
            return default
        if array.size != 1:
            raise OptcError("parameter", f"MIL operation {self.kind}", name, "one element", array.size)
        return array.reshape(-1)[0]

    def add(self, op: Op) -> Value:
        """Add an op; its first result."""
        return self.builder.add(op)

    def const(self, values: Any, dtype: DType | None = None) -> Value:
        """Add a constant."""
        return self.builder.const(values, dtype=dtype)


Importer = Callable[[Operation], Imported]
