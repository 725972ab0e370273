"""Constant expressions: how compressed weights become dense ones.

All operands are known at compile time, and the result is a weight. The semantics are those of Core ML's iOS 18
operators; the arithmetic is in `optc.numerics`.
"""

from typing import Any, ClassVar

import numpy as np

from optc.errors import OptcError
from optc.ir.dims import product
from optc.ir.dtypes import FLOAT8S, UNSIGNED_INDEX, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.numerics.affine import dequantize
from optc.numerics.lut import lut_shape, lut_to_dense
from optc.numerics.sparsity import keep, scatter

SCALES = (DType.F16, DType.F32)
CODES = (DType.I4, DType.U4, DType.I8, DType.U8)
ENTRIES = (DType.F16, DType.F32, DType.I8, DType.U8)
STORED = (*CODES, *SCALES)


@abstract_op
class ConstexprOp(Op):
    """An op on compile-time constants; all shapes are static."""

    constant: ClassVar[bool] = True

    def static_shape(self, name: str, rank: int | None = None) -> tuple[int, ...]:
        """The shape of operand `name`, which must be static, of rank at least 1, and of `rank` if that is given."""
        kind = getattr(self, name).tensor
        if not kind.is_static:
            raise self.refuse("constexpr-shape", f"shape of operand {name}", "static", kind)
        if kind.rank == 0 or kind.rank != (kind.rank if rank is None else rank):
            raise self.refuse("constexpr-rank", f"rank of operand {name}", rank or "at least 1", kind.rank)
        shape: tuple[int, ...] = kind.static_shape
        return shape

    def check_scale(self, shape: tuple[int, ...], data: TensorType) -> None:
        """Check that operands `scale` and `offset` go with a tensor of `shape` that is stored as `data`.

        Raises:
            OptcError: slugs `constexpr-rank`, `scale-shape`, `offset-shape`, `offset-dtype`.
        """
        counts = self.static_shape("scale", len(shape))
        for axis, (dim, count) in enumerate(zip(shape, counts, strict=True)):
            if count < 1 or dim % count:
                raise self.refuse("scale-shape", f"dimension {axis} of the scale", f"a divisor of {dim}", count)
        offset: Value | None = getattr(self, "offset", None)
        if offset is None:
            return
        if offset.tensor.shape != counts:
            raise self.refuse("offset-shape", "shape of the offset", f"that of the scale, {list(counts)}", offset.type)
        if offset.tensor.dtype not in (data.dtype, *SCALES):
            raise self.refuse(
                "offset-dtype", "element type of the offset", f"{data.dtype} or a float type", offset.tensor.dtype
            )

    def table_shape(self, indices: DType, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Check operand `lut` and attribute `vector_axis` against indices of `shape`; the shape of the dense tensor.

        Raises:
            OptcError: slugs `constexpr-rank`, `lut-groups`, `lut-entries`, `vector-axis`.
        """
        lut = self.static_shape("lut", len(shape) + 2)
        axis: int | None = getattr(self, "vector_axis", None)
        if lut[-2] != 1 << indices.bits:
            raise self.refuse("lut-entries", f"entries of a table of {indices}", 1 << indices.bits, lut[-2])
        if (lut[-1] == 1) is not (axis is None) or (axis or 0) < 0:
            expected = "absent, as entries are single values" if lut[-1] == 1 else "given, and at least 0"
            raise self.refuse("vector-axis", "attribute vector_axis", expected, axis)
        try:
            return lut_shape(shape, lut, axis)
        except OptcError as error:
            raise error.at(self.describe()) from None


@op("constexpr.shift_scale")
class ShiftScale(ConstexprOp):
    """Expand quantized weights: `scale * (data - offset)`, in float32, rounded to the scale's element type.

    `scale` has the rank of `data`, and each of its dimensions divides that of `data`: scales are per tensor, per
    channel or per block. `offset` has the scale's shape, and the element type of `data` or a float type.
    """

    data: Value = operand(*STORED, const=True)
    scale: Value = operand(*SCALES, const=True)
    offset: Value | None = operand(*STORED, const=True, default=None)

    def infer(self) -> TensorType:
        shape = self.static_shape("data")
        self.check_scale(shape, self.data.tensor)
        return TensorType(self.scale.tensor.dtype, shape)

    def evaluate(self, data: Array, scale: Array, offset: Array | None) -> Array:
        return dequantize(data, scale, offset, scale.dtype)

    def operations(self) -> Any:
        return 2 * product(self.data.tensor.shape)


@op("constexpr.lut_to_dense")
class LutToDense(ConstexprOp):
    """Expand palette indices: `lut[indices[i]]`.

    For indices of rank K, `lut` is `[g0, ..., gK-1, 2**bits, vector]`: axis `a` of the indices is cut into `ga`
    groups, and each combination of groups has its own table. Vectors longer than 1 are laid out along `vector_axis`.
    """

    indices: Value = operand(*UNSIGNED_INDEX, const=True)
    lut: Value = operand(*ENTRIES, const=True)
    vector_axis: int | None = attribute(default=None)

    def infer(self) -> TensorType:
        shape = self.table_shape(self.indices.tensor.dtype, self.static_shape("indices"))
        return TensorType(self.lut.tensor.dtype, shape)

    def evaluate(self, indices: Array, lut: Array) -> Array:
        return lut_to_dense(indices, lut, self.vector_axis)


@op("constexpr.sparse_to_dense")
class SparseToDense(ConstexprOp):
    """Expand sparse weights: each set bit of `mask`, in row-major order, takes the next of `values`; the rest is 0."""

    mask: Value = operand(DType.U1, const=True)
    values: Value = operand(*STORED, const=True)

    def infer(self) -> TensorType:
        _check_count(self, "values")
        return TensorType(self.values.tensor.dtype, self.mask.tensor.static_shape)

    def evaluate(self, mask: Array, values: Array) -> Array:
        return scatter(values, mask)


@op("constexpr.lut_to_sparse")
class LutToSparse(ConstexprOp):
    """Expand the palette indices of sparse weights: the mask of the dense tensor, and its values (rank 1).

    `mask` says which elements are kept, `indices` are those of the kept ones, `lut` and `vector_axis` are as in
    `constexpr.lut_to_dense`. A kept vector is a run of kept elements along `vector_axis`.
    """

    mask: Value = operand(DType.U1, const=True)
    indices: Value = operand(*UNSIGNED_INDEX, const=True)
    lut: Value = operand(*ENTRIES, const=True)
    vector_axis: int | None = attribute(default=None)

    def infer(self) -> tuple[TensorType, TensorType]:
        count = _check_count(self, "indices")
        shape = self.table_shape(self.indices.tensor.dtype, self.mask.tensor.static_shape)
        vector = self.lut.tensor.static_shape[-1]
        return TensorType(DType.U1, shape), TensorType(self.lut.tensor.dtype, (count * vector,))

    def evaluate(self, mask: Array, indices: Array, lut: Array) -> tuple[Array, Array]:
        dense = lut_to_dense(scatter(indices, mask), lut, self.vector_axis)
        whole = mask if self.vector_axis is None else np.repeat(mask, lut.shape[-1], self.vector_axis)
        return whole, keep(dense, whole)


@op("constexpr.sparse_shift_scale")
class SparseShiftScale(ConstexprOp):
    """Expand the codes of sparse quantized weights: the mask as it is, and `scale * (data - offset)` (rank 1).

    `data` are the codes of the kept elements; `scale` and `offset` have the rank of `mask` and are as in
    `constexpr.shift_scale`: each code takes those of its place in the dense tensor.
    """

    mask: Value = operand(DType.U1, const=True)
    data: Value = operand(*STORED, const=True)
    scale: Value = operand(*SCALES, const=True)
    offset: Value | None = operand(*STORED, const=True, default=None)

    def infer(self) -> tuple[TensorType, TensorType]:
        count = _check_count(self, "data")
        self.check_scale(self.mask.tensor.static_shape, self.data.tensor)
        return self.mask.tensor, TensorType(self.scale.tensor.dtype, (count,))

    def evaluate(self, mask: Array, data: Array, scale: Array, offset: Array | None) -> tuple[Array, Array]:
        dense = dequantize(scatter(data, mask), scale, offset, scale.dtype)
        return mask, keep(dense, mask)

    def operations(self) -> Any:
        return 2 * product(self.data.tensor.shape)


@op("constexpr.cast")
class ConstexprCast(ConstexprOp):
    """Expand weights that are stored in a narrower float type: `x` as `to`."""

    x: Value = operand(DType.F16, DType.BF16, *FLOAT8S, const=True)
    to: DType = attribute(default=DType.F32, one_of=(DType.F32, DType.F16))

    def infer(self) -> TensorType:
        if self.x.tensor.dtype.bits >= self.to.bits:
            raise self.refuse("cast-not-wider", "attribute to", f"wider than {self.x.tensor.dtype}", self.to)
        return self.x.tensor.with_dtype(self.to)

    def evaluate(self, x: Array) -> Array:
        return x.astype(np.float32).astype(self.to.numpy)


def _check_count(op: ConstexprOp, name: str) -> int:
    """The number of kept elements, the length of operand `name`; not more than the mask has bits."""
    bits = int(np.prod(op.static_shape("mask"), dtype=object))
    (count,) = op.static_shape(name, 1)
    if count > bits:
        raise op.refuse("mask-count", f"length of operand {name}", f"at most {bits}, as the mask has bits", count)
    return count


OPS: tuple[type[Op], ...] = (ShiftScale, LutToDense, SparseToDense, LutToSparse, SparseShiftScale, ConstexprCast)
