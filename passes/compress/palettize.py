"""Palettization: weights as indices into small tables of values, or of vectors."""

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from optc.errors import OptcError, UsageError
from optc.ir.dtypes import Array, DType
from optc.numerics.finite import all_finite
from optc.numerics.grouped_palette import CodedTable, Palettized, palettize, palettize_vectors
from optc.numerics.palette import as_stored, index_bits
from optc.numerics.partition import Rounding
from optc.numerics.sparsity import keep, scatter
from optc.numerics.vector_palette import LONGEST
from optc.ops.weights import Weight
from optc.pipeline.passes import PassContext, option
from passes.compress.palette_choice import Choice, imported
from passes.compress.stored import Codes, Indices, Plain, Stored
from passes.compress.weights import Compression, Encode, Encoding, Numbers, channel_axis, importance_of

MODES = ("kmeans", "uniform", "unique", "custom")
TABLES = ("weight", "float32", "float16", "int8", "uint8")
_WIDE = {DType.I4: DType.I8, DType.U4: DType.U8}


@attrs.frozen
class Palettize(Compression):
    """Store each weight as indices into tables of `2**bits` values, chosen by exact k-means on its values.

    before:  %w = const() {value = f32[64,32] ...} : f32[64,32]
    after:   %w.indices = const() {value = u4[64,32] ...} : u4[64,32]
             %w.lut = const() {value = f32[1,1,16,1] ...} : f32[1,1,16,1]
             %w = constexpr.lut_to_dense(%w.indices, %w.lut) : f32[64,32]

    There is one table, or one for each `group_size` channels along the axis of output channels (or `axis`). Its
    entries have the type of the weight, or a narrower one, and the squared error is the least that any table with
    such entries has (`optc.numerics.palette`). With `per_channel_scale`, each output channel is divided by its largest
    magnitude first, and errors count by the square of that. Where the importance of elements is given, k-means counts
    their errors by that, too. With `certify`, the remark has the sum of squared errors that k-means found as `sse`, and
    as `sse_at_least` a bound for any palette of that form (`optc.numerics.certificate`).

    With `cluster_dim`, entries are vectors of so many neighbours along that axis, found by k-means that is good but
    not exact (`optc.numerics.vector_palette`).

    Of sparse weights the kept values get a palette (of single values only), of quantized ones the codes (both with
    `joint`).

    Modes: `kmeans`; `uniform`, entries at equal distances; `unique`, the distinct values (or vectors) themselves, with
    no more bits than they need, refused if they need more than `bits`; `custom`, the entries that `function` returns,
    named as `package.module:function`, a callable that gets a `float64` array of values (or `[n, cluster_dim]` of
    vectors) and the number of entries.
    """

    name: ClassVar[str] = "palettize"
    bits: int = option(4, one_of=(1, 2, 3, 4, 6, 8), help="bits per index")
    mode: str = option("kmeans", one_of=MODES, help="how entries are chosen")
    group_size: int = option(0, minimum=0, help="channels that share a table; 0 for all")
    cluster_dim: int = option(1, minimum=1, maximum=LONGEST, help="channels that one index stands for")
    axis: int | None = option(None, help="axis of groups and vectors; by default that of output channels")
    per_channel_scale: bool = option(False, help="a scale for each output channel")
    table: str = option("weight", one_of=TABLES, help="type of the entries")
    function: str = option("", help="for mode custom: package.module:function")
    certify: bool = option(False, help="say in the remark what error no such palette is below, as proved by a check")

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if (self.mode == "custom") is not bool(self.function):
            raise UsageError(
                "custom-function", "pass palettize", "option function", "given with mode=custom, and only then",
                self.function or "none",
            )  # fmt: skip
        if self.mode == "uniform" and self.cluster_dim > 1:
            raise UsageError("uniform-vectors", "pass palettize", "option cluster_dim", "1 with mode=uniform")
        if self.certify and (self.mode != "kmeans" or self.cluster_dim > 1):
            raise UsageError("certify", "pass palettize", "option certify", "with mode=kmeans and cluster_dim=1 only")

    def encoder(self, weights: Sequence[Weight], cx: PassContext) -> Encode:
        custom = imported(self.function) if self.mode == "custom" else None

        def encode(weight: Weight, now: Stored) -> Encoding:
            choice = Choice(self.mode, self.bits, custom, f"{self.function} on {weight.name}", self.certify)
            made = _Palettizing(self, weight, now, choice, importance_of(weight, cx)).encoding()
            return attrs.evolve(made, numbers={**made.numbers, **choice.proof}) if self.certify else made

        return encode


class _Palettizing:
    """The palettization of one weight."""

    def __init__(
        self, options: Palettize, weight: Weight, now: Stored, choice: Choice, importance: Array | None
    ) -> None:
        if isinstance(now.body, Indices):
            raise OptcError("already-palettized", weight.name, "weight", "without a palette", weight.form)
        self.options = options
        self.weight = weight
        self.now = now
        self.choice = choice
        self.importance = importance
        self.numbers: Numbers = {}
        shape = weight.value.tensor.static_shape
        axis = channel_axis(weight) if options.axis is None else options.axis
        if not -len(shape) <= axis < len(shape):
            expected = f"from {-len(shape)} to {len(shape) - 1}"
            raise OptcError("axis-range", weight.name, "axis of groups", expected, axis)
        self.axis = axis % len(shape)
        self.length = self._vector_length()
        unit, numbers = self.length, self.numbers
        size = options.fitting(weight, self.axis, options.group_size, numbers, unit=unit)
        self.groups = tuple(dim // size if a == self.axis else 1 for a, dim in enumerate(shape))

    def _vector_length(self) -> int:
        wanted = self.options.cluster_dim
        if wanted == 1:
            return 1
        length = self.options.fitting(self.weight, self.axis, wanted, self.numbers, of="cluster_dim", most=LONGEST)
        if length > 1 and self.now.mask is not None:
            raise OptcError("vectors-of-sparse", self.weight.name, "weight", "dense, for vectors", "sparse")
        return length

    def encoding(self) -> Encoding:
        body, mask = self.now.body, self.now.mask
        if isinstance(body, Codes):
            return Encoding(attrs.evolve(self.now, body=self._of_codes(body)), self.numbers)
        assert isinstance(body, Plain)  # _Palettizing takes no palettes
        values = body.values if mask is None else scatter(body.values, mask)
        scale = self._channel_scale(values)
        if scale is not None:
            values = values.astype(np.float32) / scale.astype(np.float32)
            self._count_by(np.broadcast_to(scale, values.shape))
        made, table, narrow = self._tables(values)
        found = self._indices(made, table, scale=scale, narrow=narrow)
        return Encoding(attrs.evolve(self.now, body=found), self.numbers)

    def _indices(
        self, made: Palettized, table: Array | Codes, scale: Array | None, offset: Array | None = None,
        narrow: DType | None = None,
    ) -> Indices:  # fmt: skip
        data = made.indices if self.now.mask is None else keep(made.indices, self.now.mask)
        bits = made.table.shape[-2].bit_length() - 1
        axis = None if self.length == 1 else self.axis
        return Indices(data, bits, table, axis, scale, offset, narrow)

    def _count_by(self, scale: Array) -> None:
        """Errors count by the square of what they are multiplied with."""
        square = np.square(scale.astype(np.float64))
        self.importance = square if self.importance is None else square * self.importance

    def _channel_scale(self, values: Array) -> Array | None:
        if not self.options.per_channel_scale:
            return None
        if not all_finite(values):
            raise OptcError("not-finite", self.weight.name, "every value", "finite", "NaN or infinity")
        axis = channel_axis(self.weight)
        others = tuple(a for a in range(values.ndim) if a != axis)
        scale = np.abs(values).max(axis=others, keepdims=True, initial=0)
        return np.asarray(np.where(scale == 0, 1, scale), values.dtype)

    def _tables(self, values: Array) -> tuple[Palettized, Array | Codes, DType | None]:
        """Indices, the table as it is stored, and its type if that is narrower than the weight's."""
        kind, dtype = self.options.table, self.now.dtype
        if kind in ("int8", "uint8"):
            return self._coded_tables(values, kind)
        narrow = DType.F16 if kind == "float16" and dtype is DType.F32 else None
        entry = (narrow or dtype).numpy
        made = self._palettized(values, Rounding.of(entry))
        return made, as_stored(made.table, entry), narrow

    def _palettized(self, values: Array, rounding: Rounding) -> Palettized:
        bits, groups, choice = self.options.bits, self.groups, self.choice
        if self.length == 1:
            made = palettize(values, bits, groups, choice.scalars(rounding), self.importance, self.now.mask)
        else:
            vector = (self.axis, self.length)
            made = palettize_vectors(values, bits, groups, vector, choice.vectors(rounding), self.importance)
        if self.options.mode != "unique":
            return made
        needed = index_bits(int(made.indices.max(initial=0)) + 1)
        return attrs.evolve(made, table=made.table[..., : 1 << needed, :])

    def _coded_tables(self, values: Array, kind: str) -> tuple[Palettized, Codes, None]:
        form = CodedTable.of(values, kind, np.dtype(self.now.dtype.numpy))
        made = self._palettized(values, form.rounding)
        dtype = DType.I8 if kind == "int8" else DType.U8
        ones = (1,) * made.table.ndim
        scale = np.full(ones, form.scale, self.now.dtype.numpy)
        offset = np.full(ones, form.offset, dtype.numpy) if form.offset else None
        return made, Codes(form.codes(made.table).astype(dtype.numpy), dtype, scale, offset), None

    def _of_codes(self, body: Codes) -> Indices:
        """The codes of a quantized weight, as indices into tables of codes."""
        dtype = _WIDE.get(body.dtype, body.dtype)
        if dtype not in (DType.I8, DType.U8):
            raise OptcError("codes-dtype", self.weight.name, "codes", "integers", body.dtype.value)
        codes = body.data if self.now.mask is None else scatter(body.data, self.now.mask)
        scale = body.scale
        for axis, (dim, count) in enumerate(zip(codes.shape, scale.shape, strict=True)):
            scale = np.repeat(scale, dim // count, axis)
        self._count_by(scale)
        rounding = Rounding(0, 1.0, -128.0, 127.0) if dtype is DType.I8 else Rounding(0, 1.0, 0.0, 255.0)
        made = self._palettized(codes, rounding)
        offset = None if body.offset is None else body.offset.astype(dtype.numpy)
        return self._indices(made, made.table.astype(dtype.numpy), body.scale, offset)
