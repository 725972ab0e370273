"""Weights that are cut along their first axis are the same weights, and so need no room for a dense copy."""

import itertools
import math
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.numerics.distance import distance
from optc.ops.matmul import Linear
from optc.ops.weights import weights_of
from optc.pipeline.passes import Pass, PassContext
from passes.compress import rows
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from passes.compress.stored import Plain, Stored, stored

OPEN = {"min_elements": 0, "force": True, "joint": True}
STEPS: list[Pass] = [
    Palettize(bits=2, group_size=4, **OPEN),
    Palettize(bits=2, cluster_dim=2, group_size=4, table="uint8", **OPEN),
    Palettize(bits=1, axis=-1, group_size=3, per_channel_scale=True, **OPEN),
    Palettize(bits=1, cluster_dim=3, axis=-1, **OPEN),
    Quantize(dtype="uint4", mode="asymmetric", granularity="per_block", block_sizes=[2, 0], **OPEN),
    Quantize(dtype="int8", **OPEN),
    Sparsify(sparsity=0.4, **OPEN),
]


def network(rng: np.random.Generator, shape: tuple[int, int], dtype: DType) -> Program:
    b = Builder()
    w = b.const(rng.standard_normal(shape).astype(dtype.numpy), "w", dtype)
    return b.program(y=b.add(Linear(b.param(TensorType(dtype, (1, shape[1])), "x"), w)))


def after(program: Program, steps: Sequence[Pass]) -> Stored:
    for step in steps:
        program = step.run(program, PassContext(step))
    (weight,) = weights_of(program)
    held = stored(weight)
    assert held is not None
    return held


@pytest.mark.parametrize(
    "steps",
    [*((one,) for one in STEPS), *itertools.permutations(STEPS, 2)],
    ids=lambda steps: ",".join(map(str, steps)),
)
def test_the_parts_of_a_weight_make_the_weight(steps: tuple[Pass, ...]) -> None:
    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    @given(
        st.integers(0, 99), st.sampled_from([1, 2, 4, 8, 12, 16]), st.sampled_from([3, 6]), st.integers(1, 60),
        st.sampled_from([DType.F16, DType.F32]),
    )  # fmt: skip
    def law(seed: int, height: int, width: int, size: int, dtype: DType) -> None:
        program = network(np.random.default_rng(seed), (height, width), dtype)
        (weight,) = weights_of(program)
        made = after(program, steps)
        whole = Stored(dtype, Plain(weight.expanded()))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rows, "SLICE", size)
            found = list(rows.parts(made, (height, width), whole))
            others = list(rows.parts(whole, (height, width), made))
            change = rows.apart(whole, made, (height, width))
        dense = np.concatenate(found)
        assert [part.shape for part in found] == [part.shape for part in others]
        ops = made.ops("w")
        assert dense.tobytes() == np.asarray(rows.expand(ops, ops[-1].results[0])).tobytes()
        plain = distance(weight.expanded(), dense)
        assert change.largest == plain.largest
        assert math.isclose(change.noise, plain.noise, rel_tol=1e-12)

    law()


@pytest.mark.parametrize(
    "step",
    [
        Palettize(bits=4),
        Palettize(bits=4, group_size=64),
        Quantize(dtype="int8"),
        Quantize(dtype="int4", granularity="per_block"),
        Sparsify(sparsity=0.75),
    ],
    ids=str,
)
def test_compression_allocates_less_than_the_weight_takes(step: Pass) -> None:
    program = network(np.random.default_rng(0), (8192, 4096), DType.F16)
    (weight,) = weights_of(program)
    tracemalloc.start()
    try:
        made = step.run(program, PassContext(step))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made is not program
    assert peak < weight.dense_bytes
