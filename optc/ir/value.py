"""SSA values: defined once, compared by identity."""

import attrs

from optc.ir.types import TensorType, Type


@attrs.frozen(eq=False, repr=False)
class Value:
    """One result of an op, or one parameter of a block.

    `name` is a hint for people: it survives printing, parsing and rewriting, and never decides equality.
    """

    type: Type
    name: str = ""

    @property
    def tensor(self) -> TensorType:
        """The type as a tensor type.

        Raises:
            TypeError: the value is not a tensor.
        """
        if type(self.type) is not TensorType:
            raise TypeError(f"value %{self.name} is of type {self.type}, not a tensor")
        return self.type

    def renamed(self, name: str) -> "Value":
        """A new value of the same type."""
        return Value(self.type, name)

    def __repr__(self) -> str:
        return f"%{self.name or '?'}: {self.type}"
