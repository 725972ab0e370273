"""How many bytes a scheme takes, from shapes and options alone: no weight is read.

These are laws, not estimates: what the passes store, and Core ML's weight file, have exactly these sizes. Two things
follow from values, and are told: how many elements a mask keeps, and whether the code of zero is zero everywhere.
"""

import math
from collections.abc import Iterable, Sequence

import attrs

from optc.errors import OptcError, UsageError
from optc.formats.coreml.body import lies_in_file
from optc.formats.coreml.targets import IOS18
from optc.formats.coreml.weight_file import file_bytes
from optc.ir.dtypes import DType
from optc.numerics.arrays import axis_from_front
from optc.numerics.legal_sizes import legal_size
from optc.numerics.palette import index_bits
from optc.numerics.sparsity import zero_count
from optc.numerics.vector_palette import LONGEST
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from passes.compress.weights import Compression, first_input_axis

Shape = tuple[int, ...]
_TABLE_CODES = {"int8": DType.I8, "uint8": DType.U8}
_WIDE = {DType.I4: DType.I8, DType.U4: DType.U8}


@attrs.frozen
class Part:
    """One tensor that is stored of a weight: what it is, its element type, and how many elements it has."""

    role: str
    dtype: DType
    elements: int

    @property
    def bytes(self) -> int:
        """Bytes as stored, elements of less than a byte packed."""
        return self.dtype.packed_bytes(self.elements)


def stored_bytes(
    shape: Shape,
    passes: Sequence[Compression],
    *,
    dtype: str = "f32",
    channel_axis: int = 0,
    kept: int | None = None,
    offsets: bool = True,
    distinct: int | None = None,
    input_axis: int | None = None,
) -> int:
    """The bytes of a weight after compression passes; see `parts`.

    stored_bytes((64, 32), [Palettize(bits=4)])     # 64 * 32 / 2 + 16 * 4
    """
    return sum(part.bytes for part in parts(shape, passes, dtype, channel_axis, kept, offsets, distinct, input_axis))


def parts(
    shape: Shape,
    passes: Sequence[Compression],
    dtype: str = "f32",
    channel_axis: int = 0,
    kept: int | None = None,
    offsets: bool = True,
    distinct: int | None = None,
    input_axis: int | None = None,
) -> tuple[Part, ...]:
    """What is stored of a weight after compression passes that take it, in the order of Core ML's weight file.

    Args:
        shape, dtype: of the weight.
        passes: in order; those after the first with `joint`.
        channel_axis: the axis of output channels.
        kept: how many elements the mask keeps in the end; needed unless `sparsity` of each weight's elements says it.
        offsets: whether the code of zero is not zero somewhere, for asymmetric codes and tables of `uint8`.
        distinct: how many distinct values (or vectors) a group has at the most; needed for palettes of mode `unique`.
        input_axis: the axis of input channels, by default the first that is not that of output channels.

    Raises:
        UsageError: `kept` or `distinct` is needed (`kept-unknown`, `distinct-unknown`), or there is no such weight
            (`shape`, `dtype`, `kept`).
        OptcError: the passes do not go together.
    """
    rank = len(shape)
    channels = channel_axis % max(1, rank)
    inputs = first_input_axis(rank, channels) if input_axis is None else input_axis % max(1, rank)
    if min(shape, default=0) < 1:
        raise UsageError("shape", "stored bytes", "shape", "at least one dimension, none below 1", list(shape))
    if dtype not in ("f16", "f32"):
        raise UsageError("dtype", "stored bytes", "dtype", "f16 or f32", dtype)
    if kept is not None and not 0 <= kept <= math.prod(shape):
        raise UsageError("kept", "stored bytes", "number of kept elements", f"from 0 to {math.prod(shape)}", kept)
    form = _Form(shape, DType(dtype), channels, inputs, kept, offsets, distinct)
    for running in passes:
        form = form.after(running)
    return form.parts()


def weight_file_bytes(weights: Iterable[Sequence[Part]]) -> int:
    """The bytes of the weight file of a Core ML package (iOS 18) that holds these weights, in this order, and no more.

    Small tensors are not in the file; equal tensors would be in it once.
    """
    held = (part for weight in weights for part in weight if lies_in_file(part.dtype, part.elements, IOS18))
    return file_bytes(part.bytes for part in held)


@attrs.frozen
class _Form:
    """What is stored, worked out step by step: `body` for each element (or vector), `table` parts, `scales` parts."""

    shape: Shape
    dtype: DType
    channels: int
    inputs: int
    kept: int | None
    offsets: bool
    distinct: int | None
    masked: bool = False
    vector: int = 1
    body: Part | None = None
    table: tuple[Part, ...] = ()
    scales: tuple[Part, ...] = ()

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    def after(self, running: Compression) -> "_Form":
        if isinstance(running, Sparsify):
            return attrs.evolve(self, masked=True, kept=self._kept(running))
        if isinstance(running, Palettize):
            return self._palettized(running)
        if isinstance(running, Quantize):
            return self._quantized(running)
        raise OptcError("unknown-form", str(running), "pass", "sparsify, palettize or quantize")

    def parts(self) -> tuple[Part, ...]:
        count = self.elements if self.kept is None or not self.masked else self.kept
        mask = (Part("mask", DType.U1, self.elements),) if self.masked else ()
        if self.body is None:
            return (Part("values", self.dtype, count), *mask)
        body = attrs.evolve(self.body, elements=count // self.vector)
        if len(self.table) == 1:
            return (*mask, body, *self.table, *self.scales)
        return (*self.table, *mask, body, *self.scales)  # a table that is made of others comes first

    def _kept(self, running: Sparsify) -> int:
        if self.kept is not None:
            return self.kept
        by_values = running.scope != "weight" or running.of or running.block_size or running.structure != "element"
        if by_values or running.threshold is not None:
            raise UsageError("kept-unknown", str(running), "number of kept elements", "given, as it depends on values")
        return self.elements - zero_count(self.elements, running.sparsity)

    def _palettized(self, running: Palettize) -> "_Form":
        if self.table:
            raise OptcError("already-palettized", str(running), "weight", "without a palette")
        axis = self.channels if running.axis is None else axis_from_front(running.axis, len(self.shape), str(running))
        dim = self.shape[axis]
        vector = 1 if running.cluster_dim == 1 else legal_size(dim, running.cluster_dim, most=LONGEST)
        if vector > 1 and self.masked:
            raise OptcError("vectors-of-sparse", str(running), "weight", "dense, for vectors")
        bits = self._bits(running)
        entries = (dim // legal_size(dim, running.group_size, vector) << bits) * vector
        body = Part("indices", DType(f"u{bits}"), self.elements)
        if self.body is not None:  # of codes, which the table holds
            codes = _WIDE.get(self.body.dtype, self.body.dtype)
            if codes not in _WIDE.values():
                raise OptcError("codes-dtype", str(running), "codes", "integers", codes.value)
            scales = (self.scales[0], *(attrs.evolve(offset, dtype=codes) for offset in self.scales[1:]))
            table: tuple[Part, ...] = (Part("lut", codes, entries),)
        else:
            scales = (Part("scale", self.dtype, self.shape[self.channels]),) if running.per_channel_scale else ()
            table = self._table(running.table, entries)
        return attrs.evolve(self, body=body, table=table, scales=scales, vector=vector)

    def _bits(self, running: Palettize) -> int:
        """The width of indices."""
        if running.mode != "unique":
            return running.bits
        if self.distinct is None:
            raise UsageError("distinct-unknown", str(running), "number of distinct values", "given, as it decides")
        return index_bits(self.distinct)

    def _table(self, kind: str, entries: int) -> tuple[Part, ...]:
        if kind not in _TABLE_CODES:
            narrow = kind == "float16" and self.dtype is DType.F32
            return (Part("lut", DType.F16 if narrow else self.dtype, entries),)
        codes = _TABLE_CODES[kind]
        return (Part("lut.data", codes, entries), *self._scaled("lut.", codes, 1, kind == "uint8" and self.offsets))

    def _quantized(self, running: Quantize) -> "_Form":
        codes = running.stored_as
        offset = self.offsets if running.mode == "asymmetric" else running.dtype.startswith("u")
        if self.body is None:
            counts = (dim // block for dim, block in zip(self.shape, self._blocks(running), strict=True))
            scales = self._scaled("", codes, math.prod(counts), offset)
            return attrs.evolve(self, body=Part("data", codes, self.elements), scales=scales)
        if len(self.table) != 1:
            raise OptcError("already-quantized", str(running), "weight", "without scales")
        (lut,) = self.table
        tables = (lut.elements >> self.body.dtype.bits) // self.vector
        return attrs.evolve(
            self, table=(Part("lut.data", codes, lut.elements), *self._scaled("lut.", codes, tables, offset))
        )

    def _scaled(self, prefix: str, codes: DType, count: int, offset: bool) -> tuple[Part, ...]:
        scale = Part(f"{prefix}scale", self.dtype, count)
        return (scale, Part(f"{prefix}offset", codes, count)) if offset else (scale,)

    def _blocks(self, running: Quantize) -> Shape:
        """The size of a block along each axis."""
        rank = len(self.shape)
        if running.granularity == "per_tensor" or (rank == 1 and running.granularity == "per_channel"):
            return self.shape
        if running.granularity == "per_channel":
            return tuple(1 if axis == self.channels else dim for axis, dim in enumerate(self.shape))
        sizes = {self.channels: 1, self.inputs: running.block_length}
        wanted = running.block_sizes or tuple(sizes.get(axis, 0) for axis in range(rank))
        if len(wanted) != rank:
            raise OptcError("block-rank", str(running), "block_sizes", f"one for each of {rank} axes", len(wanted))
        return tuple(legal_size(dim, size) for dim, size in zip(self.shape, wanted, strict=True))
