"""Lowering on examples: what the functions hold, and what is refused."""

from collections.abc import Mapping

import numpy as np
import pytest

from backends.kernels import Kernel, kernels_of
from backends.lowered_ops import HandOver, KernelOp
from backends.lowered_verifier import verify_lowered
from backends.lowering import Expansion, Lowered, lower
from backends.uses import decided_weights
from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.activations import Relu
from optc.ops.constexpr import LutToDense, ShiftScale
from optc.ops.elementwise import Add, Mul
from optc.ops.matmul import MatMul
from optc.ops.softmax import Softmax

SIDE = 4
MATRIX = TensorType(DType.F32, (SIDE, SIDE))


def palettized(b: Builder, name: str) -> Value:
    indices = b.const(np.zeros((SIDE, SIDE), np.uint8), f"{name}.indices", DType.U4)
    return b.add(LutToDense(indices, b.const(np.zeros((1, 1, 16, 1), np.float32), f"{name}.lut")), name)


def quantized(b: Builder, name: str) -> Value:
    data = b.const(np.zeros((SIDE, SIDE), np.int8), f"{name}.data")
    return b.add(ShiftScale(data, b.const(np.ones((SIDE, 1), np.float32), f"{name}.scale")), name)


def two_products() -> Program:
    """`relu(x @ first) @ second + relu(x @ first) @ first`: three products and a sum."""
    b = Builder()
    x = b.param(MATRIX, "x")
    first, second = palettized(b, "first"), quantized(b, "second")
    h = b.add(Relu(b.add(MatMul(x, first))), "h")
    left, right = b.add(MatMul(h, second), "left"), b.add(MatMul(h, first), "right")
    return b.program(y=b.add(Add(left, right), "y"))


def lowered_on(
    program: Program, units: list[str], plans: Mapping[tuple[str, str], Expansion], tiles: tuple[int, ...] = ()
) -> Lowered:
    weights = decided_weights(program)
    lowered = lower(program, kernels_of(program.main.body), units, weights, plans, tiles)
    verify_lowered(lowered.program)
    return lowered


def shape_of(lowered: Lowered) -> list[str]:
    """What `@predict` holds besides constants: kernels as `unit kind`, hand-overs as `source>target`."""
    out = []
    for op in lowered.program.function("predict").body.ops:
        if isinstance(op, KernelOp):
            out.append(f"{op.unit} {op.kind}")
        elif isinstance(op, HandOver):
            out.append(f"{op.source}>{op.target}")
    return out


def test_weights_without_a_plan_are_expanded_at_load_once() -> None:
    lowered = lowered_on(two_products(), ["npu", "cpu", "npu", "npu"], {})
    assert lowered.resident == ("first", "second")
    assert list(lowered.program.function("load").outputs) == ["first", "second"]
    assert shape_of(lowered) == ["npu matmul", "npu>cpu", "cpu matmul", "cpu>npu", "npu matmul", "npu add"]


def test_a_fused_weight_is_expanded_in_each_kernel_that_uses_it() -> None:
    lowered = lowered_on(two_products(), ["npu"] * 4, {("first", "npu"): "fused", ("second", "npu"): "fused"})
    assert lowered.resident == ()
    assert shape_of(lowered) == ["npu matmul_lut", "npu matmul_affine", "npu matmul_lut", "npu add"]
    assert lowered.expansions == {}


def test_an_explicit_expansion_is_a_kernel_before_the_first_use_on_its_unit() -> None:
    plans: dict[tuple[str, str], Expansion] = {("first", "npu"): "explicit", ("first", "cpu"): "explicit"}
    one = lowered_on(two_products(), ["npu"] * 4, plans)
    assert shape_of(one) == ["npu expand", "npu matmul", "npu matmul", "npu matmul", "npu add"]
    two = lowered_on(two_products(), ["npu", "npu", "cpu", "npu"], plans)
    assert set(two.expansions) == {("first", "npu"), ("first", "cpu")}
    assert shape_of(two) == [
        "npu expand", "npu matmul", "npu>cpu", "npu matmul", "cpu expand", "cpu matmul", "cpu>npu", "npu add",
    ]  # fmt: skip


def test_a_weight_may_be_resident_on_one_unit_and_expanded_on_another() -> None:
    lowered = lowered_on(two_products(), ["npu", "npu", "cpu", "npu"], {("first", "npu"): "fused"})
    assert lowered.resident == ("first", "second")
    assert [kernel.kind for kernel in lowered.kernels] == ["matmul_lut", "matmul", "matmul", "add"]


def test_a_value_is_handed_over_once_to_each_unit_just_after_it_is_made() -> None:
    b = Builder()
    h = b.add(Softmax(b.param(MATRIX, "x"), axis=1), "h")
    sums = [b.add(op(h, h)) for op in (Add, Mul, Add)]
    program = b.program(**{f"y{n}": value for n, value in enumerate(sums)}, h=h)
    lowered = lowered_on(program, ["npu", "cpu", "gpu", "cpu"], {})
    assert shape_of(lowered) == ["npu softmax", "npu>cpu", "npu>gpu", "cpu add", "gpu mul", "cpu add"]


def test_inputs_constants_and_results_are_not_handed_over() -> None:
    lowered = lowered_on(two_products(), ["cpu", "gpu", "cpu", "gpu"], {("first", "cpu"): "fused"})
    moved = [op for op in lowered.program.walk() if isinstance(op, HandOver)]
    assert [op.x.name for op in moved] == ["h", "right"]


def test_tiles_are_those_of_each_kernel() -> None:
    lowered = lowered_on(two_products(), ["npu"] * 4, {("first", "npu"): "explicit"}, (1, 2, 3, 4))
    assert [kernel.tiles for kernel in lowered.kernels] == [1, 2, 3, 4]
    assert lowered.expansions["first", "npu"].tiles == 1


def test_a_dense_weight_is_resident_or_stays_a_constant() -> None:
    b = Builder()
    w = b.const(np.ones((16, 16), np.float32), "w")
    program = b.program(y=b.add(MatMul(b.param(TensorType(DType.F32, (16, 16)), "x"), w)))
    assert lowered_on(program, ["npu"], {}).resident == ("w",)
    for expansion in ("fused", "explicit"):
        kept = lowered_on(program, ["npu"], {("w", "npu"): expansion})
        assert kept.resident == ()
        assert shape_of(kept) == ["npu matmul"]
        assert [op.name for op in kept.program.function("predict").body.ops] == ["const", "npu.kernel"]


def test_a_weight_that_only_the_results_need_is_resident_and_one_that_kernels_expand_is_expanded_for_them() -> None:
    b = Builder()
    w, unused = palettized(b, "w"), palettized(b, "unused")
    y = b.add(Add(b.param(MATRIX, "x"), w))
    lowered = lowered_on(b.program(y=y, w=w, unused=unused), ["npu"], {("w", "npu"): "fused"})
    assert lowered.resident == ("unused",)
    assert shape_of(lowered) == ["npu add_lut", "npu expand"]


def test_resident_tensors_take_no_name_of_an_input() -> None:
    b = Builder()
    x = b.param(MATRIX, "w")
    lowered = lowered_on(b.program(y=b.add(Add(x, palettized(b, "w")))), ["npu"], {})
    assert lowered.resident == ("w'",)
    assert list(lowered.program.function("predict").inputs) == ["w'", "w"]


@pytest.mark.parametrize(
    ("units", "plans", "tiles", "slug", "message"),
    [
        (["npu"] * 3, {}, (), "kernel-count", "lowering: number of units must be that of kernels, 4 (got 3)"),
        (["npu"] * 4, {}, (1,), "kernel-count", "lowering: number of tiles must be that of kernels, 4 (got 1)"),
        (
            ["npu", "tpu", "npu", "npu"], {}, (),
            "no-such-unit", "lowering: unit of a kernel must be one of cpu, gpu, npu (got tpu)",
        ),
        (
            ["npu"] * 4, {("first", "tpu"): "load"}, (),
            "no-such-unit", "lowering: unit of a kernel must be one of cpu, gpu, npu (got tpu)",
        ),
        (
            ["npu"] * 4, {("third", "npu"): "load"}, (),
            "no-such-weight", "lowering: name of a weight must be that of a weight to decide on (got third)",
        ),
        (
            ["npu"] * 4, {("first", "npu"): "predict"}, (),
            "expansion", "weight first: expansion must be one of load, fused, explicit (got predict)",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_program_is_refused(
    units: list[str], plans: dict[tuple[str, str], Expansion], tiles: tuple[int, ...], slug: str, message: str
) -> None:
    with pytest.raises(OptcError) as caught:
        lowered_on(two_products(), units, plans, tiles)
    assert (caught.value.slug, str(caught.value)) == (slug, message)


@pytest.mark.parametrize("kernels", [kernels_of(two_products().main.body)[:3], kernels_of(two_products().main.body)])
def test_kernels_that_are_not_those_of_the_program_are_refused(kernels: tuple[Kernel, ...]) -> None:
    with pytest.raises(OptcError, match="lowering: kernels must be those of @main"):
        lower(two_products(), kernels, ["npu"] * len(kernels), (), {})


def test_a_lowered_program_is_not_lowered_again() -> None:
    lowered = lowered_on(two_products(), ["npu"] * 4, {}).program
    for program in (lowered, lower(Builder().program(), (), (), (), {}).program):
        with pytest.raises(OptcError) as caught:
            lower(program, (), (), (), {})
        assert caught.value.slug == "already-lowered"
        said = "program: functions must be without @load and @predict; plan the model that it was made of"
        assert str(caught.value) == said
