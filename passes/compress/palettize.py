"""Palettization: weights as indices into small tables of values."""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs
import numpy as np

from optc.errors import OptcError, UsageError
from optc.ir.dtypes import Array, DType
from optc.numerics.grouped_palette import Choose, CodedTable, Palettized, palettize
from optc.numerics.histogram import histogram
from optc.numerics.palette import Palette, as_stored, kmeans_1d, uniform_palette, unique_palette
from optc.numerics.partition import Rounding
from optc.numerics.sparsity import scatter
from optc.ops.weights import Weight
from optc.pipeline.passes import PassContext, option
from passes.compress.stored import Codes, Indices, Plain, Stored
from passes.compress.weights import Compression, Encode, Encoding, Numbers, channel_axis

MODES = ("kmeans", "uniform", "unique", "custom")
TABLES = ("weight", "float32", "float16", "int8", "uint8")
_WIDE = {DType.I4: DType.I8, DType.U4: DType.U8}
_NOTHING = Palette(np.zeros(1), 0.0, 0.0)


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
    magnitude first, and errors count by the square of that.

    Of sparse weights the kept values get a palette, of quantized ones the codes (both with `joint`).

    Modes: `kmeans`; `uniform`, entries at equal distances; `unique`, the distinct values themselves, refused if they
    are too many; `custom`, the entries that `function` returns, named as `package.module:function`, a callable that
    gets a `float64` array of values and the number of entries.
    """

    name: ClassVar[str] = "palettize"
    bits: int = option(4, one_of=(1, 2, 3, 4, 6, 8), help="bits per index")
    mode: str = option("kmeans", one_of=MODES, help="how entries are chosen")
    group_size: int = option(0, minimum=0, help="channels that share a table; 0 for all")
    axis: int | None = option(None, help="axis of the groups; by default that of output channels")
    per_channel_scale: bool = option(False, help="a scale for each output channel")
    table: str = option("weight", one_of=TABLES, help="type of the entries")
    function: str = option("", help="for mode custom: package.module:function")

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if (self.mode == "custom") is not bool(self.function):
            raise UsageError(
                "custom-function", "pass palettize", "option function", "given with mode=custom, and only then",
                self.function or "none",
            )  # fmt: skip

    def encoder(self, weights: Sequence[Weight], cx: PassContext) -> Encode:
        custom = _imported(self.function) if self.mode == "custom" else None

        def encode(weight: Weight, now: Stored) -> Encoding:
            return _Palettizing(self, weight, now, custom).encoding()

        return encode


def _imported(path: str) -> Callable[[Array, int], Any]:
    module, _, name = path.partition(":")
    try:
        found: Callable[[Array, int], Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise OptcError(
            "custom-function", "pass palettize", "option function", "package.module:function", path, str(error)
        ) from None
    return found


class _Palettizing:
    """The palettization of one weight."""

    def __init__(
        self, options: Palettize, weight: Weight, now: Stored, custom: Callable[[Array, int], Any] | None
    ) -> None:
        if isinstance(now.body, Indices):
            raise OptcError("already-palettized", weight.name, "weight", "without a palette", weight.form)
        self.options = options
        self.weight = weight
        self.now = now
        self.custom = custom
        self.shape = weight.value.tensor.static_shape
        self.numbers: Numbers = {}

    def encoding(self) -> Encoding:
        body, mask = self.now.body, self.now.mask
        groups = self._groups()
        if isinstance(body, Codes):
            return Encoding(attrs.evolve(self.now, body=self._of_codes(body, groups)), self.numbers)
        assert isinstance(body, Plain)  # _Palettizing takes no palettes
        values = body.values if mask is None else scatter(body.values, mask)
        scale = self._channel_scale(values)
        importance = None
        if scale is not None:
            values = values.astype(np.float32) / scale.astype(np.float32)
            importance = np.broadcast_to(np.square(scale.astype(np.float64)), values.shape)
        made, table, narrow = self._tables(values, groups, importance)
        found = Indices(self._flat(made.indices), self.options.bits, table, scale=scale, narrow=narrow)
        return Encoding(attrs.evolve(self.now, body=found), self.numbers)

    def _flat(self, indices: Array) -> Array:
        return indices if self.now.mask is None else indices[self.now.mask]

    def _groups(self) -> tuple[int, ...]:
        """How many groups there are along each axis."""
        options = self.options
        axis = channel_axis(self.weight) if options.axis is None else options.axis
        rank = len(self.shape)
        if not -rank <= axis < rank:
            raise OptcError("axis-range", self.weight.name, "axis of groups", f"from {-rank} to {rank - 1}", axis)
        size = options.fitting(self.weight, axis % rank, options.group_size, self.numbers)
        return tuple(self.shape[a] // size if a == axis % rank else 1 for a in range(rank))

    def _channel_scale(self, values: Array) -> Array | None:
        if not self.options.per_channel_scale:
            return None
        axis = channel_axis(self.weight)
        others = tuple(a for a in range(values.ndim) if a != axis)
        scale = np.abs(values).max(axis=others, keepdims=True, initial=0)
        return np.asarray(np.where(scale == 0, 1, scale), values.dtype)

    def _tables(
        self, values: Array, groups: tuple[int, ...], importance: Array | None
    ) -> tuple[Palettized, Array | Codes, DType | None]:
        """Indices, the table as it is stored, and its type if that is narrower than the weight's."""
        kind, dtype = self.options.table, self.now.dtype
        if kind in ("int8", "uint8"):
            return self._coded_tables(values, groups, importance, kind)
        narrow = DType.F16 if kind == "float16" and dtype is DType.F32 else None
        entry = (narrow or dtype).numpy
        made = self._palettized(values, groups, Rounding.of(entry), importance)
        return made, as_stored(made.table, entry), narrow

    def _palettized(
        self, values: Array, groups: tuple[int, ...], rounding: Rounding, importance: Array | None
    ) -> Palettized:
        return palettize(values, self.options.bits, groups, self._choose(rounding), importance, self.now.mask)

    def _coded_tables(
        self, values: Array, groups: tuple[int, ...], importance: Array | None, kind: str
    ) -> tuple[Palettized, Codes, None]:
        form = CodedTable.of(values, kind, np.dtype(self.now.dtype.numpy))
        made = self._palettized(values, groups, form.rounding, importance)
        dtype = DType.I8 if kind == "int8" else DType.U8
        ones = (1,) * made.table.ndim
        scale = np.full(ones, form.scale, self.now.dtype.numpy)
        offset = np.full(ones, form.offset, dtype.numpy) if form.offset else None
        return made, Codes(form.codes(made.table).astype(dtype.numpy), dtype, scale, offset), None

    def _of_codes(self, body: Codes, groups: tuple[int, ...]) -> Indices:
        """The codes of a quantized weight, as indices into tables of codes."""
        dtype = _WIDE.get(body.dtype, body.dtype)
        if dtype not in (DType.I8, DType.U8):
            raise OptcError("codes-dtype", self.weight.name, "codes", "integers", body.dtype.value)
        mask = self.now.mask
        codes = body.data if mask is None else scatter(body.data, mask)
        scale = body.scale.astype(np.float64)
        for axis, (dim, count) in enumerate(zip(codes.shape, scale.shape, strict=True)):
            scale = np.repeat(scale, dim // count, axis)
        rounding = Rounding(0, 1.0, -128.0, 127.0) if dtype is DType.I8 else Rounding(0, 1.0, 0.0, 255.0)
        made = self._palettized(codes, groups, rounding, np.square(scale))
        offset = None if body.offset is None else body.offset.astype(dtype.numpy)
        table = made.table.astype(dtype.numpy)
        return Indices(self._flat(made.indices), self.options.bits, table, scale=body.scale, offset=offset)

    def _choose(self, rounding: Rounding) -> Choose:
        bits, mode = self.options.bits, self.options.mode

        def choose(values: Array, weights: Array | None) -> Palette:
            if not values.size:
                return _NOTHING
            if mode == "kmeans":
                return kmeans_1d(values, 1 << bits, weights, rounding)
            if mode == "uniform":
                return uniform_palette(values, bits).rounded(rounding)
            if mode == "unique":
                return unique_palette(values, bits).rounded(rounding)
            return self._custom(values, 1 << bits).rounded(rounding)

        return choose

    def _custom(self, values: Array, size: int) -> Palette:
        assert self.custom is not None  # the encoder imported it
        where = f"{self.options.function} on {self.weight.name}"
        try:
            table = np.unique(np.asarray(self.custom(values.reshape(-1).astype(np.float64), size), np.float64))
        except Exception as error:
            raise OptcError("custom-function", where, "function", "able to give a table", str(error)) from None
        if not 1 <= table.size <= size or not np.isfinite(table).all():
            raise OptcError("custom-table", where, "table", f"1 to {size} finite numbers", f"{table.size} entries")
        histogram(values)  # which refuses what is not finite
        return Palette(table, np.inf, np.inf)
