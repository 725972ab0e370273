"""Where samplers of ops get their operands and attributes: a Hypothesis draw and the block that is being built.

One sampler per op serves both purposes: a program of a single op (held against ONNX Runtime), and random
programs, in which operands are values that exist already wherever their type fits.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from optc.ir.builder import Builder
from optc.ir.dims import is_static
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ir.value import Value

T = TypeVar("T")
MAX_ELEMENTS = 2000
"""Larger values are not offered to further ops: random programs stay quick."""
Sampler = Callable[["Source"], Op]
"""Builds one op from a source; what it needs besides is added to the source's block."""


def random_array(seed: int, dtype: DType, shape: Sequence[int], low: float = -4, high: float = 4) -> Array:
    """An array of `dtype` with values from `low` to `high` (multiples of 1/8 where it is a float type)."""
    rng = np.random.default_rng(seed)
    if dtype is DType.BOOL:
        return rng.integers(0, 2, shape).astype(np.bool_)
    if dtype is DType.STR:
        return np.array([f"s{i}" for i in rng.integers(0, 9, shape).reshape(-1)], np.object_).reshape(shape)
    if dtype.is_integer:
        least, most = dtype.integer_range
        return rng.integers(max(least, int(low)), min(most, int(high)) + 1, shape).astype(dtype.numpy)
    return np.asarray(rng.integers(int(low * 8), int(high * 8) + 1, shape) / 8.0).astype(dtype.numpy)


def _is_handy(value: Value) -> bool:
    kind = value.type
    return isinstance(kind, TensorType) and is_static(kind.shape) and 1 <= math.prod(kind.static_shape) <= MAX_ELEMENTS


class Source:
    """Draws operands and attributes; `pool` holds the values that operands may be."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], builder: Builder) -> None:
        self.draw = draw
        self.builder = builder
        self.pool: list[Value] = []

    def offer(self, *values: Value) -> None:
        """Let later ops use these values: tensors of static shape, not empty and not large."""
        self.pool.extend(v for v in values if _is_handy(v))

    def integer(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def boolean(self) -> bool:
        return bool(self.draw(st.booleans()))

    def choice(self, items: Sequence[T]) -> T:
        chosen: T = self.draw(st.sampled_from(items))
        return chosen

    def number(self, low: float, high: float) -> float:
        """A multiple of 1/8."""
        return self.integer(int(low * 8), int(high * 8)) / 8.0

    def shape(self, least_rank: int = 0, most_rank: int = 4, most: int = 5, least: int = 1) -> tuple[int, ...]:
        """A static shape with dimensions from `least` to `most`."""
        return tuple(self.integer(least, most) for _ in range(self.integer(least_rank, most_rank)))

    def seed(self) -> int:
        return self.integer(0, 2**32 - 1)

    def array(self, dtype: DType, shape: Sequence[int], low: float = -4, high: float = 4) -> Array:
        """A random array; see `random_array`."""
        return random_array(self.seed(), dtype, shape, low, high)

    def constant(self, array: Any, dtype: DType | None = None) -> Value:
        """A `const` of this array."""
        return self.builder.const(array, dtype=dtype)

    def value(self, dtype: DType, shape: Sequence[int]) -> Value:
        """A value of this type: one that exists, else a new parameter or constant."""
        kind = TensorType(dtype, tuple(shape))
        known = [v for v in self.pool if v.type == kind]
        if known and self.integer(0, 3):
            return self.choice(known)
        return self.fresh(kind)

    def dtype(self, dtypes: Sequence[DType]) -> DType:
        """One of these element types; half the time f32, the one that most ops have a runtime kernel for."""
        return DType.F32 if DType.F32 in dtypes and self.boolean() else self.choice(dtypes)

    def some(self, dtypes: Sequence[DType], least_rank: int = 0, most_rank: int = 4) -> Value:
        """A value of one of these element types and ranks: one that exists, or a new one. Shapes are static."""
        known = [
            v for v in self.pool
            if isinstance(v.type, TensorType) and v.type.dtype in dtypes
            and least_rank <= v.type.rank <= most_rank
        ]  # fmt: skip
        if known and self.integer(0, 3):
            return self.choice(known)
        return self.fresh(TensorType(self.dtype(dtypes), self.shape(least_rank, most_rank)))

    def fresh(self, kind: TensorType) -> Value:
        """A new parameter, or now and then a constant, of this type."""
        if self.integer(0, 3) == 0:
            value = self.constant(self.array(kind.dtype, kind.static_shape), kind.dtype)
        else:
            value = self.builder.param(kind, f"x{len(self.builder.params)}")
        self.pool.append(value)
        return value

    def broadcastable(self, shape: Sequence[int]) -> tuple[int, ...]:
        """A shape that broadcasts to `shape`: leading dimensions dropped, others made 1."""
        kept = shape[self.integer(0, len(shape)) :]
        return tuple(1 if self.integer(0, 2) == 0 else d for d in kept)
