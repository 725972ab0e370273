"""Laws of explanations: every time that is printed follows from bytes, counts, figures and times printed before it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optc
from backends.cost_table import Device
from backends.explanation import explain
from backends.figure_paths import with_figure
from backends.plan import Request, make_plan
from backends.sizes import Sizes
from optc.errors import OptcError
from optc.ir.block import Program
from optc.pipeline.passes import Pass
from tests.properties.test_decisions import compressed_programs, devices, load_device, unit_sets
from tests.recomputed_explanation import redo

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits.onnx"


@settings(suppress_health_check=list(HealthCheck))
@given(compressed_programs(), devices(), st.data())
def test_explanations_can_be_redone_from_their_text(program: Program, device: Device, data: st.DataObject) -> None:
    units = data.draw(st.sampled_from(unit_sets(device)))
    try:
        plan = make_plan(program, device, Request(units))
    except OptcError:
        return
    for name in {d.name for d in plan.decisions}:
        assert redo(explain(plan, name)) >= 10


CASES = [
    (
        "iphone14pro",
        "cpu",
        16,
        optc.Palettize(bits=4),
        ("writing the buffer: 73,728 bytes", "expansion into the buffer"),
    ),
    (
        "iphone14pro",
        "cpu+npu",
        16,
        optc.Palettize(bits=4, group_size=4),
        ("^4)^(1/4)", "tables beyond the first: 15 x"),
    ),
    (
        "iphone14pro",
        "cpu+npu",
        0.02,
        optc.Palettize(bits=4),
        ("from the cache: ", "(schemes.palettized.stream_gbps) + "),
    ),
    ("iphone14pro", "cpu+npu", 0, optc.Quantize(dtype="int8"), ("holds none of that", "GB/s (weight_gbps) = ")),
    ("macbook-m2", "cpu+gpu", 16, optc.Quantize(dtype="int4"), ("decoding: 36,864 weights",)),
]


@pytest.mark.parametrize(("device", "units", "cache", "how", "told"), CASES)
def test_each_way_of_arriving_is_told_term_by_term(
    device: str, units: str, cache: float, how: Pass, told: tuple[str, ...]
) -> None:
    table = load_device(device)
    for unit in table.units:
        table = with_figure(table, f"{unit}.weight_cache_mb", cache)
    small = optc.compress(optc.load(DIGITS), how)
    text = explain(make_plan(small, table, Request(units, sizes=Sizes({"batch": 64}))), "6.weight")
    assert redo(text) >= 14
    for words in told:
        assert words in text


def test_a_number_that_does_not_follow_is_found() -> None:
    small = optc.compress(optc.load(DIGITS), optc.Palettize(bits=4))
    text = explain(make_plan(small, load_device("iphone14pro"), Request("cpu")), "6.weight")
    for old, new in [("0.004681 ms", "0.004691 ms"), ("/ 14 G/s", "/ 15 G/s"), ("max(0.000185,", "max(0.000186,")]:
        assert old in text
        with pytest.raises(AssertionError):
            redo(text.replace(old, new, 1))
