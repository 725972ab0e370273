"""What is fused into what, what moves, and where integers are multiplied: on examples."""

import numpy as np
import pytest

from backends.capability import RULES, refusal
from backends.cost_table import UNITS
from backends.device_files import load_device
from backends.kernels import Kernel, kernels_of
from backends.plan import Plan, Request, make_plan
from backends.sizes import Sizes, Traffic
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.activations import Relu, Silu
from optc.ops.cast import Cast
from optc.ops.constexpr import ShiftScale
from optc.ops.elementwise import Add
from optc.ops.matmul import Linear, MatMul
from optc.ops.order import TopK
from optc.ops.pool import MaxPool
from optc.ops.quantize import Dequantize, Quantize
from optc.ops.recurrent import Lstm
from optc.ops.shape import Reshape
from optc.ops.trigonometry import Sin


def names(kernels: tuple[Kernel, ...]) -> list[list[str]]:
    return [[op.name for op in kernel.all_ops] for kernel in kernels]


def layer(b: Builder, x: Value, width: int, dtype: DType = DType.F16) -> Value:
    columns = x.tensor.static_shape[-1]
    return b.add(Linear(x, b.const(np.zeros((width, columns), dtype.numpy), "w", dtype)))


def test_activations_and_views_run_in_the_kernel_that_makes_their_operand() -> None:
    b = Builder()
    x = b.param(TensorType(DType.F16, (2, 8)), "x")
    y = b.add(Reshape(b.add(Silu(layer(b, x, 16))), (4, 8)))
    z = b.add(Add(b.add(Relu(layer(b, y, 8))), y))
    kernels = kernels_of(b.program(z=z).main.body)
    assert names(kernels) == [["linear", "silu", "reshape"], ["linear", "relu"], ["add"]]
    assert [k.read_traffic(Sizes()).floats for k in kernels] == [16, 32, 64]
    assert [k.write_traffic(Sizes()).floats for k in kernels] == [32, 32, 32]


def test_what_is_used_outside_is_written_although_more_is_fused_behind_it() -> None:
    b = Builder()
    x = b.param(TensorType(DType.F16, (2, 8)), "x")
    y = layer(b, x, 8)
    (kernel,) = kernels_of(b.program(y=y, z=b.add(Relu(y))).main.body)
    assert len(kernel.writes) == 2


def test_a_cast_between_floats_moves_nothing_and_one_to_integers_does() -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, 8)), "x")
    kernels = kernels_of(b.program(y=b.add(Cast(x, DType.F16)), z=b.add(Cast(x, DType.I32))).main.body)
    assert [k.is_view for k in kernels] == [True, False]


def quantized(b: Builder, x: Value) -> Value:
    return b.add(Quantize(x, b.const(np.float16(0.1)), dtype=DType.I8))


def dequantized(b: Builder, x: Value) -> Value:
    return b.add(Dequantize(x, b.const(np.float16(0.1))))


def w8a8(layers: int, dtype: DType = DType.I8) -> Plan:
    """Products whose activations and weights are integers of 8 bits, on the phone that multiplies such faster."""
    b = Builder()
    x = dequantized(b, quantized(b, b.param(TensorType(DType.F16, (512, 1024)), "x")))
    for number in range(layers):
        data = b.const(np.ones((1024, 1024), np.int8), dtype=dtype)
        weight = b.add(ShiftScale(data, b.const(np.full((1024, 1), 0.1, np.float16))), f"w{number}")
        x = dequantized(b, quantized(b, b.add(Relu(b.add(Linear(x, weight))))))
    return make_plan(b.program(y=x), load_device("iphone15pro"), Request("cpu+npu"))


def test_products_of_quantized_activations_read_and_write_integers_and_go_at_their_rate() -> None:
    plan = w8a8(2)
    products = [work for work in plan.works if work.kernel.root.name == "linear"]
    assert [op.name for op in products[0].kernel.all_ops] == ["dequantize", "linear", "relu", "quantize"]
    for work in products:
        assert work.codes
        assert (work.read, work.written) == (Traffic(other=512 * 1024), Traffic(other=512 * 1024))
    unit = plan.costs["npu"].unit
    part = plan.decisions[0].uses[0].parts["predict"]
    assert plan.decisions[0].choice == "predict"
    assert part.arithmetic_ms == pytest.approx(2 * 512 * 1024 * 1024 / unit.arithmetic_tflops["i8"].value * 1e-9)


def test_an_integer_weight_that_is_expanded_at_load_is_multiplied_as_a_float() -> None:
    plan = w8a8(1)
    unit = plan.costs["npu"].unit
    part = plan.decisions[0].uses[0].parts["load"]
    assert part.arithmetic_ms == pytest.approx(2 * 512 * 1024 * 1024 / unit.arithmetic_tflops["f16"].value * 1e-9)


def test_products_of_two_quantized_activations_are_of_integers() -> None:
    b = Builder()
    x = dequantized(b, b.param(TensorType(DType.I8, (4, 8, 8)), "x"))
    y = b.param(TensorType(DType.F16, (4, 8, 8)), "y")
    both, mixed = kernels_of(b.program(a=b.add(MatMul(x, x)), b=b.add(MatMul(x, y))).main.body)
    assert both.is_product_of_codes
    assert not mixed.is_product_of_codes


def test_a_dequantize_that_several_kernels_use_is_part_of_each() -> None:
    b = Builder()
    x = dequantized(b, b.param(TensorType(DType.I8, (4, 8)), "x"))
    kernels = kernels_of(b.program(y=layer(b, x, 8), z=layer(b, x, 4)).main.body)
    assert names(kernels) == [["dequantize", "linear"], ["dequantize", "linear"]]


@pytest.mark.parametrize("unit", UNITS)
def test_slugs_of_a_units_rules_are_distinct_and_each_says_who_found_it(unit: str) -> None:
    slugs = [rule.slug for rule in RULES[unit]]
    assert len(set(slugs)) == len(slugs)
    assert all(rule.says and rule.source for rule in RULES[unit])


def first_kernel(kind: TensorType, make: object) -> Kernel:
    b = Builder()
    result = b.append(make(b, b.param(kind, "x")))[0]  # type: ignore[operator]
    return kernels_of(b.program(y=result).main.body)[0]


def lstm(b: Builder, x: Value) -> Lstm:
    return Lstm(x, b.const(np.zeros((1, 16, 8), np.float32)), b.const(np.zeros((1, 16, 4), np.float32)))


CASES = [
    ("recurrent", "npu", TensorType(DType.F32, (3, 1, 8)), lstm),
    ("rank", "npu", TensorType(DType.F16, (1,) * 6), lambda b, x: Sin(x)),
    ("dtype", "npu", TensorType(DType.F64, (2,)), lambda b, x: Sin(x)),
    ("integers", "npu", TensorType(DType.I64, (2,)), lambda b, x: Add(x, x)),
    ("data-dependent", "npu", TensorType(DType.F16, (9,)), lambda b, x: TopK(x, k=2, axis=0)),
    ("window", "npu", TensorType(DType.F16, (1, 1, 64, 64)), lambda b, x: MaxPool(x, kernel_shape=(14, 14))),
    ("", "npu", TensorType(DType.F16, (1, 1, 64, 64)), lambda b, x: MaxPool(x, kernel_shape=(13, 13))),
    ("window", "npu", TensorType(DType.F16, (1, 1, 16, 16)), lambda b, x: MaxPool(x, (8, 8), strides=(8, 8))),
    ("", "npu", TensorType(DType.F16, (1, 1, 8, 8)), lambda b, x: MaxPool(x, (8, 8), strides=(8, 8))),
    ("rank", "gpu", TensorType(DType.F32, (1,) * 9), lambda b, x: Sin(x)),
    ("", "cpu", TensorType(DType.F64, (1,) * 9), lambda b, x: Sin(x)),
]


@pytest.mark.parametrize(("slug", "unit", "kind", "make"), CASES, ids=[f"{c[1]}-{c[0] or 'legal'}" for c in CASES])
def test_the_rule_that_refuses_an_op_is_named(slug: str, unit: str, kind: TensorType, make: object) -> None:
    found = refusal(first_kernel(kind, make), unit)
    assert ("" if found is None else found.slug) == slug
