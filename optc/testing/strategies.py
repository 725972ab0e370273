"""Strategies for the parts of programs: names, numbers, dimensions, dtypes, types, tensors.

They reach for the edges on purpose: odd names, NaNs of every payload, unknown and nested dimensions, empty tensors.
Whole programs come from `optc.testing.programs`, pipelines from `optc.testing.pipelines`.
"""

import math
import struct
from typing import Any

import numpy as np
from hypothesis import strategies as st

from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import StateType, TensorType, UnknownType

ODD_NAMES = ["x", "0", "12", "a:", "a/b.c:0", "-", "_", "#1", "x#1", '"', "\\", "%", "\ud800", "\ud83d\ude00"]
names = st.text(max_size=6) | st.sampled_from(ODD_NAMES)
floats = st.floats(width=64) | st.builds(
    lambda payload, sign: struct.unpack("<d", struct.pack("<Q", sign << 63 | 0x7FF << 52 | payload))[0],
    st.integers(1, (1 << 52) - 1),
    st.integers(0, 1),
)
integers = st.integers(-(1 << 70), 1 << 70)

atoms: st.SearchStrategy[Any] = st.sampled_from(["n", "m", "k.1", "batch size", 'q"', "_"]).map(SymDim.named)


def _expressions(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda a, b: a + b, inner, inner),
            st.builds(lambda a, b: a - b, inner, inner),
            st.builds(lambda a, b: a * b, inner, inner),
            st.builds(lambda a, b: a // b, inner, st.sampled_from([-3, -1, 1, 2, 4])),
        ),
        max_leaves=5,
    )


dtypes = st.sampled_from(DType)
known_dims = _expressions(st.integers(-5, 5) | atoms)
dims = _expressions(st.integers(-5, 5) | atoms | st.just(UNKNOWN))
sizes = st.integers(0, 5) | dims.filter(lambda d: isinstance(d, SymDim))
tensor_types = st.builds(TensorType, dtypes, st.lists(sizes, max_size=3))
types = tensor_types | st.builds(StateType, tensor_types) | st.just(UnknownType())


@st.composite
def tensors(draw: st.DrawFn, most: int = 3) -> Tensor:
    """Tensors of every dtype, of any bits at all where the dtype has no rule for them."""
    dtype = draw(dtypes)
    shape = tuple(draw(st.lists(st.integers(0, most), max_size=3)))
    count = math.prod(shape)
    if dtype is DType.STR:
        strings = np.array([*draw(st.lists(st.text(max_size=4), min_size=count, max_size=count)), None], np.object_)
        return Tensor.of(strings[:-1].reshape(shape), dtype)
    if dtype.is_float and draw(st.booleans()):
        values = draw(st.lists(st.sampled_from([-0.0, 0.1, 1.0, -2.5, 1 / 3]), min_size=count, max_size=count))
        return Tensor.of(np.array(values, np.float64).reshape(shape).astype(dtype.numpy), dtype)
    size = dtype.packed_bytes(count)
    return Tensor.from_stored(dtype, shape, draw(st.binary(min_size=size, max_size=size)))


extras = st.lists(
    st.tuples(
        names,
        integers | floats | names | tensors() | st.lists(integers, max_size=2).map(tuple)
        | st.lists(floats, max_size=2).map(tuple) | st.lists(names, max_size=2).map(tuple),
    ),
    max_size=3,
).map(tuple)  # fmt: skip
