"""Parameters of MIL's operations that are vectors, one number for each axis."""

from typing import Any

import numpy as np

from optc.formats.coreml.body import Body
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import slice as cut


def spread(value: Value, places: tuple[int, ...], b: Body) -> Any:
    """The elements of a vector, and a 0 behind them, in these places."""
    held = b.tensor(value)
    if held is not None:
        numbers = np.clip((*held.array().reshape(-1).tolist(), 0), -cut.BEYOND, cut.BEYOND)
        return tuple(int(numbers[p]) for p in places)
    (count,) = value.tensor.shape
    if places == tuple(range(len(places))) and count == len(places):
        return value
    kind = TensorType(DType.I32, (int(str(count)) + 1,))
    longer = b.make("concat", kind, values=(value, b.constant(np.zeros(1, np.int32), "zero")), axis=0, interleave=False)
    return b.make("gather", TensorType(DType.I32, (len(places),)), x=longer, indices=places, axis=0)


def number_type(dtype: DType) -> Any:
    """NumPy's type for a number of this element type, whose integers are of 32 bits in MIL."""
    return DType.I32.numpy if dtype is DType.I64 else dtype.numpy
