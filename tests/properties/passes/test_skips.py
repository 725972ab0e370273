"""The skip law: a weight that is left, for whatever reason, stays bit for bit what it was, in programs and in files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optc.driver.models import load, save
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.constexpr import LutToDense, ShiftScale
from optc.ops.conv import Conv
from optc.ops.matmul import Linear
from optc.ops.resize import DynamicResize
from optc.ops.weights import Weight, weights_of
from optc.pipeline.passes import Pass, PassContext
from passes.compress.configured import Configured
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from tests.reasons import reasons

Array = np.ndarray[Any, Any]
OPEN: dict[str, Any] = {"min_elements": 0, "force": True}
JOINT: dict[str, Any] = {"joint": True, **OPEN}
HERE = "tests.properties.passes.test_skips"


def too_many(values: Array, size: int) -> Array:
    return np.arange(size + 1.0)


def failing(values: Array, size: int) -> Array:
    raise ArithmeticError("no table")


@attrs.frozen
class Drawn:
    """What a case is made of: numbers in some type and shape, from which each case builds its program."""

    values: Array
    dtype: DType

    def program(self, op: Callable[[Value, Value], Any] = Linear, values: Array | None = None) -> Program:
        """The program in which an op uses the weight, beside another weight that nothing is wrong with."""
        held = self.values if values is None else values
        b = Builder()
        w = b.const(held, "w", self.dtype)
        x = b.param(TensorType(self.dtype, (2, held.shape[1], *(4 for _ in held.shape[2:]))), "x")
        return b.program(y=b.add(op(x, w)), z=self.other(b))

    def made(self, weight: Callable[[Builder], Value]) -> Program:
        """The program of one linear op, on a weight that is made by constexpr ops."""
        b = Builder()
        w = weight(b)
        x = b.param(TensorType(self.dtype, (2, w.tensor.static_shape[1])), "x")
        return b.program(y=b.add(Linear(x, w)), z=self.other(b))

    def other(self, b: Builder) -> Value:
        rng = np.random.default_rng(1)
        v = b.const(np.round(rng.standard_normal((3, 64)), 1).astype(self.dtype.numpy), "v", self.dtype)
        return b.add(Linear(b.param(TensorType(self.dtype, (2, 64)), "u"), v))


def infinite(d: Drawn) -> Program:
    values = d.values.copy()
    values.flat[values.size // 2] = np.inf
    return d.program(values=values)


def four_rows(d: Drawn) -> Program:
    return d.program(values=d.values[:4])


def resized(d: Drawn) -> Program:
    b = Builder()
    w = b.const(np.float32([1.5, 2.0]), "w")
    x = b.param(TensorType(d.dtype, (1, 1, 4, 4)), "x")
    return b.program(y=b.add(DynamicResize(x, (2, 3), scales=w)), z=d.other(b))


def palettized(d: Drawn, vector: int = 1) -> Program:
    table = d.values.reshape(-1)[: 2 * vector].reshape(1, 1, 2, vector)

    def weight(b: Builder) -> Value:
        indices = b.const(np.arange(24).reshape(4, 6) % 2, dtype=DType.U1)
        return b.add(LutToDense(indices, b.const(table, dtype=d.dtype), 1 if vector > 1 else None), "w")

    return d.made(weight)


def scaled(d: Drawn, dtype: DType = DType.I8, twice: bool = False) -> Program:
    codes = np.arange(24).reshape(4, 6)

    def weight(b: Builder) -> Value:
        w = b.const(codes.astype(dtype.numpy), dtype=dtype)
        for _ in range(1 + twice):
            w = b.add(ShiftScale(w, b.const(np.full((4, 1), 0.5), dtype=d.dtype)), "w")
        return w

    return d.made(weight)


def double(d: Drawn) -> Program:
    b = Builder()
    w = b.const(d.values.astype(np.float64), "w")
    x = b.param(TensorType(DType.F64, (2, d.values.shape[1])), "x")
    return b.program(y=b.add(Linear(x, w)), z=d.other(b))


def kernel(d: Drawn) -> Program:
    return d.program(Conv, d.values[..., None].repeat(3, -1))


@attrs.frozen
class Case:
    """How a reason is given: the program, the pass, and what the run is told of importance."""

    running: Pass
    program: Callable[[Drawn], Program] = Drawn.program
    importance: Mapping[str, Array] = attrs.field(factory=dict)


CASES: dict[str, list[Case]] = {
    "excluded": [Case(Configured(names=("none for w",)))],
    "too-few-axes": [Case(Palettize(min_rank=3, **OPEN)), Case(Configured("quantize{min_elements=0,min_rank=3}"))],
    "too-few-elements": [Case(Palettize()), Case(Quantize(min_elements=10_000, force=True)), Case(Sparsify())],
    "dtype": [Case(Quantize(**OPEN), double), Case(Sparsify(scope="model", **OPEN), double)],
    "size": [Case(Palettize(min_rank=1, **OPEN), resized)],
    "already-compressed": [Case(Sparsify(**OPEN), palettized), Case(Palettize(**OPEN), scaled)],
    "unknown-form": [Case(Sparsify(**JOINT), lambda d: scaled(d, twice=True))],
    "not-smaller": [Case(Palettize(bits=8, min_elements=0)), Case(Sparsify(sparsity=0.0, min_elements=0), kernel)],
    "size-does-not-divide": [
        Case(Palettize(bits=1, group_size=3, strict=True, **OPEN), four_rows),
        Case(Quantize(granularity="per_block", block_sizes=(3, 1), strict=True, **OPEN), four_rows),
        Case(Sparsify(block_size=3, axis=0, strict=True, **OPEN), four_rows),
    ],
    "not-finite": [
        Case(Palettize(**OPEN), infinite), Case(Quantize(**OPEN), infinite), Case(Sparsify(**OPEN), infinite),
        Case(Sparsify(scope="model", **OPEN), infinite),
    ],
    "not-sparse": [Case(Sparsify(sparsity=0.1, min_sparsity=0.9, **OPEN))],
    "no-kernels": [Case(Sparsify(structure="kernel", **OPEN))],
    "vectors-of-sparse": [Case(Sparsify(**JOINT), lambda d: palettized(d, 2))],
    "already-palettized": [Case(Palettize(**JOINT), palettized)],
    "already-quantized": [Case(Quantize(**JOINT), scaled)],
    "codes-dtype": [Case(Palettize(**JOINT), lambda d: scaled(d, d.dtype))],
    "custom-function": [Case(Palettize(mode="custom", function=f"{HERE}:failing", **OPEN))],
    "custom-table": [Case(Palettize(mode="custom", function=f"{HERE}:too_many", **OPEN))],
    "block-rank": [Case(Quantize(granularity="per_block", block_sizes=(1, 1, 1), **OPEN))],
    "axis-range": [Case(Palettize(axis=7, **OPEN)), Case(Sparsify(zeros=1, of=2, axis=-3, **OPEN))],
    "too-many-values": [Case(Palettize(bits=1, mode="unique", **OPEN))],
    "importance": [Case(Sparsify(**OPEN), importance={"w": -np.ones(1)})],
    "importance-shape": [Case(Sparsify(scope="model", **OPEN), importance={"w": np.ones((2, 1, 1, 1, 1, 1))})],
}  # fmt: skip
NONE_IN_ONNX = {"size": {"w"}, "unknown-form": {"w"}}
"""What ONNX has other forms for: the parameters of a `Resize`, and scales of what has scales."""
OF_OTHERS = {
    "compressed", "expanded", "matches-nothing", "not-compressed", "float16", "not-float32", "out-of-range",
    "in-float32-op",
}  # fmt: skip
"""Reasons that tell of something done, of no weight, or of passes that do not compress."""


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    dtype = draw(st.sampled_from([DType.F16, DType.F32]))
    shape = draw(st.integers(4, 8)), draw(st.integers(3, 8))
    values = np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape)
    return Drawn(values.astype(dtype.numpy), dtype)


def test_there_is_a_case_for_every_reason() -> None:
    assert set(CASES) == reasons() - OF_OTHERS


def stored_bits(weight: Weight) -> list[tuple[str, tuple[int, ...], bytes]]:
    return [(t.dtype.value, t.shape, t.stored().tobytes()) for t in weight.constants]


@pytest.mark.parametrize(
    ("reason", "case"),
    [pytest.param(slug, case, id=f"{slug}-{at}") for slug, cases in CASES.items() for at, case in enumerate(cases)],
)
def test_a_weight_that_is_left_stays_bit_for_bit_what_it_was(reason: str, case: Case, tmp_path: Path) -> None:
    hit = 0

    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    @given(drawn())
    def law(d: Drawn) -> None:
        nonlocal hit
        program = case.program(d)
        cx = PassContext(case.running, importance=case.importance)
        after = case.running.run(program, cx)
        old, new = ({w.name: w for w in weights_of(p)} for p in (program, after))
        (remark,) = cx.ledger.about("w")
        hit += remark.reason == reason
        left = [r.subject for r in cx.ledger if r.kind == "weight" and r.decision != "done"]
        assert "w" in left
        for name in left:
            pairs = zip(old[name].constants, new[name].constants, strict=True)
            assert all(before is now for before, now in pairs)
            assert new[name].chain == old[name].chain
        for suffix in (".optc", ".onnx"):
            save(after, tmp_path / f"after{suffix}")
            back = {w.name: w for w in weights_of(load(tmp_path / f"after{suffix}"))}
            for name in set(left) - (NONE_IN_ONNX.get(reason, set()) if suffix == ".onnx" else set()):
                assert back[name].expanded().tobytes() == old[name].expanded().tobytes()
                assert suffix == ".onnx" or stored_bits(back[name]) == stored_bits(old[name])

    law()
    assert hit
