"""Rearrangements between the channels and the plane of images of shape [n, c, h, w]."""

from typing import Any

from optc.ir.dims import Dim, Shape
from optc.ir.dtypes import Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.expect import expect_rank
from optc.ops.movement import Movement, check_elements


@abstract_op
class _Rearrangement(Movement):
    """Squares of `blocksize` by `blocksize` pixels against channels."""

    x: Value = operand()
    blocksize: int = attribute(minimum=1)

    def shape(self, own: Shape) -> Shape:
        """The shape of the result; checks that the sizes fall into blocks."""
        raise TypeError(f"{type(self).__name__} declares no shape")

    def infer(self) -> TensorType:
        expect_rank(self, "x", self.x, 4, 4)
        return self.x.tensor.with_shape(self.shape(self.x.tensor.shape))

    def divided(self, what: str, dim: Dim, by: int) -> Dim:
        """`dim / by`, which must leave nothing over."""
        if isinstance(dim, int) and dim % by:
            raise self.refuse("blocksize", what, f"a multiple of {by}", dim)
        return dim // by


@op("depth_to_space")
class DepthToSpace(_Rearrangement):
    """[n, c*b*b, h, w] to [n, c, h*b, w*b]: channels come block by block (`DCR`) or square by square (`CRD`)."""

    mode: str = attribute(default="DCR", one_of=("DCR", "CRD"))

    def shape(self, own: Shape) -> Shape:
        n, c, h, w = own
        b: Any = self.blocksize
        return (n, self.divided("number of channels", c, b * b), h * b, w * b)

    def evaluate(self, x: Array) -> Array:
        check_elements(self, self.shape(x.shape))
        n, c, h, w = x.shape
        b = self.blocksize
        inner, order = ((b, b, c // (b * b)), (0, 3, 4, 1, 5, 2))
        if self.mode == "CRD":
            inner, order = ((c // (b * b), b, b), (0, 1, 4, 2, 5, 3))
        return x.reshape(n, *inner, h, w).transpose(order).reshape(n, c // (b * b), h * b, w * b)


@op("space_to_depth")
class SpaceToDepth(_Rearrangement):
    """[n, c, h*b, w*b] to [n, b*b*c, h, w]: the inverse of `depth_to_space` in mode `DCR`."""

    def shape(self, own: Shape) -> Shape:
        n, c, h, w = own
        b: Any = self.blocksize
        return (n, c * (b * b), self.divided("height", h, b), self.divided("width", w, b))

    def evaluate(self, x: Array) -> Array:
        check_elements(self, self.shape(x.shape))
        n, c, h, w = x.shape
        b = self.blocksize
        return x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(n, b * b * c, h // b, w // b)


OPS: tuple[type[Op], ...] = (DepthToSpace, SpaceToDepth)
