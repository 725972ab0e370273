"""The decision on examples whose arithmetic is done by hand here, and as a function of the table."""

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.cost_table import Device, Figure, device_names, load_device, parse_device
from backends.costs import Sizes
from backends.decision import LOAD, PREDICT, Decision, decide, decided_weights
from backends.plan import make_plan
from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.constexpr import LutToDense
from optc.ops.matmul import MatMul
from optc.ops.weights import Weight

IPHONE = load_device("iphone14pro")


def one_palettized_matmul(rows: int = 1, side: int = 512, bits: int = 8) -> Program:
    """`rows` x `side` times a palettized square matrix."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (rows, side)), "x")
    indices = b.const(np.zeros((side, side), np.uint8), "w.indices", DType(f"u{bits}"))
    lut = b.const(np.zeros((1, 1, 1 << bits, 1), np.float32), "w.lut")
    weight = b.add(LutToDense(indices, lut), "w")
    return b.program(y=b.add(MatMul(x, weight), "y"))


def only_weight(program: Program) -> Weight:
    (weight,) = decided_weights(program)
    return weight


def with_scheme(device: Device, **changes: object) -> Device:
    """The device with other costs of palettized weights."""
    npu = device.units["npu"]
    costs = attrs.evolve(npu.schemes["palettized"], **changes)
    return attrs.evolve(device, units={"npu": attrs.evolve(npu, schemes={**npu.schemes, "palettized": costs})})


def assumed(value: float) -> Figure:
    return Figure(value, "assumed", "a test")


def test_the_numbers_of_the_record_are_those_of_the_table_by_hand() -> None:
    decision = decide(only_weight(one_palettized_matmul()), IPHONE, "npu", Sizes())
    elements = 512 * 512
    stored = elements + 256 * 4
    assert decision.stored_bytes == stored
    assert decision.resident_bytes_if_load == 2 * elements
    assert decision.resident_bytes_if_predict == stored
    assert decision.predict_ms_if_load == pytest.approx(2 * elements / 28.5e9 * 1e3)
    assert decision.predict_ms_if_predict == pytest.approx(stored / 44.5e9 * 1e3)
    assert decision.load_ms_if_load == pytest.approx((stored / 1.5e9 + elements / 1e9) * 1e3)
    assert decision.load_ms_if_predict == pytest.approx(stored / 1.5e9 * 1e3)
    assert (decision.choice, decision.reason) == (PREDICT, "faster-at-predict")


def test_an_op_that_arithmetic_binds_takes_equal_time_and_the_smaller_memory_wins() -> None:
    decision = decide(only_weight(one_palettized_matmul(rows=4096)), IPHONE, "npu", Sizes())
    assert decision.bound_if_load != "weights"
    assert decision.predict_ms_if_load == decision.predict_ms_if_predict
    assert (decision.choice, decision.reason) == (PREDICT, "equal-time-less-memory")


def test_a_unit_that_cannot_stream_the_scheme_expands_at_load_and_a_pin_cannot_change_that() -> None:
    folding = with_scheme(IPHONE, streams=False)
    decision = decide(only_weight(one_palettized_matmul()), folding, "npu", Sizes(), pin=PREDICT)
    assert (decision.choice, decision.reason) == (LOAD, "folds-on-unit")


def test_a_pin_is_honoured_and_its_price_shown() -> None:
    decision = decide(only_weight(one_palettized_matmul()), IPHONE, "npu", Sizes(), pin=LOAD)
    assert (decision.choice, decision.reason) == (LOAD, "pinned")
    assert decision.price_ms == pytest.approx(decision.predict_ms_if_load - decision.predict_ms_if_predict)
    assert decision.price_ms > 0


@given(st.floats(0.01, 1000), st.floats(0.01, 1000))
def test_the_choice_flips_at_the_break_even_and_is_monotone_in_the_decode_rate(slow: float, fast: float) -> None:
    weight = only_weight(one_palettized_matmul())

    def at(rate: float) -> Decision:
        return decide(weight, with_scheme(IPHONE, decode_gweights_per_s=assumed(rate)), "npu", Sizes())

    slow, fast = sorted((slow, fast))
    assert not (at(slow).choice == PREDICT and at(fast).choice == LOAD)
    even = at(fast).break_even
    assert even is not None
    assert at(even.value * 1.001).choice == PREDICT
    assert at(even.value * 0.999).choice == LOAD


@given(st.integers(1, 64), st.sampled_from((64, 256)), st.sampled_from((2, 4, 8)), st.floats(0.1, 200))
def test_the_choice_is_the_best_of_both_tried_out(rows: int, side: int, bits: int, rate: float) -> None:
    device = with_scheme(IPHONE, decode_gweights_per_s=assumed(rate))
    program = one_palettized_matmul(rows, side, bits)
    plans = {choice: make_plan(program, device, pins={"w": choice}) for choice in (LOAD, PREDICT)}
    chosen = make_plan(program, device)
    best = min((p.totals.predict_ms, p.totals.resident_bytes) for p in plans.values())
    assert (chosen.totals.predict_ms, chosen.totals.resident_bytes) == best


def test_every_device_table_loads_and_every_figure_has_a_source() -> None:
    assert "iphone14pro" in device_names()
    for name in device_names():
        device = load_device(name)
        for unit in device.units.values():
            for figure in attrs.asdict(unit, recurse=False).values():
                assert not isinstance(figure, Figure) or len(figure.source) > 10


def test_an_unknown_device_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"did you mean iphone14pro\?"):
        load_device("iphone14")


def test_a_table_that_lacks_a_figure_is_refused_by_its_name() -> None:
    with pytest.raises(OptcError, match="disk_gbps"):
        parse_device('name = "x"\ntitle = "X"\n[units]\n', "x.toml")


def test_a_table_with_a_negative_or_misspelt_figure_is_refused() -> None:
    text = 'name = "x"\ntitle = "X"\nspeed = 3\n[disk_gbps]\nvalue = -1.0\nhow = "guess"\nsource = "none"\n[units]\n'
    with pytest.raises(OptcError) as caught:
        parse_device(text, "x.toml")
    assert caught.value.slug == "cost-table"
    assert "speed" in str(caught.value)


def test_totals_are_the_sums_of_the_parts() -> None:
    made = make_plan(one_palettized_matmul(), IPHONE)
    data = made.to_json()
    assert data["totals"]["predict_ms"] == pytest.approx(sum(op["ms"] for op in data["ops"]))
    assert sum(data["shares"].values()) == pytest.approx(1)
    assert data["totals"]["peak_bytes"] >= data["totals"]["resident_bytes"]
