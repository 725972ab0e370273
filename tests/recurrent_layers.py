"""LSTM layers of small sizes, and the forms in which their weights are compressed."""

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import Array, DType
from optc.ir.types import TensorType
from optc.ops.recurrent import Lstm
from optc.ops.weights import Weight, weights_of
from optc.pipeline.passes import PassContext
from passes.cleanup.dead_code import DeadCode
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from passes.compress.weights import Compression

OPEN = {"min_elements": 0, "force": True, "joint": True}
BLOCKED = {"granularity": "per_block", **OPEN}
JOINT: tuple[Compression, ...] = (
    Sparsify(sparsity=0.4, **OPEN),
    Palettize(bits=2, group_size=2, **OPEN),
    Palettize(bits=1, per_channel_scale=True, **OPEN),
    Palettize(bits=2, table="int8", **OPEN),
    Quantize(**OPEN),
    Quantize(dtype="uint4", mode="asymmetric", block_size=2, **BLOCKED),
)
ALONE: tuple[Compression, ...] = (
    *JOINT,
    *(Palettize(bits=bits, **OPEN) for bits in (1, 3, 4, 6, 8)),
    Palettize(bits=4, mode="unique", group_size=3, **OPEN),
    Palettize(bits=2, group_size=4, axis=2, table="float16", **OPEN),
    Palettize(bits=1, group_size=1, axis=0, **OPEN),
    Palettize(bits=2, group_size=6, cluster_dim=2, **OPEN),
    Palettize(bits=1, cluster_dim=2, axis=-1, table="uint8", **OPEN),
    *(
        Quantize(dtype=dtype, mode=mode, granularity=granularity, **OPEN)
        for dtype, mode in (("int4", "symmetric"), ("int8", "asymmetric"), ("uint8", "asymmetric"))
        for granularity in ("per_tensor", "per_channel")
    ),
    Quantize(dtype="int4", block_size=3, **BLOCKED),
    Quantize(dtype="uint8", mode="asymmetric", block_sizes=(1, 2, 3), **BLOCKED),
    Quantize(block_sizes=(0, 4, 0), **BLOCKED),
    Sparsify(structure="channel", **OPEN),
    Sparsify(zeros=1, of=2, **OPEN),
)
FORMS: tuple[tuple[Compression, ...], ...] = (
    *((one,) for one in ALONE),
    *itertools.permutations(JOINT, 2),
    (JOINT[0], JOINT[1], JOINT[4]),
    (JOINT[4], JOINT[1], JOINT[0]),
)
"""Passes that run one after another; what some of them do not take they leave as it is."""


def layer(
    direction: str, dtype: DType, hidden: int = 6, inputs: int = 8, bias: bool = True, seed: int = 0, digits: int = 4
) -> Program:
    """A program of one layer: `w` applies to the input, `r` to the hidden state; values have so many digits."""
    directions = 2 if direction == "bidirectional" else 1
    rng = np.random.default_rng(seed)

    def array(*shape: int) -> Array:
        return np.round(rng.standard_normal(shape), digits).astype(dtype.numpy)

    b = Builder()
    x = b.param(TensorType(dtype, (3, 2, inputs)), "x")
    weight = b.const(array(directions, 4 * hidden, inputs), "w")
    recurrent = b.const(array(directions, 4 * hidden, hidden), "r")
    biases = b.const(array(directions, 8 * hidden), "b") if bias else None
    op = Lstm(x, weight, recurrent, biases, direction=direction)
    b.append(op)
    return b.program(y=op.results[0], last=op.results[1])


def layers() -> st.SearchStrategy[Program]:
    """Programs of one layer."""
    return st.builds(
        layer,
        st.sampled_from(["forward", "reverse", "bidirectional"]),
        st.sampled_from([DType.F16, DType.F32]),
        st.sampled_from([6, 12, 1, 2, 3, 4, 5]),
        st.integers(1, 7),
        st.booleans(),
        st.integers(0, 99),
        st.integers(1, 4),
    )


def compressed(program: Program, passes: Sequence[Compression]) -> Program:
    """The program after these passes, without what weights were made of before."""
    for running in passes:
        program = running.run(program, PassContext(running))
    return DeadCode().run(program, PassContext())


def layer_of(program: Program) -> Lstm:
    """The only layer of a program."""
    (layer,) = (op for op in program.walk() if isinstance(op, Lstm))
    return layer


def matrices_of(program: Program) -> tuple[Weight, Weight]:
    """The weights of the input and of the hidden state of the only layer."""
    layer = layer_of(program)
    found = {weight.value: weight for weight in weights_of(program)}
    return found[layer.weight], found[layer.recurrent_weight]
