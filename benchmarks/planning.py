"""How long a plan takes, and how that grows with the model.

    python benchmarks/planning.py                 # from 600 to 20,000 ops
    python benchmarks/planning.py --json

The models are chains of blocks with a residual connection: five ops and a palettized weight, so that 5,000 ops have
1,000 weights; every tenth block has an op that falls back to the processor. `plan` decides and places, `all` makes
everything that `optc plan --json` prints as well, the lowered program and its memory among it; `limit` chooses under a
memory limit that binds, with a slow decoder. What counts is the growth: the time per op of the
largest over that of the smallest.
"""

from collections.abc import Callable

import numpy as np
from growth import report

from backends.device_files import load_device
from backends.figure_paths import with_figure
from backends.plan import Request, make_plan
from backends.record import plan_json
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ops.activations import Relu
from optc.ops.constexpr import LutToDense
from optc.ops.elementwise import Add
from optc.ops.matmul import Linear
from optc.ops.norm import LayerNorm
from optc.ops.order import Cumsum
from optc.ops.softmax import Softmax

SIZES = (600, 2_000, 5_000, 20_000)
DEVICE = load_device("iphone15pro")


def model(ops: int) -> Program:
    """A chain of blocks of five ops, each with one weight of 64 by 64 that differs from the others."""
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, 64)), "x")
    rng = np.random.default_rng(0)
    scale, shift = b.const(np.ones(64, np.float16)), b.const(np.zeros(64, np.float16))
    for number in range(ops // 5):
        indices = Tensor.of(rng.integers(0, 16, (64, 64)).astype(np.uint8), DType.U4)
        lut = Tensor.of(rng.standard_normal((1 << number % 7, 1, 16, 1)).astype(np.float16), DType.F16)
        weight = b.add(LutToDense(b.const(indices), b.const(lut)), f"weight{number}")
        y = b.add(Relu(b.add(Linear(x, weight))))
        y = b.add(Cumsum(y, axis=1) if number % 10 == 9 else Softmax(y, axis=1))
        x = b.add(LayerNorm(b.add(Add(x, y)), axis=1, scale=scale, bias=shift))
    return b.program(y=x)


def steps(program: Program) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    slow = with_figure(DEVICE, "npu.schemes.palettized.decode_gweights_per_s", 0.1)
    decisions = make_plan(program, slow).decisions
    least = sum(
        min(d.resident_bytes_if_load, d.resident_bytes_if_predict) if d.is_free else d.resident_bytes for d in decisions
    )
    limit = Request(memory_limit=(least + sum(d.resident_bytes for d in decisions)) // 2)
    return {
        "plan": lambda: make_plan(program, DEVICE),
        "all": lambda: plan_json(make_plan(program, DEVICE)),
        "limit": lambda: make_plan(program, slow, limit),
    }


if __name__ == "__main__":
    report(SIZES, lambda ops: steps(model(ops)))
