"""The op that carries what the catalog does not know, so that the rest of its model can still be worked on."""

from typing import Any, ClassVar

from optc.errors import OptcError
from optc.ir.block import Block
from optc.ir.fields import attribute, operand, region
from optc.ir.op import Op, op
from optc.ir.value import Value


@op("opaque")
class Opaque(Op):
    """An operator of the format that the model came from, kept as it is.

    `operator` is its name with the format and domain (`onnx:ai.onnx.ml/Scaler`); `extras` are its attributes.
    The types of the results are those that the file gives, `unknown` where it gives none.
    """

    operator: str = attribute()
    inputs: tuple[Value | None, ...] = operand(of="any", default=())
    extras: tuple[tuple[str, Any], ...] = attribute(default=())
    bodies: tuple[Block, ...] = region(default=())
    pure: ClassVar[bool] = False

    def infer(self) -> tuple[Any, ...]:
        return tuple(value.type for value in self.results)

    def evaluate(self, *operands: Any) -> Any:
        raise OptcError(
            "opaque-op", self.describe(), "operator", "in the catalog to be interpreted", self.operator,
            "opaque operators are carried, not computed",
        )  # fmt: skip
