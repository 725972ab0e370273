"""Scatters: a copy of a tensor with updates written where indices say. Negative indices count from the end.

Updates of one place are combined with it and with each other by `reduction`; with `none` the last one stays.
Sums and products of 16-bit floats are computed in float32 and rounded once.
"""

from typing import Any

import numpy as np

from optc.ir.dims import Dim, Shape
from optc.ir.dtypes import INDEX, NUMERIC, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axis
from optc.ops.indexing import along, check_along, check_tuples, shown, tuples
from optc.ops.movement import Movement
from optc.ops.sizes import clash

_COMBINE: dict[str, Any] = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
REDUCTIONS = ("none", *_COMBINE)


@abstract_op
class _Scatter(Movement):
    """What both scatters share: `x` with `updates`."""

    x: Value = operand()
    indices: Value = operand(*INDEX)
    updates: Value = operand(same_as="x")
    reduction: str = attribute(default="none", one_of=REDUCTIONS)

    def check(self, x: Shape, indices: Shape, updates: Shape) -> None:
        """Check the shapes of the operands."""
        raise TypeError(f"{type(self).__name__} declares no rule")

    def place(self, indices: Array, shape: tuple[int, ...]) -> Any:
        """NumPy index of the places that are written."""
        raise TypeError(f"{type(self).__name__} declares no places")

    def infer(self) -> TensorType:
        if self.reduction != "none" and self.x.tensor.dtype not in NUMERIC:
            raise self.refuse(
                "operand-dtype", f"element type of operand x with reduction {self.reduction}", "numeric", self.x.tensor
            )
        self.check(self.x.tensor.shape, self.indices.tensor.shape, self.updates.tensor.shape)
        return self.x.tensor

    def expect_updates(self, updates: Shape, expected: Shape) -> None:
        """Check the shape of the updates."""
        if len(updates) != len(expected) or any(map(clash, updates, expected)):
            raise self.refuse("updates-shape", "shape of operand updates", shown(expected), shown(updates))

    def operations(self) -> Dim:
        return 0 if self.reduction == "none" else self.updates.tensor.elements

    def evaluate(self, x: Array, indices: Array, updates: Array) -> Array:
        self.check(x.shape, indices.shape, updates.shape)
        places = self.place(indices, x.shape)
        if self.reduction == "none":
            out = x.copy()
            out[places] = updates
            return out
        narrow = x.dtype.itemsize < 4 and x.dtype.kind in "fV"
        out = x.astype(np.float32 if narrow else x.dtype)
        _COMBINE[self.reduction].at(out, places, updates.astype(out.dtype))
        return out.astype(x.dtype, copy=False)


@op("scatter_elements")
class ScatterElements(_Scatter):
    """`out[.., indices[.., i, ..], ..] = updates[.., i, ..]` on `axis`."""

    axis: int = attribute(default=0, minimum=0)

    def check(self, x: Shape, indices: Shape, updates: Shape) -> None:
        check_axis(self, self.axis, len(x))
        check_along(self, x, indices, self.axis)
        self.expect_updates(updates, indices)

    def place(self, indices: Array, shape: tuple[int, ...]) -> Any:
        return along(self, indices, shape, self.axis)


@op("scatter_nd")
class ScatterND(_Scatter):
    """`out[indices[.., :]] = updates[..]`: the last dimension of `indices` holds positions of slices."""

    def check(self, x: Shape, indices: Shape, updates: Shape) -> None:
        count = check_tuples(self, x, indices)
        self.expect_updates(updates, (*indices[:-1], *x[count:]))

    def place(self, indices: Array, shape: tuple[int, ...]) -> Any:
        return tuples(self, indices, shape)


OPS: tuple[type[Op], ...] = (ScatterElements, ScatterND)
