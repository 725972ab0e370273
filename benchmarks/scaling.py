"""How building, printing, parsing, verifying, rewriting and cleaning up grow with the number of ops.

    python benchmarks/scaling.py                 # 1,000, 3,000, 10,000 and 30,000 ops
    python benchmarks/scaling.py --json

Each step is timed on programs of each size, the best of several runs. What counts is the last column, the time per
op of the largest program over that of the smallest: 1 is linear. It is a ratio within one run, so a noisy machine
changes it little; the seconds hold for the machine that they were taken on. Collection of garbage is off while a step
is timed, as its cost depends on everything else that is alive.
"""

from collections.abc import Callable

import numpy as np
from growth import report

from optc.driver.facade import Pipeline
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.parser import parse_program
from optc.ir.printer import print_program
from optc.ir.rewriter import clone, rebuild
from optc.ir.types import TensorType
from optc.ir.verifier import verify
from optc.ops.activations import Relu
from optc.ops.catalog import CATALOG
from optc.ops.elementwise import Add, Mul
from optc.ops.shape import Transpose

SIZES = (1_000, 3_000, 10_000, 30_000)


def build(ops: int) -> Program:
    """A program of about `ops` ops: layers of a constant, arithmetic, an activation and two transposes that cancel."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, 4)), "x")
    layers = ops // 7
    for layer in range(layers):
        w = b.const(np.full((2, 4), layer % 97 + 0.5, np.float32), f"w{layer}")
        x = b.add(Add(b.add(Mul(x, w)), x))
        x = b.add(Relu(x))
        x = b.add(Transpose(b.add(Transpose(x, (1, 0))), (1, 0)))
    return b.program(y=x)


def steps(ops: int) -> dict[str, Callable[[], object]]:
    """What is timed, by name, on the program of that size."""
    program = build(ops)
    text = print_program(program)
    cleanup = Pipeline.parse("@cleanup")
    body = program.main.body
    return {
        "build": lambda: build(ops),
        "print": lambda: print_program(program),
        "parse": lambda: parse_program(text, CATALOG),
        "verify": lambda: verify(program),
        "rebuild": lambda: rebuild(body, lambda op, out: op.evolve(results=()) if isinstance(op, Relu) else None),
        "clone": lambda: clone(body),
        "cleanup": lambda: cleanup.run(program),
    }


if __name__ == "__main__":
    report(SIZES, steps)
