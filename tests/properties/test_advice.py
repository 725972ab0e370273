"""A bottleneck that is planted is what the plan names first."""

import attrs
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backends.advice import advice_of
from backends.device_files import load_device
from backends.figure_paths import with_figure
from backends.figures import Figure
from backends.plan import Request, make_plan
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.activations import Relu
from optc.ops.constexpr import LutToDense
from optc.ops.conv import Conv
from optc.ops.matmul import Linear
from optc.ops.order import TopK

PHONE = load_device("iphone14pro")


def conv_layer(b: Builder, x: Value, channels: int, name: str) -> Value:
    kernel = b.const(np.zeros((channels, x.tensor.static_shape[1], 1, 1), np.float16), f"{name}.weight")
    return b.add(Relu(b.add(Conv(x, kernel), name)))


@given(st.integers(2, 6), st.data())
def test_a_huge_activation_is_named_first(layers: int, data: st.DataObject) -> None:
    planted = data.draw(st.integers(0, layers - 1))
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, 32, 16, 16)), "x")
    ends = []
    for layer in range(layers):
        if layer == planted:
            big = b.param(TensorType(DType.F16, (1, 32, 256, 256)), "big")
            ends.append(conv_layer(b, big, 32, "planted"))
        x = conv_layer(b, x, 32, f"layer{layer}")
    plan = make_plan(b.program(y=x, z=ends[0]), PHONE)
    first = advice_of(plan)[0]
    assert (first.subject, first.cause) == ("planted", "activations")
    assert first.saves_ms <= plan.totals.predict_ms


def palettized_layers(layers: int, planted: int, tables: int) -> Program:
    """A chain of products with 4-bit palettes; the planted one has as many tables as is said."""
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, 512)), "x")
    for layer in range(layers):
        name = "planted" if layer == planted else f"layer{layer}"
        count = tables if layer == planted else 1
        indices = b.const(np.zeros((512, 512), np.uint8), dtype=DType.U4)
        lut = b.const(np.zeros((count, 1, 16, 1), np.float16))
        x = b.add(Linear(x, b.add(LutToDense(indices, lut), name)))
    return b.program(y=x)


@given(st.integers(1, 6), st.sampled_from((128, 256, 512)), st.data())
def test_a_weight_of_many_slow_tables_is_named_first(layers: int, tables: int, data: st.DataObject) -> None:
    program = palettized_layers(layers, data.draw(st.integers(0, layers - 1)), tables)
    device = with_figure(PHONE, "npu.schemes.palettized.table_ns", 5000)
    plan = make_plan(program, device, Request("cpu+npu", pins={"planted": "predict"}))
    first = advice_of(plan)[0]
    if "npu" in plan.units:
        assert (first.subject, first.cause) == ("planted", "expansion")
        assert "tables" in first.says


@given(st.integers(2, 6), st.data())
def test_an_op_that_falls_back_is_named_first(layers: int, data: st.DataObject) -> None:
    planted = data.draw(st.integers(0, layers - 2))
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, 256, 32, 32)), "x")
    for layer in range(layers):
        x = conv_layer(b, x, 256, f"layer{layer}")
        if layer == planted:
            x = b.append(TopK(x, axis=1, k=256).named("planted", "planted.places"))[0]
    plan = make_plan(b.program(y=x), PHONE, Request("cpu+npu"))
    first = advice_of(plan)[0]
    assert (first.subject, first.cause) == ("planted", "fallback")
    assert "npu-data-dependent" in first.says


def test_what_is_free_gives_no_advice() -> None:
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, 4)), "x")
    assert advice_of(make_plan(b.program(y=x), PHONE)) == ()


@given(st.integers(1, 4), st.booleans())
def test_a_dense_arrival_is_not_to_be_stored_in_fewer_bits_but_in_a_scheme_that_streams(
    layers: int, streaming: bool
) -> None:
    device = load_device("iphone14pro")
    npu = device.units["npu"]
    folds = {
        kind: attrs.evolve(costs, expansion="streams" if streaming and kind == "quantized" else "folds")
        for kind, costs in npu.schemes.items()
    }
    slow = attrs.evolve(npu, schemes=folds, handover={}, weight_cache_mb=Figure(0, "assumed", "a test"))
    alone = with_figure(attrs.evolve(device, units={"npu": slow}), "npu.weight_gbps", 0.1)
    found = advice_of(make_plan(palettized_layers(layers, 0, 1), alone))
    weights = [advice for advice in found if advice.kind == "weight"]
    assert weights
    for advice in weights:
        assert advice.says.endswith(
            "store it as quantized, which the npu expands itself" if streaming else "make it smaller"
        )


@given(st.integers(2, 6), st.data())
def test_advice_is_never_of_less_than_a_hundredth_of_the_time(layers: int, data: st.DataObject) -> None:
    program = palettized_layers(layers, data.draw(st.integers(0, layers - 1)), 128)
    for name in ("iphone14pro", "macbook-m4", "nvidia-h100", "x86-server"):
        plan = make_plan(program, load_device(name))
        assert all(advice.saves_ms > plan.totals.predict_ms / 100 for advice in advice_of(plan))


@given(st.integers(1, 3))
def test_kernels_that_cost_something_each_are_counted(layers: int) -> None:
    plan = make_plan(palettized_layers(layers, -1, 1), with_figure(PHONE, "cpu.op_us", 1e5), Request("cpu"))
    says = next(advice.says for advice in advice_of(plan) if advice.cause == "overhead")
    whose = f"each of its {layers} kernels, whatever they do" if layers > 1 else "its kernel, whatever it does"
    assert says == f"the cpu takes time for {whose}: use fewer, larger ops"
