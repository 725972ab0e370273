"""Laws of the compression passes: every weight is accounted for, and its remark is true of what is stored."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.interpreter import evaluate
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ir.verifier import verify
from optc.numerics.sparsity import zero_count
from optc.ops.constexpr import LutToDense, ShiftScale
from optc.ops.control import Cond
from optc.ops.conv import Conv
from optc.ops.elementwise import Add, Mul
from optc.ops.matmul import Linear
from optc.ops.weights import Weight, expand, weights_of
from optc.pipeline.manager import run_pipeline
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.pipeline import Pipeline
from optc.testing.equivalence import assert_equivalent
from optc.testing.programs import programs
from optc.testing.source import Source
from passes.compress.configured import Configured
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from passes.compress.stored import stored
from tests.properties.passes.planting import add, signed, smooth

PASSES = [
    Palettize(bits=2, min_elements=0, force=True),
    Palettize(bits=8, min_elements=3),
    Quantize(dtype="int8", min_elements=0, force=True),
    Quantize(dtype="uint4", mode="asymmetric", granularity="per_tensor", min_elements=4),
    Palettize(bits=1, group_size=2, table="float16", min_elements=0, force=True),
    Palettize(bits=2, per_channel_scale=True, min_elements=0, force=True),
    Palettize(bits=3, mode="uniform", table="uint8", axis=-1, group_size=1, min_elements=0, force=True),
    Palettize(bits=6, mode="unique", min_elements=2, force=True),
    Palettize(bits=2, cluster_dim=2, min_elements=0, force=True),
    Palettize(bits=1, cluster_dim=4, group_size=2, per_channel_scale=True, min_elements=0, force=True),
    Palettize(bits=3, cluster_dim=2, table="int8", axis=-1, min_elements=0, force=True),
    Palettize(bits=8, cluster_dim=3, mode="unique", min_elements=0, force=True),
    Quantize(dtype="int4", granularity="per_block", block_size=2, min_elements=0, force=True),
    Quantize(dtype="uint3", range="mse", mode="asymmetric", min_elements=0, force=True),
    Quantize(dtype="int6", granularity="per_block", range="mse", min_elements=0, force=True),
    Quantize(dtype="float8e4m3", min_elements=0, force=True),
    Sparsify(sparsity=0.6, min_elements=0, force=True),
    Sparsify(sparsity=0.3, scope="model", min_elements=0, force=True),
    Sparsify(zeros=1, of=2, min_elements=0),
    Sparsify(structure="channel", min_elements=0, force=True),
    Configured("palettize{bits=2,min_elements=0,force=true}", op_types=("quantize{min_elements=0} for *l*",)),
]
JOINT = [
    Sparsify(sparsity=0.4, joint=True, min_elements=0, force=True),
    Palettize(bits=2, joint=True, min_elements=0, force=True),
    Palettize(bits=1, group_size=1, joint=True, min_elements=0, force=True),
    Palettize(bits=2, cluster_dim=2, joint=True, min_elements=0, force=True),
    Palettize(bits=3, per_channel_scale=True, joint=True, min_elements=0, force=True),
    Quantize(joint=True, min_elements=0, force=True),
    Quantize(dtype="uint8", mode="asymmetric", joint=True, min_elements=0, force=True),
    Quantize(dtype="int2", range="mse", joint=True, min_elements=0, force=True),
    Quantize(dtype="float8e5m2", joint=True, min_elements=0, force=True),
]


def weight(s: Source, dtype: DType, shape: tuple[int, ...]) -> Value:
    """A constant whose name may be missing, taken, or that of a part of another weight."""
    return s.builder.const(s.array(dtype, shape), s.choice(("", "w", "w.indices", "w.data", "w#1")), dtype)


def linear(s: Source) -> Value:
    x = smooth(s, 2, 3)
    return add(s, Linear(x, weight(s, x.tensor.dtype, (s.integer(1, 4), x.tensor.static_shape[-1]))))


def conv(s: Source) -> Value:
    x = smooth(s, 3, 3)
    return add(s, Conv(x, weight(s, x.tensor.dtype, (2, x.tensor.static_shape[1], 1))))


def tied(s: Source) -> Value:
    """One weight of two ops that differ in their axis of channels."""
    x = smooth(s, 1, 2)
    w = weight(s, x.tensor.dtype, (2, x.tensor.static_shape[-1]))
    return add(s, Add(add(s, Mul(w, signed(s, x.tensor.dtype, (1, 1)))), add(s, Mul(w, w))))


def in_branches(s: Source) -> Value:
    """A weight of each branch, and one round them that one of them uses too."""
    x = smooth(s, 2, 2)
    shape = (2, x.tensor.static_shape[1])
    shared = weight(s, x.tensor.dtype, shape)
    blocks = []
    for common in (True, False):
        inner = Builder()
        own = inner.const(s.array(x.tensor.dtype, shape), "w", x.tensor.dtype)
        first = inner.add(Linear(x, shared if common else own))
        blocks.append(inner.block(inner.add(Add(first, inner.add(Linear(x, own))))))
    condition = s.constant(np.array(s.boolean()), DType.BOOL)
    return add(s, Cond(condition, *blocks))


def compressed_before(s: Source) -> Value:
    x = s.value(s.choice((DType.F16, DType.F32)), s.shape(2, 2))
    data = s.constant(s.array(DType.I8, (3, x.tensor.static_shape[1])), DType.I8)
    w = s.builder.add(ShiftScale(data, s.constant(s.array(x.tensor.dtype, (3, 1)), x.tensor.dtype)), "w")
    return add(s, Linear(x, w))


IDIOMS: tuple[Callable[[Source], Value], ...] = (linear, conv, tied, in_branches, compressed_before)


def by_value(program: Program) -> dict[Value, Weight]:
    return {weight.value: weight for weight in weights_of(program)}


def expanded(program: Program) -> Program:
    """The program with each constexpr op of one result replaced by the constant that it makes."""
    known: dict[Value, Tensor] = {}

    def visit(op: Op, out: Builder) -> Op | None:
        if isinstance(op, Const):
            known[op.result] = op.value
        elif op.constant:
            arrays = tuple(None if v is None else known[v].array() for v in op.arguments())
            for value, array in zip(op.results, evaluate(op, arrays), strict=True):
                known[value] = Tensor.of(array, value.tensor.dtype)
            return Const(known[op.result]) if len(op.results) == 1 else None
        return None

    return program.map_bodies(lambda body: rebuild(body, visit))


@pytest.mark.parametrize("running", PASSES, ids=str)
def test_a_compressed_program_is_valid_runs_and_accounts_for_every_weight(running: Pass) -> None:
    done = 0

    @settings(suppress_health_check=list(HealthCheck))
    @given(programs(idioms=IDIOMS, most=5))
    def law(program: Program) -> None:
        nonlocal done
        cx = PassContext(running)
        after = running.run(program, cx)
        verify(after)
        found = weights_of(program)
        assert cx.ledger.unaccounted(running.name, (w.name for w in found)) == ()
        assert sum(remark.kind == "weight" for remark in cx.ledger) == len(found)
        assert_equivalent(after, expanded(after))
        done += any(remark.decision == "done" for remark in cx.ledger)

    law()
    assert done or not getattr(running, "force", False)


@pytest.mark.parametrize("running", PASSES, ids=str)
def test_the_error_that_a_remark_states_is_that_of_the_weight_and_what_is_left_keeps_its_tensor(running: Pass) -> None:
    @settings(suppress_health_check=list(HealthCheck))
    @given(programs(idioms=IDIOMS, most=5))
    def law(program: Program) -> None:
        cx = PassContext(running)
        after = running.run(program, cx)
        old, new = by_value(expanded(program)), by_value(expanded(after))
        assert list(old) == list(new)
        for value, held in old.items():
            (remark,) = cx.ledger.about(held.name)
            if remark.decision != "done":
                assert new[value].constants == held.constants
                continue
            kept, made = (w.constants[0].array().astype(np.float64) for w in (held, new[value]))
            assert np.abs(kept - made).max() == dict(remark.numbers)["max_error"]
            assert remark.bytes_before == held.dense_bytes

    law()


def test_a_weight_that_is_compressed_is_skipped_by_the_next_compression() -> None:
    first, second = PASSES[0], PASSES[2]

    @settings(suppress_health_check=list(HealthCheck))
    @given(programs(idioms=IDIOMS, most=4))
    def law(program: Program) -> None:
        after = first.run(program, PassContext(first))
        cx = PassContext(second)
        second.run(after, cx)
        palettized = [op.result for op in after.walk() if isinstance(op, LutToDense)]
        found = by_value(after)
        for value in palettized:
            if value in found:
                (remark,) = cx.ledger.about(found[value].name)
                assert remark.reason == "already-compressed"

    law()


@pytest.mark.parametrize("pair", [*itertools.permutations(JOINT, 2)], ids=lambda pair: "-".join(map(str, pair)))
def test_joint_forms_in_either_order_are_valid_and_have_the_error_that_is_stated(pair: tuple[Pass, Pass]) -> None:
    first, second = pair

    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    @given(programs(idioms=IDIOMS, most=4))
    def law(program: Program) -> None:
        once = first.run(program, PassContext(first))
        cx = PassContext(second)
        twice = second.run(once, cx)
        verify(twice)
        old, new = by_value(once), by_value(twice)
        assert list(old) == list(new)
        for value, held in old.items():
            (remark,) = cx.ledger.about(held.name)
            assert remark.bytes_before == held.stored_bytes
            assert remark.bytes_after == new[value].stored_bytes
            if remark.decision == "done":
                before, after = (w.expanded().astype(np.float64) for w in (held, new[value]))
                assert np.abs(before - after).max(initial=0) == dict(remark.numbers)["max_error"]

    law()


@pytest.mark.parametrize("pair", [*itertools.permutations(JOINT, 2)], ids=lambda pair: "-".join(map(str, pair)))
def test_in_one_run_the_error_of_a_joint_form_is_that_against_the_weight_before_both_passes(
    pair: tuple[Pass, Pass],
) -> None:
    @settings(max_examples=6, suppress_health_check=list(HealthCheck))
    @given(programs(idioms=IDIOMS, most=3))
    def law(program: Program) -> None:
        outcome = run_pipeline(Pipeline(pair), program)
        old, new = by_value(program), by_value(outcome.program)
        for value, held in old.items():
            done = [remark for remark in outcome.ledger.about(held.name) if remark.decision == "done"]
            if done:
                before, after = (w.expanded().astype(np.float64) for w in (held, new[value]))
                assert np.abs(before - after).max(initial=0) == dict(done[-1].numbers)["max_error"]

    law()


@pytest.mark.parametrize("pair", [*itertools.permutations(JOINT, 2)], ids=lambda pair: "-".join(map(str, pair)))
def test_what_is_stored_can_be_read_back(pair: tuple[Pass, Pass]) -> None:
    read = 0

    @settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(programs(idioms=IDIOMS, most=3))
    def law(program: Program) -> None:
        nonlocal read
        for running in pair:
            program = running.run(program, PassContext(running))
        for held in weights_of(program):
            form = stored(held)
            if form is not None and held.scheme != "dense":
                read += 1
                ops = form.ops(held.name)
                assert expand(ops, ops[-1].results[0]).tobytes() == held.expanded().tobytes()
                assert sum(op.value.stored_bytes for op in ops if isinstance(op, Const)) == held.stored_bytes

    law()
    assert read


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(programs(idioms=IDIOMS, most=5), st.floats(0, 1))
def test_exactly_the_target_is_dropped_from_each_weight_and_from_the_whole_model(
    program: Program, target: float
) -> None:
    for scope in ("weight", "model"):
        running = Sparsify(sparsity=target, scope=scope, min_elements=0, force=True)
        cx = PassContext(running)
        after = by_value(running.run(program, cx))
        dropped = total = 0
        for remark in cx.ledger:
            if remark.decision == "done":
                made = next(w for w in after.values() if w.name == remark.subject)
                mask = made.chain[0].value.array()
                dropped, total = dropped + int((mask == 0).sum()), total + mask.size
                assert scope == "model" or (mask == 0).sum() == zero_count(mask.size, target)
        assert dropped == zero_count(total, target) or scope == "weight"


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(programs(idioms=IDIOMS, most=6))
def test_threads_change_nothing(program: Program) -> None:
    for running in (PASSES[0], PASSES[4], JOINT[0]):
        one, four = PassContext(running), PassContext(running, workers=4)
        assert str(running.run(program, one)) == str(running.run(program, four))
        assert list(map(str, one.ledger)) == list(map(str, four.ledger))
