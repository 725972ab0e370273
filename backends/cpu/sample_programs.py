"""Programs to measure with: products with a weight, chains of small ops, additions of large tensors."""

from backends.cpu.sample_weights import Maker
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.activations import Sigmoid
from optc.ops.cast import Cast
from optc.ops.elementwise import Add
from optc.ops.matmul import Linear, MatMul
from optc.ops.quantize import MatmulInteger
from optc.ops.trigonometry import Tanh

_FEW = 16  # elements on which an op has next to nothing to do


def product(rows: int, side: int, weight: Maker) -> Program:
    """`rows` rows by a square matrix of float32."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (rows, side)), "x")
    return b.program(y=b.add(MatMul(x, weight(b, (side, side))), "y"))


def linear(rows: int, side: int, weight: Maker) -> Program:
    """The same as a linear op: the matrix is transposed."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (rows, side)), "x")
    return b.program(y=b.add(Linear(x, weight(b, (side, side))), "y"))


def narrow_product(rows: int, side: int, weight: Maker) -> Program:
    """`rows` rows by a square matrix in bfloat16."""
    b = Builder()
    x = b.param(TensorType(DType.BF16, (rows, side)), "x")
    return b.program(y=b.add(MatMul(x, b.add(Cast(weight(b, (side, side)), DType.BF16))), "y"))


def product_of_integers(rows: int, side: int) -> Program:
    """`rows` rows by a square matrix, both of 8-bit integers."""
    b = Builder()
    x = b.param(TensorType(DType.U8, (rows, side)), "x")
    y = b.param(TensorType(DType.I8, (side, side)), "w")
    return b.program(y=b.add(MatmulInteger(x, y), "y"))


def chain(length: int) -> Program:
    """Ops on few elements, one after the other."""
    b = Builder()
    value: Value = b.param(TensorType(DType.F32, (_FEW,)), "x")
    for number in range(length):
        value = b.add(Tanh(value) if number % 2 else Sigmoid(value))
    return b.program(y=value)


def addition(elements: int) -> Program:
    """The sum of two tensors of float32."""
    b = Builder()
    x, y = (b.param(TensorType(DType.F32, (elements,)), name) for name in "xy")
    return b.program(z=b.add(Add(x, y), "z"))
