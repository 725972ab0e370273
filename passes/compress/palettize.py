"""Palettization: weights as indices into one small table of values."""

from typing import ClassVar

import attrs
import numpy as np

from optc.ir.block import Program
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.numerics.palette import assign, kmeans_1d
from optc.ops.constexpr import LutToDense
from optc.ops.weights import Weight
from optc.pipeline.passes import Pass, PassContext, option
from passes.compress.weights import MIN_ELEMENTS, Encoded, compress_weights, part


@attrs.frozen
class Palettize(Pass):
    """Store each weight as indices into a table of `2**bits` values, chosen by exact k-means on its values.

    before:  %w = const() {value = f32[64,32] ...} : f32[64,32]
    after:   %w.indices = const() {value = u4[64,32] ...} : u4[64,32]
             %w.lut = const() {value = f32[1,1,16,1] ...} : f32[1,1,16,1]
             %w = constexpr.lut_to_dense(%w.indices, %w.lut) : f32[64,32]

    The table has the element type of the weight. The squared error is the least that any table of this size has
    (`optc.numerics.palette`), before the table is rounded to that type.
    """

    name: ClassVar[str] = "palettize"
    bits: int = option(4, one_of=(1, 2, 3, 4, 6, 8), help="bits per index")
    min_elements: int = option(MIN_ELEMENTS, minimum=0, help="leave smaller weights dense")
    force: bool = option(False, help="compress even where the result is not smaller")

    def run(self, program: Program, cx: PassContext) -> Program:
        return compress_weights(program, cx, self._encode, self.min_elements, self.force)

    def _encode(self, weight: Weight, tensor: Tensor) -> Encoded:
        values = tensor.array()
        size = 1 << self.bits
        table = kmeans_1d(values, size).table(values.dtype)
        padded = np.pad(table, (0, size - table.size), mode="edge")
        indices = part(assign(values, table), DType(f"u{self.bits}"), f"{weight.name}.indices")
        lut = part(padded.reshape((1,) * values.ndim + (size, 1)), tensor.dtype, f"{weight.name}.lut")
        return Encoded(LutToDense(indices.result, lut.result), (indices, lut))
