"""Quantization: weights as integers with a scale for each tensor, channel or block."""

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from optc.errors import OptcError, UsageError
from optc.ir.dtypes import Array, DType
from optc.numerics.affine import FLOAT8S, Quantized, Shape, per_channel, per_tensor, quantize, quantize_float8
from optc.numerics.block_rows import spread
from optc.numerics.lut import lut_to_dense
from optc.numerics.sparsity import keep, scatter
from optc.ops.weights import Weight
from optc.pipeline.passes import PassContext, option
from passes.compress.stored import Codes, Indices, Plain, Stored
from passes.compress.weights import Compression, Encode, Encoding, Numbers, channel_axis, importance_of, input_axis

CODES = {
    "int8": DType.I8, "uint8": DType.U8, "int4": DType.I4, "uint4": DType.U4,
    **{f"int{bits}": DType.I4 if bits < 4 else DType.I8 for bits in (2, 3, 5, 6, 7)},
    **{f"uint{bits}": DType.U4 if bits < 4 else DType.U8 for bits in (2, 3, 5, 6, 7)},
    "float8e4m3": DType.F8E4M3, "float8e5m2": DType.F8E5M2,
}  # fmt: skip
"""What codes are stored as: the next width that the formats have."""
WIDTHS = {f"{sign}{bits}": bits for sign in ("int", "uint") for bits in (2, 3, 5, 6, 7)}
"""The bits of codes that are stored in more."""


@attrs.frozen
class Quantize(Compression):
    """Store each weight as codes, integers or floats of 8 bits: `weight = scale * (code - offset)`.

    before:  %w = const() {value = f32[64,32] ...} : f32[64,32]
    after:   %w.data = const() {value = i8[64,32] ...} : i8[64,32]
             %w.scale = const() {value = f32[64,1] ...} : f32[64,1]
             %w = constexpr.shift_scale(%w.data, %w.scale) : f32[64,32]

    A scale is for the whole tensor, for each output channel, or for blocks: of one output channel and `block_size`
    input channels, or of what `block_sizes` says for each axis (0 for the whole axis).

    Ranges are `minmax`, the extremes of what has a scale in common, where the largest error is half a scale, and the
    rounding of the products; or `mse`, those of least squared error, weighted by the importance of the elements where
    that is given. Symmetric ones, and asymmetric ones of up to 4 bits, are exactly that (`optc.numerics.scale_search`);
    none has more squared error than with `minmax`.

    Codes of 2, 3, 5, 6 and 7 bits are stored in 4 or 8. Those that are floats (`float8e4m3`, `float8e5m2`) are
    symmetric, and their ranges `minmax`.

    Of sparse weights the kept values become codes, of palettized ones the table (both with `joint`), whose entries are
    as important to `mse` as all the elements together that use them.
    """

    name: ClassVar[str] = "quantize"
    dtype: str = option("int8", one_of=tuple(CODES), help="type of the codes")
    mode: str = option("symmetric", one_of=("symmetric", "asymmetric"), help="whether zero is the middle of the range")
    granularity: str = option(
        "per_channel", one_of=("per_tensor", "per_channel", "per_block"), help="how far one scale reaches"
    )
    range: str = option("minmax", one_of=("minmax", "mse"), help="the extremes, or what has least squared error")
    block_size: int = option(0, minimum=0, help="input channels of a block; 0 for 32")
    block_sizes: tuple[int, ...] = option((), minimum=0, help="size of a block along each axis, instead")

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if (self.block_size or self.block_sizes) and self.granularity != "per_block":
            raise UsageError(
                "block-size-unused", "pass quantize", "option granularity", "per_block, as a size of blocks is given",
                self.granularity,
            )  # fmt: skip
        for name, taken in (("mode", "symmetric"), ("range", "minmax")):
            if self.dtype in FLOAT8S and getattr(self, name) != taken:
                raise UsageError(
                    "float8-option", "pass quantize", f"option {name}", f"{taken} for {self.dtype}", getattr(self, name)
                )

    @property
    def block_length(self) -> int:
        """Input channels of a block."""
        return self.block_size or 32

    @property
    def stored_as(self) -> DType:
        """The element type that the codes are stored in."""
        return CODES[self.dtype]

    def encoder(self, weights: Sequence[Weight], cx: PassContext) -> Encode:
        def encode(weight: Weight, now: Stored) -> Encoding:
            importance = importance_of(weight, cx)
            if self.range == "mse" or importance is None:
                return self._encode(weight, now, importance)
            made = self._encode(weight, now, None)
            return attrs.evolve(made, numbers={**made.numbers, "importance": "unused"})

        return encode

    def _encode(self, weight: Weight, now: Stored, importance: Array | None) -> Encoding:
        body, mask = now.body, now.mask
        width = WIDTHS.get(self.dtype)
        numbers: Numbers = {} if width is None else {"code_bits": width}
        if isinstance(body, Codes):
            raise OptcError("already-quantized", weight.name, "weight", "without scales", weight.form)
        if isinstance(body, Indices):
            return Encoding(attrs.evolve(now, body=self._of_table(weight, now, body, importance)), numbers)
        assert isinstance(body, Plain)  # there is no other form
        values = body.values if mask is None else scatter(body.values, mask)
        made = self._quantized(values, self._blocks(weight, values.shape, numbers), importance)
        data = made.codes if mask is None else keep(made.codes, mask)
        return Encoding(attrs.evolve(now, body=Codes(data, CODES[self.dtype], made.scale, made.offset)), numbers)

    def _quantized(self, values: Array, blocks: Shape, importance: Array | None) -> Quantized:
        if self.dtype in FLOAT8S:
            return quantize_float8(values, self.dtype, blocks)
        return quantize(values, self.dtype, blocks, self.mode == "symmetric", self.range == "mse", importance)

    def _of_table(self, weight: Weight, now: Stored, body: Indices, importance: Array | None) -> Indices:
        """A palette whose tables, each with a scale of its own, are codes."""
        table = body.table
        if isinstance(table, Codes) or not np.issubdtype(table.dtype, np.floating):
            raise OptcError("already-quantized", weight.name, "weight", "without scales", weight.form)
        wide = table.astype(weight.value.tensor.dtype.numpy)
        use = _use_of_entries(now, body, table, importance) if self.range == "mse" else None
        made = self._quantized(wide, (*(1,) * (wide.ndim - 2), *wide.shape[-2:]), use)
        return attrs.evolve(body, table=Codes(made.codes, CODES[self.dtype], made.scale, made.offset), narrow=None)

    def _blocks(self, weight: Weight, shape: Shape, numbers: Numbers) -> Shape:
        if self.granularity == "per_tensor" or (len(shape) == 1 and self.granularity == "per_channel"):
            return per_tensor(shape)
        channels = channel_axis(weight)
        if self.granularity == "per_channel":
            return per_channel(shape, channels)
        wanted = self._wanted(weight, shape, channels)
        return tuple(self.fitting(weight, axis, size, numbers) for axis, size in enumerate(wanted))

    def _wanted(self, weight: Weight, shape: Shape, channels: int) -> Shape:
        if self.block_sizes:
            if len(self.block_sizes) != len(shape):
                raise OptcError(
                    "block-rank",
                    weight.name,
                    "block_sizes",
                    f"one for each of {len(shape)} axes",
                    len(self.block_sizes),
                )
            return self.block_sizes
        sizes = {channels: 1, input_axis(weight): self.block_length}
        return tuple(sizes.get(axis, 0) for axis in range(len(shape)))


def _use_of_entries(now: Stored, body: Indices, table: Array, importance: Array | None) -> Array:
    """How important each entry of the tables is: the sum over all elements that it stands for."""
    indices = body.data if now.mask is None else scatter(body.data, now.mask)
    entry = lut_to_dense(indices, np.arange(table.size).reshape(table.shape), body.vector_axis)
    loads = np.ones(entry.shape) if importance is None else importance.astype(np.float64)
    if body.scale is not None:  # which multiplies the errors of entries
        loads = loads * np.square(spread(body.scale.astype(np.float64), entry.shape))
    if now.mask is not None:
        loads = np.where(now.mask, loads, 0.0)
    return np.bincount(entry.reshape(-1), loads.reshape(-1), table.size).reshape(table.shape)
