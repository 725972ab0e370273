"""Weights to measure with: a matrix in each form that cost tables know, of made-up codes.

How fast a weight is expanded does not depend on what it is, so that the codes are a short random run, repeated.
"""

from collections.abc import Callable, Mapping

import attrs
import numpy as np

from optc.ir.builder import Builder
from optc.ir.dtypes import Array, DType
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops.constexpr import LutToDense, LutToSparse, ShiftScale, SparseShiftScale, SparseToDense

Shape = tuple[int, ...]
Maker = Callable[[Builder, Shape], Value]

_RUN = 4093  # a prime, so that rows differ
KEPT = 2
"""Sparse matrices keep one element in so many."""


@attrs.frozen
class SampleForm:
    """One form of a weight: its scheme and the width of its codes, as in cost tables, and how a matrix of it is made.

    `side`: rows and columns of the matrix that it is measured with; small where expansion is slow.
    """

    scheme: str
    bits: int
    make: Maker
    side: int


def floats(shape: Shape) -> Array:
    """Small numbers of float32 round 0."""
    return _repeated(np.random.default_rng(0).standard_normal(_RUN, np.float32) / 16, shape)


def dense(b: Builder, shape: Shape) -> Value:
    """A matrix as it is."""
    return b.const(Tensor.of(floats(shape), copy=False), "w")


def integers(dtype: DType) -> Maker:
    """Integers with a scale for each column."""
    return lambda b, shape: b.add(ShiftScale(_codes(b, dtype, shape), _scales(b, (1, shape[1]))), "w")


def rows_of_integers(dtype: DType) -> Maker:
    """Integers with a scale for each row."""
    return lambda b, shape: b.add(ShiftScale(_codes(b, dtype, shape), _scales(b, (shape[0], 1))), "w")


def blocks(dtype: DType, size: int) -> Maker:
    """Integers with a scale for each `size` elements of a column."""
    return lambda b, shape: b.add(
        ShiftScale(_codes(b, dtype, shape), _scales(b, (shape[0] // size, shape[1]))), "w"
    )  # fmt: skip


def palette(dtype: DType) -> Maker:
    """Indices into one table."""
    return lambda b, shape: b.add(LutToDense(_codes(b, dtype, shape), _table(b, dtype)), "w")


def quantized_palette(dtype: DType) -> Maker:
    """Indices into one table, which is integers with a scale."""

    def make(b: Builder, shape: Shape) -> Value:
        entries = _codes(b, DType.I8, (1, 1, 1 << dtype.bits, 1))
        return b.add(LutToDense(_codes(b, dtype, shape), b.add(ShiftScale(entries, _scales(b, (1, 1, 1, 1))))), "w")

    return make


def vectors(dtype: DType, length: int) -> Maker:
    """Indices into one table of vectors, which lie along columns."""

    def make(b: Builder, shape: Shape) -> Value:
        indices = _codes(b, dtype, (shape[0] // length, shape[1]))
        return b.add(LutToDense(indices, _table(b, dtype, length), vector_axis=0), "w")

    return make


def sparse(b: Builder, shape: Shape) -> Value:
    """A bit mask, and the values that are kept."""
    mask, count = _mask(b, shape)
    return b.add(SparseToDense(mask, b.const(floats((count,)))), "w")


def sparse_palette(dtype: DType) -> Maker:
    """A bit mask, and indices of the kept values into one table."""

    def make(b: Builder, shape: Shape) -> Value:
        mask, count = _mask(b, shape)
        whole, kept = b.append(LutToSparse(mask, _codes(b, dtype, (count,)), _table(b, dtype)))
        return b.add(SparseToDense(whole, kept), "w")

    return make


def sparse_integers(dtype: DType) -> Maker:
    """A bit mask, and integers for the kept values, with a scale for each column."""

    def make(b: Builder, shape: Shape) -> Value:
        mask, count = _mask(b, shape)
        whole, kept = b.append(SparseShiftScale(mask, _codes(b, dtype, (count,)), _scales(b, (1, shape[1]))))
        return b.add(SparseToDense(whole, kept), "w")

    return make


FORMS: Mapping[str, SampleForm] = {
    "int8 per channel": SampleForm("quantized", 8, integers(DType.I8), 2048),
    "int4 per channel": SampleForm("quantized", 4, integers(DType.I4), 2048),
    "int4 in blocks of 32": SampleForm("quantized_block", 4, blocks(DType.I4, 32), 2048),
    "int8 in blocks of 32": SampleForm("quantized_block", 8, blocks(DType.I8, 32), 2048),
    "palette, 8 bits": SampleForm("palettized", 8, palette(DType.U8), 1024),
    "palette, 4 bits": SampleForm("palettized", 4, palette(DType.U4), 1024),
    "palette, 3 bits": SampleForm("palettized", 3, palette(DType.U3), 1024),
    "palette of pairs, 4 bits": SampleForm("palettized_vector", 4, vectors(DType.U4, 2), 1024),
    "palette of int8, 4 bits": SampleForm("palettized_quantized", 4, quantized_palette(DType.U4), 1024),
    "sparse": SampleForm("sparse", 32, sparse, 1024),
    "sparse, palette, 4 bits": SampleForm("sparse_palettized", 4, sparse_palette(DType.U4), 512),
    "sparse, int8": SampleForm("sparse_quantized", 8, sparse_integers(DType.I8), 512),
}
"""What is measured of compressed weights, by what people call it. Each scheme of cost tables has one or several."""


def _repeated(values: Array, shape: Shape) -> Array:
    return np.resize(values, shape)


def _codes(b: Builder, dtype: DType, shape: Shape) -> Value:
    low, high = (-(1 << dtype.bits - 1), 1 << dtype.bits - 1) if dtype.value[0] == "i" else (0, 1 << dtype.bits)
    run = np.random.default_rng(1).integers(low, high, _RUN)
    return b.const(Tensor.of(_repeated(run.astype(dtype.numpy), shape), dtype))


def _scales(b: Builder, shape: Shape) -> Value:
    return b.const(np.full(shape, 1 / 1024, np.float32))


def _table(b: Builder, dtype: DType, length: int = 1) -> Value:
    return b.const(floats((1, 1, 1 << dtype.bits, length)))


def _mask(b: Builder, shape: Shape) -> tuple[Value, int]:
    """A mask that keeps one element in `KEPT` at random places, and how many those are."""
    run = np.random.default_rng(2).permutation(_RUN) % KEPT == 0
    kept = _repeated(run.astype(np.uint8), shape)
    return b.const(Tensor.of(kept, DType.U1)), int(kept.sum())
