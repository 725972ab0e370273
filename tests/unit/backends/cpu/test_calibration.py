"""Cost tables from what was seen of a machine: figures from known times."""

import attrs
import pytest

from backends.cost_table import SCHEMES, Unit
from backends.cpu import jobs
from backends.cpu.calibration import device_of
from backends.cpu.sample_weights import FORMS
from backends.device_files import parse_device
from backends.device_text import device_text
from backends.figure_paths import figures_of
from tests.unit.backends.cpu.observed import MACHINE, NAMES, observed

LAUNCH = 1e-5


def unit_of(times: dict[str, float], fused: bool = True) -> Unit:
    return device_of(observed({jobs.LAUNCH: LAUNCH} | times, fused), MACHINE).units["cpu"]


def test_the_table_is_complete_and_reads_back_as_it_is() -> None:
    device = device_of(observed(), MACHINE)
    assert parse_device(device_text(device), "a test") == device
    assert set(device.units["cpu"].schemes) == set(SCHEMES)


def test_every_scheme_is_measured_in_some_form() -> None:
    assert {form.scheme for form in FORMS.values()} == set(SCHEMES)


def test_measured_figures_say_the_engine_the_cores_the_rounds_and_the_spread() -> None:
    figure = unit_of({}).weight_gbps
    assert figure.how == "measured"
    assert figure.source.endswith("lower quartile of 1 rounds, spread 0%; ONNX Runtime 1.0, 2 cores")


def test_the_overhead_of_ops_and_of_a_prediction_are_told_apart() -> None:
    unit = unit_of({jobs.CHAIN: LAUNCH + (jobs.LONG_CHAIN - 1) * 1e-6})
    assert unit.op_us.value == pytest.approx(1.0)
    assert unit.launch_ms.value == pytest.approx(1e3 * (LAUNCH - 1e-6))


def test_rates_leave_out_what_a_prediction_takes_anyway() -> None:
    operations = 2 * jobs.ROWS * jobs.SIDE**2
    unit = unit_of({
        jobs.arithmetic("f32"): LAUNCH + operations / 0.5e12,
        jobs.ADDITION: LAUNCH + 12 * jobs.ADDED / 40e9,
    })  # fmt: skip
    assert unit.arithmetic_tflops["f32"].value == pytest.approx(0.5)
    assert unit.activation_gbps.value == pytest.approx(40)


def test_what_the_runtime_fuses_streams_at_the_rate_of_the_product() -> None:
    name = "int4 in blocks of 32"
    unit = unit_of({
        jobs.kept(name): LAUNCH + FORMS[name].side ** 2 / 50e9,
        jobs.arithmetic(name): LAUNCH + 2 * jobs.ROWS * jobs.SIDE**2 / 0.1e12,
    })  # fmt: skip
    costs = unit.schemes["quantized_block"]
    assert costs.expansion == "streams"
    assert costs.decode_by_bits["4"].value == pytest.approx(50)
    assert costs.arithmetic_tflops is not None
    assert costs.arithmetic_tflops.value == pytest.approx(0.1)


def test_what_the_runtime_does_not_fuse_is_explicit_and_pays_for_the_buffer() -> None:
    mb = 4e-6 * jobs.SIDES[0] ** 2
    side = FORMS["palette, 8 bits"].side
    dense = {jobs.dense(size): LAUNCH + 4 * size**2 / 100e9 for size in jobs.SIDES}
    unit = unit_of({
        **dense, jobs.ADDITION: LAUNCH + 12 * jobs.ADDED / 40e9,
        jobs.kept("palette, 8 bits"): LAUNCH + 1e-3 * mb / 100 + 1e-3 * mb / 40 + side**2 / 0.5e9,
    })  # fmt: skip
    assert unit.schemes["palettized"].expansion == "explicit"
    assert unit.schemes["palettized"].decode_gweights_per_s.value == pytest.approx(0.5, rel=1e-3)
    assert unit_of({}, fused=False).schemes["quantized"].expansion == "explicit"


def test_what_only_other_ops_fuse_is_timed_into_a_buffer() -> None:
    mb = 4e-6 * FORMS["int8 per channel"].side ** 2
    dense = {jobs.dense(size): LAUNCH + 4 * size**2 / 100e9 for size in jobs.SIDES}
    seen = observed({
        jobs.LAUNCH: LAUNCH, **dense, jobs.ADDITION: LAUNCH + 12 * jobs.ADDED / 40e9,
        jobs.in_a_buffer("int8 per channel"): LAUNCH + 1e-3 * mb / 100 + 1e-3 * mb / 40 + 0.25e6 * mb / 8e9,
    })  # fmt: skip
    apart = attrs.evolve(seen, fused={**seen.fused, jobs.LINEAR_FUSED: False})
    figure = device_of(apart, MACHINE).units["cpu"].schemes["quantized"].buffer_gweights_per_s
    assert figure is not None
    assert figure.value == pytest.approx(8, rel=1e-3)
    assert device_of(seen, MACHINE).units["cpu"].schemes["quantized"].buffer_gweights_per_s is None


def test_only_ops_that_are_fused_may_expand_their_weight() -> None:
    seen = observed()
    fused = attrs.evolve(seen, fused={**seen.fused, jobs.LINEAR_FUSED: False})
    assert device_of(fused, MACHINE).units["cpu"].schemes["quantized"].ops == ("matmul",)
    assert device_of(seen, MACHINE).units["cpu"].schemes["quantized"].ops == ("matmul", "linear")


def test_the_least_block_is_the_smallest_that_is_fused() -> None:
    seen = observed()
    fused = attrs.evolve(seen, fused={**seen.fused, jobs.blocks_fused(8): False})
    assert device_of(fused, MACHINE).units["cpu"].schemes["quantized_block"].least_group == 16


def test_a_type_that_the_runtime_does_not_multiply_is_left_out() -> None:
    unit = device_of(observed(without=(jobs.arithmetic("bf16"),)), MACHINE).units["cpu"]
    assert set(unit.arithmetic_tflops) == {"f32", "i8"}


def test_a_disk_that_cannot_be_measured_is_assumed_and_says_why() -> None:
    figure = device_of(observed(without=(jobs.DISK,)), MACHINE).disk_gbps
    assert (figure.how, figure.source) == ("assumed", "not measured (it cannot); order of magnitude")


def test_no_figure_is_assumed_but_what_cannot_be_measured() -> None:
    assumed = {path for path, figure in figures_of(device_of(observed(), MACHINE)) if figure.how != "measured"}
    widths = {f"cpu.schemes.palettized.decode_by_bits.{bits}" for bits in (1, 2, 6)}
    assert assumed == {"cpu.on_chip_mb", *widths}


def test_names_of_jobs_are_distinct() -> None:
    assert len(set(NAMES)) == len(NAMES)
