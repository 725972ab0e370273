"""Quantization: weights as integers with a scale for each output channel."""

from typing import ClassVar

import attrs

from optc.ir.block import Program
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.numerics.affine import Shape, per_channel, per_tensor, quantize
from optc.ops.constexpr import ShiftScale
from optc.ops.weights import Weight
from optc.pipeline.passes import Pass, PassContext, option
from passes.compress.weights import MIN_ELEMENTS, Encoded, compress_weights, part

_CODES = {"int8": DType.I8, "uint8": DType.U8, "int4": DType.I4, "uint4": DType.U4}
# The axis of output channels by consumer; 0 for all others (conv, linear, rows of an embedding).
_CHANNEL_AXES = {"matmul": -1, "conv_transpose": 1}


@attrs.frozen
class Quantize(Pass):
    """Store each weight as integer codes: `weight = scale * (code - offset)`.

    before:  %w = const() {value = f32[64,32] ...} : f32[64,32]
    after:   %w.data = const() {value = i8[64,32] ...} : i8[64,32]
             %w.scale = const() {value = f32[64,1] ...} : f32[64,1]
             %w = constexpr.shift_scale(%w.data, %w.scale) : f32[64,32]

    Ranges are min-max. The largest error is half a scale, and the rounding of the products.
    """

    name: ClassVar[str] = "quantize"
    dtype: str = option("int8", one_of=tuple(_CODES), help="type of the codes")
    mode: str = option("symmetric", one_of=("symmetric", "asymmetric"), help="whether zero is the middle of the range")
    granularity: str = option("per_channel", one_of=("per_tensor", "per_channel"), help="how far one scale reaches")
    min_elements: int = option(MIN_ELEMENTS, minimum=0, help="leave smaller weights dense")
    force: bool = option(False, help="compress even where the result is not smaller")

    def run(self, program: Program, cx: PassContext) -> Program:
        return compress_weights(program, cx, self._encode, self.min_elements, self.force)

    def _encode(self, weight: Weight, tensor: Tensor) -> Encoded:
        made = quantize(tensor.array(), self.dtype, self._blocks(weight, tensor.shape), self.mode == "symmetric")
        data = part(made.codes, _CODES[self.dtype], f"{weight.name}.data")
        scale = part(made.scale, tensor.dtype, f"{weight.name}.scale")
        if made.offset is None:
            return Encoded(ShiftScale(data.result, scale.result), (data, scale))
        offset = part(made.offset, _CODES[self.dtype], f"{weight.name}.offset")
        return Encoded(ShiftScale(data.result, scale.result, offset.result), (data, scale, offset))

    def _blocks(self, weight: Weight, shape: Shape) -> Shape:
        if self.granularity == "per_tensor" or len(shape) == 1:
            return per_tensor(shape)
        axes = {_CHANNEL_AXES.get(op.name, 0) for op in weight.consumers}
        axis = axes.pop() if len(axes) == 1 else 0
        return per_channel(shape, axis % len(shape) if -len(shape) <= axis < len(shape) else 0)
