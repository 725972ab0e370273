"""Places on the border between two elements: a last digit decides which of them is taken."""

import numpy as np
import pytest

from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.interpreter import interpret
from optc.ir.types import TensorType
from optc.ops.resample import POSITIONS
from optc.ops.resize import Resize
from tests.conformance.test_ops_against_onnxruntime import run_onnxruntime


@pytest.mark.parametrize("coordinates", POSITIONS)
@pytest.mark.parametrize("rounding", ["floor", "round_prefer_floor"])
def test_each_pair_of_sizes_takes_the_elements_that_onnxruntime_takes(coordinates: str, rounding: str) -> None:
    for size in range(1, 14):
        b = Builder()
        x = b.param(TensorType(DType.F32, (1, 1, size, 1)), "x")
        resized = {
            f"y{count}": b.add(Resize(x, (2,), (count,), coordinates=coordinates, rounding=rounding))
            for count in range(1, 14)
        }
        program = b.program(**resized)
        inputs = {"x": np.arange(size, dtype=np.float32).reshape(1, 1, size, 1)}
        theirs = run_onnxruntime(program, inputs)
        for (name, ours), array in zip(interpret(program, inputs).items(), theirs, strict=True):
            np.testing.assert_array_equal(ours, array, err_msg=f"{size} to {name}")
