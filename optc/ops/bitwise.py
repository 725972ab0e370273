"""Operations on the bits of integers."""

from typing import Any, ClassVar

import numpy as np

from optc.ir.dtypes import INTEGERS, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.value import Value
from optc.ops.elementwise import Binary, Unary

UNSIGNED = tuple(d for d in INTEGERS if not d.is_signed)


@abstract_op
class _BitwiseBinary(Binary):
    """Two integer tensors, bit by bit."""

    x: Value = operand(*INTEGERS)
    y: Value = operand(*INTEGERS, same_as="x")


@op("bit_and")
class BitAnd(_BitwiseBinary):
    """Each bit that is set in both."""

    commutative: ClassVar[bool] = True
    formula = np.bitwise_and


@op("bit_or")
class BitOr(_BitwiseBinary):
    """Each bit that is set in either."""

    commutative: ClassVar[bool] = True
    formula = np.bitwise_or


@op("bit_xor")
class BitXor(_BitwiseBinary):
    """Each bit that is set in exactly one."""

    commutative: ClassVar[bool] = True
    formula = np.bitwise_xor


@op("bit_not")
class BitNot(Unary):
    """Each bit that is not set."""

    x: Value = operand(*INTEGERS)
    formula = np.bitwise_not


@op("bit_shift")
class BitShift(Binary):
    """The bits of `x` moved by `y` places; bits that fall out are lost, zeros come in."""

    x: Value = operand(*UNSIGNED)
    y: Value = operand(*UNSIGNED, same_as="x")
    direction: str = attribute(one_of=("left", "right"))

    def evaluate(self, x: Array, y: Array) -> Any:
        shift = np.left_shift if self.direction == "left" else np.right_shift
        # C leaves shifts by the whole width undefined; here they give 0.
        width = x.dtype.itemsize * 8
        kept = np.minimum(y, np.array(width - 1, y.dtype))
        return np.asarray(np.where(y < width, shift(x, kept), np.zeros_like(x)))


OPS: tuple[type[Op], ...] = (BitAnd, BitOr, BitXor, BitNot, BitShift)
