"""Options of the compression passes that do not go together, or do not fit a weight."""

from typing import Any

import attrs
import numpy as np
import pytest

from optc.errors import UsageError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.conv import Conv
from optc.ops.matmul import Linear
from optc.ops.weights import weights_of
from optc.pipeline.passes import PassContext
from optc.pipeline.remarks import Remark
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from passes.compress.weights import Compression


def one_weight(*shape: int) -> Program:
    rng = np.random.default_rng(0)
    b = Builder()
    x = b.param(TensorType(DType.F32, (1, shape[1], *(8 for _ in shape[2:]))), "x")
    w = b.const(rng.standard_normal(shape).astype(np.float32), "w")
    return b.program(y=b.add(Linear(x, w) if len(shape) == 2 else Conv(x, w)))


def remark_of(running: Compression, program: Program) -> Remark:
    cx = PassContext(running)
    after = running.run(program, cx)
    (remark,) = cx.ledger
    if remark.decision != "done":
        assert weights_of(after)[0].constants == weights_of(program)[0].constants
    return remark


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (Sparsify, {"threshold": 0.1, "zeros": 2, "of": 4}),
        (Sparsify, {"block_size": 4, "structure": "channel"}),
        (Sparsify, {"scope": "model", "block_size": 4}),
        (Sparsify, {"zeros": 3}),
        (Sparsify, {"zeros": 3, "of": 2}),
        (Palettize, {"mode": "custom"}),
        (Palettize, {"function": "math:sqrt"}),
    ],
)
def test_options_that_would_be_ignored_are_refused(cls: type[Compression], options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        cls(**options)


@pytest.mark.parametrize(
    ("running", "taken"),
    [
        (Palettize(bits=4, group_size=16), 15),
        (Quantize(dtype="int4", granularity="per_block", block_size=32), 25),
        (Sparsify(block_size=32), 25),
    ],
    ids=str,
)
def test_a_size_that_does_not_divide_becomes_the_nearest_that_does_and_strict_refuses(
    running: Compression, taken: int
) -> None:
    program = one_weight(45, 50)
    made = remark_of(running, program)
    assert (made.decision, dict(made.numbers)["taken"]) == ("done", taken)
    refused = remark_of(attrs.evolve(running, strict=True), program)
    assert (refused.decision, refused.reason) == ("refused", "size-does-not-divide")


def test_a_custom_palette_is_what_the_function_gives() -> None:
    running = Palettize(bits=2, mode="custom", function="tests.unit.passes.test_compress_options:quartiles")
    program = one_weight(40, 60)
    values = weights_of(program)[0].expanded()
    after = running.run(program, PassContext(running))
    assert set(np.unique(weights_of(after)[0].expanded())) == set(quartiles(values, 4).astype(np.float32))


def quartiles(values: Any, size: int) -> Any:
    return np.quantile(values, (np.arange(size) + 0.5) / size)


def test_kernels_of_a_matrix_are_refused_by_name() -> None:
    refused = remark_of(Sparsify(structure="kernel"), one_weight(64, 64))
    assert (refused.decision, refused.reason) == ("refused", "no-kernels")


def test_whole_kernels_and_channels_are_dropped() -> None:
    for structure, axes in (("kernel", (2, 3)), ("channel", (1, 2, 3))):
        running = Sparsify(structure=structure, sparsity=0.25)
        after = running.run(one_weight(16, 24, 3, 3), PassContext(running))
        gone = ~weights_of(after)[0].expanded().any(axis=axes)
        assert gone.sum() == gone.size / 4
