"""Tensors made from little: ranges, fills, one-hot vectors, diagonals, and the positions of what is not zero."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import UNKNOWN
from optc.ir.dtypes import BOOL_AND_NUMERIC, INDEX, INTEGERS, NUMERIC, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.dynamic import Dynamic, integers, length, unknown_shape
from optc.ops.expect import expect_rank
from optc.ops.movement import MOST_ELEMENTS, NOT_TEXT, Movement, check_elements, check_rank
from optc.ops.sizes import clash
