"""What an importer sees of one ONNX node, and the signature of importers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from optc.ir.block import Block
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.types import TensorType, Type
from optc.ir.value import Value

Imported = Value | tuple[Value, ...] | None
"""The values of the node's outputs (trailing ones may be left out); None if the node cannot be mapped."""


@attrs.define(eq=False)
class Node:
    """One ONNX node on its way in: inputs are values already, attributes are plain Python values.

    Attributes of a node are int, float, str, tuples of these, `Tensor`, or a graph (see `block`).
    """

    op_type: str
    opset: int
    inputs: tuple[Value | None, ...]
    attributes: Mapping[str, Any]
    outputs: tuple[str, ...]
    output_types: tuple[Type, ...]
    builder: Builder
    defined: Mapping[Value, Op]
    """The ops that define the values seen so far."""
    subgraph: Callable[[Any, Sequence[Type]], Block]

    def has(self, index: int) -> bool:
        """Whether input `index` is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def input(self, index: int) -> Value:
        """Input `index`, which the operator requires.

        Raises:
            OptcError: slug `missing-input`.
        """
        from optc.errors import OptcError

        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise OptcError("missing-input", f"ONNX node {self.op_type}", f"input {index}", "given")
        return value

    def optional(self, index: int) -> Value | None:
        """Input `index`, or None."""
        return self.inputs[index] if index < len(self.inputs) else None

    def get(self, name: str, default: Any) -> Any:
        """Attribute `name`, or the default."""
        return self.attributes.get(name, default)

    def constant(self, index: int) -> Array | None:
        """The array of input `index` where it is a constant, else None."""
        value = self.optional(index)
        made = self.defined.get(value) if value is not None else None
        return made.value.array() if isinstance(made, Const) else None

    def integers(self, index: int) -> tuple[int, ...] | None:
        """The elements of input `index` as integers where it is a constant, else None."""
        array = self.constant(index)
        return None if array is None else tuple(int(i) for i in array.reshape(-1))

    def tensor(self, index: int) -> TensorType:
        """The tensor type of input `index`."""
        return self.input(index).tensor

    def add(self, op: Op) -> Value:
        """Add an op; its first result."""
        return self.builder.add(op)

    def all(self, op: Op) -> tuple[Value, ...]:
        """Add an op; all its results."""
        return self.builder.append(op)

    def const(self, values: Any, dtype: DType | None = None) -> Value:
        """Add a constant."""
        return self.builder.const(values, dtype=dtype)

    def block(self, attribute: str, params: Sequence[Type] = ()) -> Block:
        """The block of a graph attribute, its inputs being of the types `params`."""
        return self.subgraph(self.attributes[attribute], params)


Importer = Callable[[Node], Imported]
