"""The decision on examples whose arithmetic is done by hand here."""

import attrs
import numpy as np
import pytest

from backends.cost_table import Device
from backends.decision import Decision
from backends.device_files import load_device
from backends.figure_paths import with_figure
from backends.plan import Request, make_plan
from optc.errors import UsageError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.constexpr import LutToDense, SparseToDense
from optc.ops.gather import Gather
from optc.ops.matmul import MatMul

IPHONE = load_device("iphone15pro")


def one_palettized_matmul(rows: int = 1, side: int = 512, bits: int = 8, tables: int = 1) -> Program:
    """`rows` x `side` times a palettized square matrix."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (rows, side)), "x")
    indices = b.const(np.zeros((side, side), np.uint8), "w.indices", DType(f"u{bits}"))
    lut = b.const(np.zeros((1, tables, 1 << bits, 1), np.float32), "w.lut")
    weight = b.add(LutToDense(indices, lut), "w")
    return b.program(y=b.add(MatMul(x, weight), "y"))


def npu_of(device: Device, **figures: float) -> Device:
    """The device's accelerator alone, with these figures (two underscores stand for a dot)."""
    alone = attrs.evolve(device, units={"npu": attrs.evolve(device.units["npu"], handover={})})
    for path, value in {"weight_cache_mb": 0.0, **figures}.items():
        alone = with_figure(alone, "npu." + path.replace("__", "."), value)
    return alone


def decision_of(program: Program, device: Device, **request: object) -> Decision:
    (decision,) = make_plan(program, device, Request(**request)).decisions  # type: ignore[arg-type]
    return decision


def test_the_numbers_of_the_record_are_those_of_the_table_by_hand() -> None:
    device = npu_of(
        IPHONE, weight_gbps=28.0, activation_gbps=60.0, arithmetic_tflops__f16=15.0, expand_gweights_per_s=2.0,
        schemes__palettized__stream_gbps=44.0, schemes__palettized__decode_gweights_per_s=80.0,
    )  # fmt: skip
    found = decision_of(one_palettized_matmul(), device)
    elements = 512 * 512
    stored = elements + 256 * 4
    base = max(2 * elements / 15e12, 2 * 512 * 2 / 60e9) * 1e3  # the only kernel: all of it hides the weight
    assert found.stored_bytes == stored
    assert (found.resident_bytes_if_load, found.resident_bytes_if_predict) == (2 * elements, stored)
    assert found.predict_ms_if_load == pytest.approx(base + max(0, 2 * elements / 28e9 * 1e3 - base))
    assert found.predict_ms_if_predict == pytest.approx(base + max(0, stored / 44e9 * 1e3 - base))
    read = stored / device.disk_gbps.value * 1e-6
    assert found.load_ms_if_load == pytest.approx(read + elements / 2e9 * 1e3)
    assert found.load_ms_if_predict == pytest.approx(read)
    assert (found.choice, found.reason) == ("predict", "faster-at-predict")


def test_tables_beyond_the_first_cost_their_price_in_the_4_norm_with_the_stream() -> None:
    device = npu_of(IPHONE, schemes__palettized__table_ns=1000.0)
    part = decision_of(one_palettized_matmul(bits=4, tables=64), device).uses[0].parts["predict"]
    stream = 512 * 512 / IPHONE.units["npu"].schemes["palettized"].decode_gweights_per_s.value * 1e-6
    assert part.arrival_ms == pytest.approx((stream**4 + (63 * 1000e-6) ** 4) ** 0.25, rel=0.02)


def test_a_weight_hidden_behind_the_work_of_the_program_is_kept_compressed_as_that_takes_less_memory() -> None:
    found = decision_of(one_palettized_matmul(rows=8192), npu_of(IPHONE))
    assert (found.choice, found.reason) == ("predict", "equal-time-less-memory")
    assert found.predict_ms_if_load == found.predict_ms_if_predict


def test_a_slow_decoder_makes_a_weight_expand_at_load() -> None:
    found = decision_of(one_palettized_matmul(), npu_of(IPHONE, schemes__palettized__decode_gweights_per_s=0.1))
    assert (found.choice, found.reason) == ("load", "faster-at-load")


def test_a_form_that_the_unit_folds_is_expanded_at_load_whatever_it_costs_and_whatever_is_pinned() -> None:
    device = npu_of(IPHONE)
    npu = device.units["npu"]
    folds = attrs.evolve(npu.schemes["palettized"], expansion="folds")
    folding = attrs.evolve(device, units={"npu": attrs.evolve(npu, schemes={**npu.schemes, "palettized": folds})})
    found = decision_of(one_palettized_matmul(), folding, pins={"w": "predict"})
    assert (found.choice, found.reason, found.expansion) == ("load", "folds-on-unit", "folds")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"bits": (1, 2)}, "bits-on-unit"), ({"granularities": ("tensor",)}, "granularity-on-unit"),
        ({"least_group": 16}, "group-on-unit"), ({"vectors": (2,)}, "vector-on-unit"), ({"axes": (0,)}, "axis-on-unit"),
        ({"ops": ("conv",)}, "op-on-unit"), ({"least_group": 8, "axes": (1,), "ops": ("matmul",)}, "faster-at-predict"),
    ],
)  # fmt: skip
def test_what_the_table_does_not_allow_is_named(limits: dict[str, object], reason: str) -> None:
    device = npu_of(IPHONE)
    npu = device.units["npu"]
    costs = attrs.evolve(npu.schemes["palettized"], **{"granularities": (), **limits})
    limited = attrs.evolve(device, units={"npu": attrs.evolve(npu, schemes={**npu.schemes, "palettized": costs})})
    assert decision_of(one_palettized_matmul(bits=4, tables=64), limited).reason == reason


def test_a_pin_is_followed_and_its_price_is_the_difference() -> None:
    device = npu_of(IPHONE)
    pinned = decision_of(one_palettized_matmul(), device, pins={"w": "load"})
    assert (pinned.choice, pinned.reason) == ("load", "pinned")
    assert pinned.price_ms == pytest.approx(pinned.predict_ms_if_load - pinned.predict_ms_if_predict)
    assert pinned.price_ms > 0


def test_zeros_are_skipped_from_the_sparsity_that_the_table_says() -> None:
    def arithmetic(zeros: int) -> float:
        b = Builder()
        x = b.param(TensorType(DType.F16, (4096, 64)), "x")
        mask = np.ones((64, 64), np.uint8)
        mask.reshape(-1)[:zeros] = 0
        kept = b.const(np.ones(64 * 64 - zeros, np.float16))
        weight = b.add(SparseToDense(b.const(mask, dtype=DType.U1), kept), "w")
        plan = make_plan(b.program(y=b.add(MatMul(x, weight))), npu_of(IPHONE, schemes__sparse__skips_zeros_from=0.75))
        return plan.decisions[0].uses[0].parts["predict"].arithmetic_ms

    assert arithmetic(3072) == pytest.approx(arithmetic(0) / 4)
    assert arithmetic(3071) == arithmetic(0)


def test_a_gather_reads_only_the_rows_that_it_takes() -> None:
    b = Builder()
    rows = b.param(TensorType(DType.I32, (3,)), "rows")
    table = b.const(np.zeros((1000, 64), np.float16), "table")
    plan = make_plan(b.program(y=b.add(Gather(table, rows, axis=0))), npu_of(IPHONE, weight_gbps=1.0))
    (use,) = plan.decisions[0].uses
    assert use.touched == 3 / 1000
    assert use.parts["load"].arrival_ms == pytest.approx(3 * 64 * 2 / 1e9 * 1e3)


def test_wrong_pins_are_said_in_one_message() -> None:
    with pytest.raises(UsageError, match="did you mean w"):
        make_plan(one_palettized_matmul(), IPHONE, Request(pins={"W": "load"}))
    with pytest.raises(UsageError, match="choice must be load or predict"):
        make_plan(one_palettized_matmul(), IPHONE, Request(pins={"w": "sometimes"}))
    with pytest.raises(UsageError, match="one of all, cpu, cpu\\+gpu, cpu\\+npu"):
        make_plan(one_palettized_matmul(), IPHONE, Request(units="npu"))
