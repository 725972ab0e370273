"""The types of values: tensors, states, and the type of which nothing is known."""

import math
import re

import attrs

from optc.ir.dims import Dim, Shape, is_static, parse_dim, product, refines
from optc.ir.dtypes import DType

HIGHEST_RANK = 32
"""Dimensions that a tensor has at most: NumPy's limit."""
LARGEST_SIZE = (1 << 63) - 1
"""Elements that a dimension has at most."""


def shape_text(shape: Shape) -> str:
    """A shape as it is written: `[1,n*2]`."""
    return f"[{','.join(map(str, shape))}]"


def _shape(shape: "tuple[Dim, ...] | list[Dim]") -> Shape:
    return tuple(shape)


@attrs.frozen(hash=True, cache_hash=True)
class TensorType:
    """A dense tensor of `dtype` whose dimensions are `shape` (`()` is a scalar)."""

    dtype: DType
    shape: Shape = attrs.field(default=(), converter=_shape)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def elements(self) -> Dim:
        """Number of elements; symbolic where the shape is."""
        return product(self.shape)

    @property
    def is_static(self) -> bool:
        return is_static(self.shape)

    @property
    def static_shape(self) -> tuple[int, ...]:
        """The shape as integers.

        Raises:
            ValueError: a dimension is symbolic.
        """
        if not self.is_static:
            raise ValueError(f"{self} has a symbolic dimension")
        return self.shape  # type: ignore[return-value]  # is_static is the proof

    @property
    def stored_bytes(self) -> int:
        """Bytes of the packed, contiguous tensor.

        Raises:
            ValueError: a dimension is symbolic.
        """
        return self.dtype.packed_bytes(math.prod(self.static_shape))

    @property
    def is_representable(self) -> bool:
        """Whether any array could have this type: rank and sizes are within limits."""
        return self.rank <= HIGHEST_RANK and all(type(d) is not int or 0 <= d <= LARGEST_SIZE for d in self.shape)

    def with_shape(self, shape: Shape) -> "TensorType":
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: DType) -> "TensorType":
        return TensorType(dtype, self.shape)

    def __str__(self) -> str:
        return f"{self.dtype.value}{shape_text(self.shape)}"


@attrs.frozen
class StateType:
    """A place that keeps a tensor between predictions (Core ML's states)."""

    tensor: TensorType

    def __str__(self) -> str:
        return f"state<{self.tensor}>"


@attrs.frozen
class UnknownType:
    """The type of a value of an opaque op whose file does not say it."""

    def __str__(self) -> str:
        return "unknown"


Type = TensorType | StateType | UnknownType


def type_refines(written: Type, inferred: Type) -> bool:
    """Whether a written type equals the inferred one, or is more precise where inference knows nothing."""
    if isinstance(inferred, UnknownType) or written == inferred:
        return True
    if isinstance(written, StateType) and isinstance(inferred, StateType):
        return type_refines(written.tensor, inferred.tensor)
    if not (isinstance(written, TensorType) and isinstance(inferred, TensorType)):
        return False
    return (
        written.dtype is inferred.dtype
        and written.rank == inferred.rank
        and all(refines(w, i) for w, i in zip(written.shape, inferred.shape, strict=True))
    )


_TENSOR = re.compile(r"([a-z0-9]+)\[(.*)\]", re.DOTALL)
_DIM = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')


def parse_type(text: str) -> Type:
    """The type that `str(type)` wrote.

    Raises:
        ValueError: the text is not a type.
    """
    if text == "unknown":
        return UnknownType()
    if text.startswith("state<") and text.endswith(">"):
        return StateType(_parse_tensor_type(text[6:-1]))
    return _parse_tensor_type(text)


def _parse_tensor_type(text: str) -> TensorType:
    match = _TENSOR.fullmatch(text)
    if match is None:
        raise ValueError(f"not a type: {text[:100]!r}")
    try:
        dtype = DType(match[1])
    except ValueError:
        raise ValueError(f"{match[1]!r} is not an element type") from None
    if not match[2].strip():
        return TensorType(dtype)
    dims = _DIM.findall(match[2])
    if len(",".join(dims)) != len(match[2]) or len(dims) > HIGHEST_RANK:
        raise ValueError(f"not a shape of at most {HIGHEST_RANK} dimensions: {match[2][:100]!r}")
    return TensorType(dtype, tuple(parse_dim(dim) for dim in dims))
