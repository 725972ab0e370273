"""Samplers of constant expressions."""

from collections.abc import Callable, Mapping

import numpy as np

from optc.ir.dtypes import FLOAT8S, UNSIGNED_INDEX, Array, DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops import constexpr as c
from optc.testing.source import Sampler, Source

# Not 4-bit integers: an op that gives those cannot be held against a runtime, as none hands them out to NumPy.
_WHOLE_BYTES = tuple(d for d in c.STORED if not d.is_sub_byte)


def codes(s: Source, dtype: DType, shape: tuple[int, ...]) -> Value:
    """A constant with values from the whole range of an integer type, or small ones of a float type."""
    low, high = dtype.integer_range if dtype.is_integer else (-4, 4)
    return s.constant(s.array(dtype, shape, low, high), dtype)


def divisors(s: Source, shape: tuple[int, ...]) -> tuple[int, ...]:
    """For each dimension 1, the dimension itself, or another divisor of it."""
    return tuple(s.choice([d for d in range(1, dim + 1) if dim % d == 0]) for dim in shape)


def scale_and_offset(s: Source, shape: tuple[int, ...], data: DType) -> tuple[Value, Value | None]:
    """A scale for a tensor of `shape`, and now and then an offset."""
    counts, kind = divisors(s, shape), s.choice(c.SCALES)
    scale = s.constant(s.array(kind, counts, 0, 2), kind)
    return scale, codes(s, s.choice((data, data, *c.SCALES)), counts) if s.boolean() else None


def table(s: Source, indices: DType, shape: tuple[int, ...]) -> tuple[Value, int | None]:
    """A lookup table for indices of `shape`, and the vector axis if its entries are vectors."""
    vector, kind = s.integer(1, 3), s.choice(c.ENTRIES)
    groups = divisors(s, shape) if s.boolean() else (1,) * len(shape)
    most = 600 // ((1 << indices.bits) * vector)
    if np.prod(groups) > most:
        groups = (1,) * len(shape)
    lut = s.constant(s.array(kind, (*groups, 1 << indices.bits, vector)), kind)
    return lut, None if vector == 1 else s.integer(0, len(shape) - 1)


def mask_of(s: Source) -> tuple[Value, Array]:
    """A mask of random density, and its bits."""
    shape = s.shape(1, 3)
    bits = s.choice((s.array(DType.U1, shape, 0, 1), np.zeros(shape, np.uint8), np.ones(shape, np.uint8)))
    return s.constant(bits, DType.U1), bits


def _shift_scale(s: Source) -> Op:
    shape, dtype = s.shape(1, 4), s.choice((*c.CODES, *c.STORED))
    data = codes(s, dtype, shape)
    return c.ShiftScale(data, *scale_and_offset(s, shape, dtype))


def _lut_to_dense(s: Source) -> Op:
    shape, dtype = s.shape(1, 3), s.choice(UNSIGNED_INDEX)
    lut, axis = table(s, dtype, shape)
    return c.LutToDense(codes(s, dtype, shape), lut, axis)


def _sparse_to_dense(s: Source) -> Op:
    mask, bits = mask_of(s)
    return c.SparseToDense(mask, codes(s, s.choice(_WHOLE_BYTES), (int(bits.sum()),)))


def _lut_to_sparse(s: Source) -> Op:
    (mask, bits), dtype = mask_of(s), s.choice(UNSIGNED_INDEX)
    lut, axis = table(s, dtype, bits.shape)
    return c.LutToSparse(mask, codes(s, dtype, (int(bits.sum()),)), lut, axis)


def _sparse_shift_scale(s: Source) -> Op:
    (mask, bits), dtype = mask_of(s), s.choice(c.STORED)
    data = codes(s, dtype, (int(bits.sum()),))
    return c.SparseShiftScale(mask, data, *scale_and_offset(s, bits.shape, dtype))


def _cast(s: Source) -> Op:
    dtype = s.choice((DType.F16, DType.BF16, *FLOAT8S))
    to = DType.F32 if dtype.bits == 16 else s.choice((DType.F32, DType.F16))
    return c.ConstexprCast(s.constant(s.array(dtype, s.shape(1, 4)), dtype), to)


def chained(first: Sampler, then: Callable[[Source, Op], Op]) -> Sampler:
    """An op on the results of another, which is added to the block."""

    def sample(s: Source) -> Op:
        op = first(s)
        s.builder.append(op)
        return then(s, op)

    return sample


def sparse_chain(first: Sampler) -> Sampler:
    """The dense tensor of a mask and values that `first` gives."""
    return chained(first, lambda s, op: c.SparseToDense(*op.results))


def either(*samplers: Sampler) -> Sampler:
    """One of several samplers."""
    return lambda s: s.choice(samplers)(s)


SAMPLERS: Mapping[type[Op], Sampler] = {
    c.ShiftScale: _shift_scale,
    c.LutToDense: _lut_to_dense,
    c.SparseToDense: either(_sparse_to_dense, sparse_chain(_lut_to_sparse), sparse_chain(_sparse_shift_scale)),
    c.LutToSparse: _lut_to_sparse,
    c.SparseShiftScale: _sparse_shift_scale,
    c.ConstexprCast: _cast,
}
