"""Laws of the pass `float16`: the interface stays, results are the same up to rounding, each weight has a remark."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.verifier import verify
from optc.ops.activations import Relu
from optc.ops.cast import Cast
from optc.ops.constexpr import ShiftScale
from optc.ops.elementwise import Add, Mul
from optc.ops.matmul import Linear
from optc.ops.softmax import Softmax
from optc.ops.weights import weights_of
from optc.pipeline.passes import PassContext
from optc.testing.equivalence import assert_equivalent
from optc.testing.programs import programs
from passes.cleanup.dead_code import DeadCode
from passes.compress.float16 import Float16


def halved(program: Program, tail: str = "float16") -> tuple[Program, PassContext]:
    cx = PassContext(Float16(tail=tail))
    return Float16(tail=tail).run(program, cx), cx


def without_dead_code(program: Program) -> Program:
    return DeadCode().run(program, PassContext(DeadCode()))


def test_random_programs_stay_valid_and_compute_the_same_up_to_rounding_to_float16() -> None:
    changed = drawn = 0

    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    @given(programs(), st.sampled_from(["float16", "float32"]))
    def law(program: Program, tail: str) -> None:
        nonlocal changed, drawn
        after, cx = halved(program, tail)
        drawn += 1
        changed += after is not program
        verify(after)
        assert dict(after.main.inputs) == dict(program.main.inputs)
        assert dict(after.main.outputs) == dict(program.main.outputs)
        assert len(cx.ledger) == len(weights_of(program))
        # The rounding that `after` shows is what the difference may be.
        assert_equivalent(after, program, exact=False)
        settled = without_dead_code(after)  # an op that stays in float32 after all leaves what was made for it
        assert without_dead_code(halved(settled, tail)[0]) == settled

    law()
    assert changed > 0.2 * drawn


def layer(weight: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Program:
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, weight.shape[1])), "x")
    return b.program(y=b.add(Linear(x, b.const(weight, "w")), "y"))


def test_weights_and_what_is_computed_are_float16_between_inputs_and_outputs() -> None:
    after, cx = halved(layer(np.ones((3, 4), np.float32)))
    kinds = [(type(op), op.results[0].tensor.dtype) for op in after.main.body.ops]
    assert kinds == [(Cast, DType.F16), (Const, DType.F16), (Linear, DType.F16), (Cast, DType.F32)]
    (remark,) = cx.ledger
    assert (remark.decision, remark.reason, remark.bytes_before, remark.bytes_after) == ("done", "float16", 48, 24)


def test_what_follows_the_last_layer_stays_in_float32_unless_it_is_told_not_to() -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, 4)), "x")
    hidden = b.add(Relu(b.add(Linear(x, b.const(np.ones((4, 4), np.float32), "v")))))
    shares = b.add(Softmax(b.add(Linear(hidden, b.const(np.ones((3, 4), np.float32), "w"))), 1))
    program = b.program(y=shares)
    for tail, expected in (("float32", DType.F32), ("float16", DType.F16)):
        after, _ = halved(program, tail)
        kinds = {type(op): op.results[0].tensor.dtype for op in after.main.body.ops}
        assert (kinds[Relu], kinds[Linear], kinds[Softmax]) == (DType.F16, DType.F16, expected)


def test_a_weight_that_float16_has_no_numbers_for_stays_and_so_does_its_op() -> None:
    program = layer(np.full((3, 4), 1e5, np.float32))
    after, cx = halved(program)
    assert after is program
    assert [remark.reason for remark in cx.ledger] == ["out-of-range"]


def test_a_mask_that_would_be_infinite_stays_finite_where_it_is_multiplied() -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (2,)), "x")
    masked = b.add(Mul(x, b.const(np.array([-3e38, -3e38], np.float32), "huge")))
    program = b.program(y=b.add(Add(masked, b.const(np.ones(2, np.float32), "one")), "y"))
    after, _ = halved(program)
    kept = next(op for op in after.walk() if isinstance(op, Mul))
    assert kept.results[0].tensor.dtype is DType.F32
    assert next(op for op in after.walk() if isinstance(op, Add)).results[0].tensor.dtype is DType.F16


def test_compressed_weights_expand_to_float16_unless_their_scales_are_too_small() -> None:
    for scale, expected in ((0.01, DType.F16), (1e-7, DType.F32)):
        b = Builder()
        x = b.param(TensorType(DType.F32, (2, 4)), "x")
        codes = b.const(np.arange(12, dtype=np.int8).reshape(3, 4), "w.data")
        w = b.add(ShiftScale(codes, b.const(np.full((3, 1), scale, np.float32), "w.scale")), "w")
        after, _ = halved(b.program(y=b.add(Linear(x, w), "y")))
        (weight,) = weights_of(after)
        assert weight.value.tensor.dtype is expected
        assert weight.scheme == "quantized"
