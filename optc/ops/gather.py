"""Gathers: elements or slices picked by indices. Negative indices count from the end."""

import numpy as np

from optc.ir.dtypes import INDEX, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.axes import check_axis
from optc.ops.indexing import along, check_along, check_tuples, from_start, tuples
from optc.ops.movement import Movement, check_elements, check_rank


@op("gather")
class Gather(Movement):
    """Slices of `x` along `axis`: the result has the shape of `indices` in the place of that dimension."""

    x: Value = operand()
    indices: Value = operand(*INDEX)
    axis: int = attribute(default=0, minimum=0)

    def infer(self) -> TensorType:
        own, picked = self.x.tensor.shape, self.indices.tensor.shape
        check_axis(self, self.axis, len(own))
        check_rank(self, len(own) + len(picked) - 1)
        return self.x.tensor.with_shape((*own[: self.axis], *picked, *own[self.axis + 1 :]))

    def evaluate(self, x: Array, indices: Array) -> Array:
        check_elements(self, (*x.shape[: self.axis], *indices.shape, *x.shape[self.axis + 1 :]))
        return np.asarray(np.take(x, from_start(self, indices, x.shape[self.axis]), self.axis))


@op("gather_elements")
class GatherElements(Movement):
    """Single elements: `out[.., i, ..] = x[.., indices[.., i, ..], ..]` on `axis`; of the shape of `indices`."""

    x: Value = operand()
    indices: Value = operand(*INDEX)
    axis: int = attribute(default=0, minimum=0)

    def infer(self) -> TensorType:
        own, picked = self.x.tensor.shape, self.indices.tensor.shape
        check_axis(self, self.axis, len(own))
        check_along(self, own, picked, self.axis)
        return self.x.tensor.with_shape(picked)

    def evaluate(self, x: Array, indices: Array) -> Array:
        check_along(self, x.shape, indices.shape, self.axis)
        return np.asarray(x[along(self, indices, x.shape, self.axis)])


@op("gather_nd")
class GatherND(Movement):
    """Slices `x[b, indices[b, .., :]]`: the last dimension of `indices` holds positions, after `batch_dims` axes."""

    x: Value = operand()
    indices: Value = operand(*INDEX)
    batch_dims: int = attribute(default=0, minimum=0)

    def infer(self) -> TensorType:
        own, picked = self.x.tensor.shape, self.indices.tensor.shape
        count = check_tuples(self, own, picked, self.batch_dims)
        shape = (*picked[:-1], *own[self.batch_dims + count :])
        check_rank(self, len(shape))
        return self.x.tensor.with_shape(shape)

    def evaluate(self, x: Array, indices: Array) -> Array:
        count = check_tuples(self, x.shape, indices.shape, self.batch_dims)
        check_elements(self, (*indices.shape[:-1], *x.shape[self.batch_dims + count :]))
        return np.asarray(x[tuples(self, indices, x.shape, self.batch_dims)])


OPS: tuple[type[Op], ...] = (Gather, GatherElements, GatherND)
