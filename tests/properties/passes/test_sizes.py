"""The size law: what shapes and options say is what is stored, to the byte, for every scheme and joint form."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optc.errors import OptcError
from optc.formats.coreml.writer import write_coreml
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.constexpr import LutToDense, ShiftScale, SparseShiftScale
from optc.ops.conv import Conv, ConvTranspose
from optc.ops.matmul import Linear, MatMul
from optc.ops.recurrent import Lstm
from optc.ops.weights import Weight, weights_of
from optc.pipeline.passes import PassContext
from passes.cleanup.dead_code import DeadCode
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sizes import parts, stored_bytes, weight_file_bytes
from passes.compress.sparsify import Sparsify
from passes.compress.weights import Compression, channel_axis, input_axis

OPEN = {"min_elements": 0, "force": True, "joint": True}
BLOCKED = {"granularity": "per_block", **OPEN}
ALONE: list[Compression] = [
    *(Palettize(bits=bits, **OPEN) for bits in (1, 2, 3, 4, 6, 8)),
    *(Palettize(bits=2, table=table, **OPEN) for table in ("float32", "float16", "int8", "uint8")),
    Palettize(bits=2, group_size=3, **OPEN),
    Palettize(bits=3, group_size=2, axis=-1, table="uint8", **OPEN),
    Palettize(bits=1, per_channel_scale=True, **OPEN),
    Palettize(bits=8, mode="unique", **OPEN),
    Palettize(bits=8, mode="unique", group_size=2, cluster_dim=2, **OPEN),
    Palettize(bits=3, cluster_dim=2, **OPEN),
    Palettize(bits=2, cluster_dim=4, group_size=3, table="uint8", **OPEN),
    Palettize(bits=1, cluster_dim=3, axis=-1, per_channel_scale=True, **OPEN),
    *(Quantize(dtype=dtype, **OPEN) for dtype in ("int3", "uint6", "float8e4m3", "float8e5m2")),
    Quantize(dtype="int2", range="mse", block_size=4, **BLOCKED),
    *(
        Quantize(dtype=dtype, mode=mode, granularity=granularity, **OPEN)
        for dtype in ("int8", "uint8", "int4", "uint4")
        for mode in ("symmetric", "asymmetric")
        for granularity in ("per_tensor", "per_channel")
    ),
    Quantize(block_size=3, **BLOCKED),
    Quantize(dtype="uint4", mode="asymmetric", block_size=2, **BLOCKED),
    Sparsify(sparsity=0.3, **OPEN),
    Sparsify(threshold=0.5, **OPEN),
    Sparsify(zeros=1, of=2, **OPEN),
    Sparsify(structure="channel", **OPEN),
]  # fmt: skip
JOINT: list[Compression] = [
    Sparsify(sparsity=0.6, **OPEN),
    Palettize(bits=2, **OPEN),
    Palettize(bits=1, group_size=2, per_channel_scale=True, **OPEN),
    Palettize(bits=3, table="int8", **OPEN),
    Palettize(bits=2, cluster_dim=2, **OPEN),
    Quantize(**OPEN),
    Quantize(dtype="uint4", mode="asymmetric", block_size=2, **BLOCKED),
]
TRIPLES = [(JOINT[0], JOINT[1], JOINT[5]), (JOINT[5], JOINT[1], JOINT[0]), (JOINT[1], JOINT[0], JOINT[6])]


@st.composite
def networks(draw: st.DrawFn) -> Program:
    """A weight of some shape that an op of some type uses."""
    dtype = draw(st.sampled_from([DType.F16, DType.F32]))
    kind = draw(st.sampled_from([Linear, MatMul, Conv, ConvTranspose, Lstm]))
    rank = {Linear: 2, MatMul: 2, Lstm: 3}.get(kind) or draw(st.integers(3, 4))
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=rank, max_size=rank)))
    if kind is Lstm:
        shape = (1 + shape[0] % 2, 4 * shape[1], shape[2])
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    array = np.round(rng.standard_normal(shape), draw(st.integers(0, 3)))
    values = (array if draw(st.booleans()) else np.abs(array)).astype(dtype.numpy)
    b = Builder()
    if kind is Lstm:
        x = b.param(TensorType(dtype, (3, 2, shape[2])), "x")
        recurrent = b.param(TensorType(dtype, (*shape[:2], shape[1] // 4)), "r")
        direction = "bidirectional" if shape[0] == 2 else "forward"
        return b.program(y=b.add(Lstm(x, b.const(values, "w", dtype), recurrent, direction=direction)))
    inputs = shape[0] if kind in (MatMul, ConvTranspose) else shape[1]
    x = b.param(TensorType(dtype, (2, inputs, *(9,) * (rank - 2))), "x")
    return b.program(y=b.add(kind(x, b.const(values, "w", dtype))))


def has_offsets(weight: Weight) -> bool:
    return any(isinstance(op, ShiftScale | SparseShiftScale) and op.offset is not None for op in weight.chain)


def kept_of(weight: Weight) -> int | None:
    masks = [
        tensor for tensor in weight.constants if tensor.dtype is DType.U1 and tensor.shape == weight.value.tensor.shape
    ]
    return int(masks[0].array().sum()) if masks and weight.scheme == "sparse" else None


def distinct_of(weight: Weight) -> int:
    """How many entries of a table are used, of the table of which most are."""
    indices = [op.indices for op in weight.chain if isinstance(op, LutToDense)]
    made = {value: op for op in weight.chain for value in op.results}
    return 1 + max((int(op.value.array().max()) for v in indices if isinstance(op := made[v], Const)), default=0)


def check(program: Program, passes: tuple[Compression, ...]) -> bool:
    (before,) = weights_of(program)
    for running in passes:
        cx = PassContext(running)
        program = running.run(program, cx)
        (remark,) = cx.ledger
        if remark.decision != "done":
            return False
    (made,) = weights_of(program)
    predicted = stored_bytes(
        before.value.tensor.static_shape, passes, dtype=before.value.tensor.dtype.value,
        channel_axis=channel_axis(before), input_axis=input_axis(before), kept=kept_of(made), offsets=has_offsets(made),
        distinct=distinct_of(made),
    )  # fmt: skip
    assert predicted == made.stored_bytes == remark.bytes_after
    return True


@pytest.mark.parametrize(
    "passes",
    [*((one,) for one in ALONE), *itertools.permutations(JOINT, 2), *TRIPLES],
    ids=lambda passes: "-".join(map(str, passes)),
)
def test_the_predicted_size_is_what_is_stored(passes: tuple[Compression, ...]) -> None:
    done = 0

    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(networks())
    def law(program: Program) -> None:
        nonlocal done
        done += check(program, passes)

    law()
    kinds = [type(one) for one in passes]
    coded = any(isinstance(one, Palettize) and one.table in ("int8", "uint8") for one in passes)
    assert done or len(set(kinds)) < len(kinds) or (coded and Quantize in kinds)


@settings(suppress_health_check=list(HealthCheck))
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1))
def test_how_much_a_target_keeps_is_known(rows: int, columns: int, sparsity: float) -> None:
    values = np.random.default_rng(0).standard_normal((rows, columns)).astype(np.float32)
    b = Builder()
    program = b.program(y=b.add(Linear(b.param(TensorType(DType.F32, (1, columns)), "x"), b.const(values, "w"))))
    running = Sparsify(sparsity=sparsity, **OPEN)
    (made,) = weights_of(running.run(program, PassContext(running)))
    assert stored_bytes((rows, columns), [running]) == made.stored_bytes


@pytest.mark.parametrize(
    ("shape", "running", "given", "slug"),
    [
        ((), Quantize(), {}, "shape"),
        ((0, 4), Quantize(), {}, "shape"),
        ((-1, 4), Quantize(), {}, "shape"),
        ((8, 8), Quantize(), {"dtype": "float32"}, "dtype"),
        ((8, 8), Sparsify(), {"kept": 65}, "kept"),
        ((8, 8), Palettize(axis=5), {}, "axis-range"),
        ((8, 8), Quantize(granularity="per_block", block_sizes=[2]), {}, "block-rank"),
    ],
)
def test_sizes_of_what_there_cannot_be_are_refused(
    shape: tuple[int, ...], running: Compression, given: dict[str, Any], slug: str
) -> None:
    with pytest.raises(OptcError) as refused:
        stored_bytes(shape, [running], **given)
    assert refused.value.slug == slug


def test_codes_that_are_floats_have_no_palette() -> None:
    with pytest.raises(OptcError) as refused:
        stored_bytes((8, 8), [Quantize(dtype="float8e4m3"), Palettize(joint=True)])
    assert refused.value.slug == "codes-dtype"


def test_options_that_say_which_weights_are_taken_change_no_size() -> None:
    plain, other = Sparsify(sparsity=0.5), Sparsify(sparsity=0.5, min_rank=1, min_elements=0, force=True, strict=True)
    assert stored_bytes((8, 8), [plain]) == stored_bytes((8, 8), [other])


@pytest.mark.parametrize(
    ("running", "slug"),
    [(Sparsify(threshold=0.5), "kept-unknown"), (Palettize(bits=8, mode="unique"), "distinct-unknown")],
)
def test_what_depends_on_values_must_be_told(running: Compression, slug: str) -> None:
    with pytest.raises(OptcError) as refused:
        stored_bytes((8, 8), [running])
    assert refused.value.slug == slug


@pytest.mark.parametrize(
    "passes",
    [(one,) for one in ALONE[::3] if "float8" not in str(one)] + TRIPLES,  # which Core ML has not
    ids=lambda passes: "-".join(map(str, passes)),
)
def test_the_weight_file_of_a_package_has_the_predicted_size(passes: tuple[Compression, ...], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    b = Builder()
    y: Value = b.param(TensorType(DType.F32, (2, 24)), "x")
    for number, (rows, columns) in enumerate([(20, 24), (33, 20), (7, 33), (50, 7)]):
        y = b.add(Linear(y, b.const(rng.standard_normal((rows, columns)).astype(np.float32), f"w{number}")))
    program = b.program(y=y)
    for running in passes:
        program = running.run(program, PassContext(running))
    program = DeadCode().run(program, PassContext())
    write_coreml(program, tmp_path / "m.mlpackage", "ios18")
    held = [
        parts(
            w.value.tensor.static_shape, passes, kept=kept_of(w), offsets=has_offsets(w), distinct=distinct_of(w)
        ) for w in weights_of(program)
    ]  # fmt: skip
    file = tmp_path / "m.mlpackage" / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    assert weight_file_bytes(held) == file.stat().st_size
