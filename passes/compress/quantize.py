"""Quantization: weights as integers with a scale for each tensor, channel or block."""

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.dtypes import Array, DType
from optc.numerics.affine import Quantized, Shape, per_channel, per_tensor, quantize
from optc.numerics.sparsity import scatter
from optc.ops.weights import Weight
from optc.pipeline.passes import PassContext, option
from passes.compress.stored import Codes, Indices, Plain, Stored
from passes.compress.weights import Compression, Encode, Encoding, Numbers, channel_axis, input_axis

_CODES = {"int8": DType.I8, "uint8": DType.U8, "int4": DType.I4, "uint4": DType.U4}


@attrs.frozen
class Quantize(Compression):
    """Store each weight as integer codes: `weight = scale * (code - offset)`.

    before:  %w = const() {value = f32[64,32] ...} : f32[64,32]
    after:   %w.data = const() {value = i8[64,32] ...} : i8[64,32]
             %w.scale = const() {value = f32[64,1] ...} : f32[64,1]
             %w = constexpr.shift_scale(%w.data, %w.scale) : f32[64,32]

    Ranges are min-max. The largest error is half a scale, and the rounding of the products. A scale is for the whole
    tensor, for each output channel, or for blocks: of one output channel and `block_size` input channels, or of what
    `block_sizes` says for each axis (0 for the whole axis).

    Of sparse weights the kept values become codes, of palettized ones the table (both with `joint`).
    """

    name: ClassVar[str] = "quantize"
    dtype: str = option("int8", one_of=tuple(_CODES), help="type of the codes")
    mode: str = option("symmetric", one_of=("symmetric", "asymmetric"), help="whether zero is the middle of the range")
    granularity: str = option(
        "per_channel", one_of=("per_tensor", "per_channel", "per_block"), help="how far one scale reaches"
    )
    block_size: int = option(32, minimum=1, help="input channels of a block")
    block_sizes: tuple[int, ...] = option((), minimum=0, help="size of a block along each axis, instead")

    @property
    def stored_as(self) -> DType:
        """The element type that the codes are stored in."""
        return _CODES[self.dtype]

    def encoder(self, weights: Sequence[Weight], cx: PassContext) -> Encode:
        return self._encode

    def _encode(self, weight: Weight, now: Stored) -> Encoding:
        body, mask = now.body, now.mask
        numbers: Numbers = {}
        if isinstance(body, Codes):
            raise OptcError("already-quantized", weight.name, "weight", "without scales", weight.form)
        if isinstance(body, Indices):
            return Encoding(attrs.evolve(now, body=self._of_table(weight, body)), numbers)
        assert isinstance(body, Plain)  # there is no other form
        values = body.values if mask is None else scatter(body.values, mask)
        made = self._quantized(values, self._blocks(weight, values.shape, numbers))
        data = made.codes if mask is None else made.codes[mask]
        return Encoding(attrs.evolve(now, body=Codes(data, _CODES[self.dtype], made.scale, made.offset)), numbers)

    def _quantized(self, values: Array, blocks: Shape) -> Quantized:
        return quantize(values, self.dtype, blocks, self.mode == "symmetric")

    def _of_table(self, weight: Weight, body: Indices) -> Indices:
        """A palette whose tables, each with a scale of its own, are codes."""
        table = body.table
        if isinstance(table, Codes) or not np.issubdtype(table.dtype, np.floating):
            raise OptcError("already-quantized", weight.name, "weight", "without scales", weight.form)
        wide = table.astype(weight.value.tensor.dtype.numpy)
        made = self._quantized(wide, (*(1,) * (wide.ndim - 2), *wide.shape[-2:]))
        return attrs.evolve(body, table=Codes(made.codes, _CODES[self.dtype], made.scale, made.offset), narrow=None)

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
        inputs = input_axis(weight)
        return tuple(self.block_size if axis == inputs else 1 if axis == channels else 0 for axis in range(len(shape)))
