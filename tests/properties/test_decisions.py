"""Laws of decisions: they can be worked out again, flip where they say, are the best there are, and follow prices."""

import itertools
import json
import math
from functools import cache
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import backends
from backends import device_files
from backends.capability import refusal
from backends.cost_table import Device
from backends.costs import LOAD, PREDICT
from backends.decision import Decision
from backends.figure_paths import figures_of, with_figure
from backends.kernels import kernels_of
from backends.plan import UNIT_SETS, Plan, Request, make_plan
from backends.record import plan_json
from backends.selection import OBJECTIVES, select
from optc.errors import OptcError
from optc.ir.block import Program
from optc.pipeline.manager import run_pipeline
from optc.pipeline.pipeline import Pipeline
from optc.testing.programs import programs
from tests.properties.passes.test_compress import IDIOMS, JOINT, PASSES
from tests.recomputed_decisions import choice_of, table_of

load_device = cache(device_files.load_device)
FOLDER = Path(backends.__file__).parent / "devices"
DEVICES = device_files.device_names()


@st.composite
def compressed_programs(draw: st.DrawFn) -> Program:
    """Random programs with weights, compressed in one or two ways."""
    program = draw(programs(idioms=IDIOMS, most=5))
    passes = [draw(st.sampled_from(PASSES))]
    if draw(st.booleans()):
        passes.append(draw(st.sampled_from(JOINT)))
    return run_pipeline(Pipeline(tuple(passes)), program).program


@st.composite
def devices(draw: st.DrawFn) -> Device:
    """Shipped tables, some of their figures moved by up to a factor of 1000."""
    device = load_device(draw(st.sampled_from(DEVICES)))
    paths = [path for path, figure in figures_of(device) if figure.value > 0]
    for path in draw(st.lists(st.sampled_from(paths), max_size=4, unique=True)):
        now = dict(figures_of(device))[path].value
        device = with_figure(device, path, now * 10 ** draw(st.floats(-3, 3)))
    return device


def unit_sets(device: Device) -> list[str]:
    return [name for name, units in UNIT_SETS.items() if name == "all" or set(units) <= set(device.units)]


def one_unit(program: Program, device: Device, data: st.DataObject) -> Device:
    """The device with one of its units, which can run all of the program: prices then do not move ops."""
    kernels = kernels_of(program.main.body)
    able = [unit for unit in sorted(device.units) if not any(refusal(kernel, unit) for kernel in kernels)]
    assume(able)
    unit = data.draw(st.sampled_from(able))
    return attrs.evolve(device, units={unit: device.units[unit]})


@settings(suppress_health_check=list(HealthCheck))
@given(compressed_programs(), st.sampled_from(DEVICES), st.data())
def test_a_script_of_its_own_comes_to_the_same_choices_from_the_record_and_the_table(
    program: Program, name: str, data: st.DataObject
) -> None:
    units = data.draw(st.sampled_from(unit_sets(load_device(name))))
    record = json.loads(json.dumps(plan_json(make_plan(program, load_device(name), Request(units)))))
    table = table_of(FOLDER / f"{name}.toml")
    for weight in record["weights"]:
        unit = weight["unit"]
        assert choice_of(weight, table["units"][unit], record["units"][unit]) == weight["choice"], weight


def choices(plan: Plan) -> dict[tuple[str, str], str]:
    return {(d.name, d.unit): d.choice for d in plan.decisions}


@settings(suppress_health_check=list(HealthCheck))
@given(compressed_programs(), devices(), st.data())
def test_moving_a_figure_past_a_break_even_flips_exactly_the_weights_that_say_so(
    program: Program, device: Device, data: st.DataObject
) -> None:
    alone = one_unit(program, device, data)
    before = make_plan(program, alone)
    flips = [flip for d in before.decisions for flip in d.flips if 1e-12 < flip.value < 1e12]
    assume(flips)
    chosen = data.draw(st.sampled_from(flips))
    past = chosen.value * (1 + 1e-6 if chosen.value > chosen.now else 1 - 1e-6)
    after = choices(make_plan(program, with_figure(alone, chosen.figure, past)))
    low, high = sorted((chosen.now, past))
    for d in before.decisions:
        value = next((flip.value for flip in d.flips if flip.figure == chosen.figure), None)
        if value is None or not math.isclose(value, past, rel_tol=1e-7):
            says = value is not None and low < value < high
            assert (after[d.name, d.unit] != d.choice) == says, (d.name, d.flips, past)


@settings(suppress_health_check=list(HealthCheck))
@given(compressed_programs(), devices(), st.data())
def test_no_plan_is_faster_after_a_price_has_risen(program: Program, device: Device, data: st.DataObject) -> None:
    alone = one_unit(program, device, data)
    prices = [(path, figure) for path, figure in figures_of(alone) if not path.endswith("skips_zeros_from")]
    path, figure = data.draw(st.sampled_from(prices))
    factor = data.draw(st.floats(1, 50))
    rate = path.split(".")[-1].endswith(("gbps", "per_s", "mb")) or "tflops" in path or "decode_by_bits" in path
    dearer = with_figure(alone, path, figure.value / factor if rate else figure.value * factor)
    before, after = (make_plan(program, d).totals for d in (alone, dearer))
    assert after.predict_ms >= before.predict_ms * (1 - 1e-9)


def decision(number: int, ms: tuple[float, float], size: tuple[int, int], load: tuple[float, float]) -> Decision:
    """A decision with made-up times and sizes, chosen by time."""
    choice = PREDICT if (ms[1], size[1]) < (ms[0], size[0]) else LOAD
    nothing = dict.fromkeys(a.name for a in attrs.fields(Decision))
    return Decision(**{
        **nothing, "name": f"w{number}", "scheme": "palettized", "expansion": "streams", "choice": choice,
        "reason": "made-up", "uses": (), "flips": (), "predict_ms_if_load": ms[0], "predict_ms_if_predict": ms[1],
        "resident_bytes_if_load": size[0], "resident_bytes_if_predict": size[1],
        "load_ms_if_load": load[0], "load_ms_if_predict": load[1],
    })  # fmt: skip


@st.composite
def decisions(draw: st.DrawFn) -> list[Decision]:
    """Up to ten, with times and sizes that are often alike."""
    times = st.integers(0, 6).map(float) | st.floats(0, 10)
    sizes = st.integers(1, 8) | st.integers(1, 1000)
    count = draw(st.integers(1, 10))
    return [
        decision(n, draw(st.tuples(times, times)), draw(st.tuples(sizes, sizes)), draw(st.tuples(times, times)))
        for n in range(count)
    ]


def value(chosen: tuple[Decision, ...], objective: str) -> tuple[float, ...]:
    ms = math.fsum(d.predict_ms for d in chosen)
    size = sum(d.resident_bytes for d in chosen)
    load = math.fsum(d.load_ms for d in chosen)
    return {"latency": (ms, size), "memory": (size, ms), "load": (load,)}[objective]


@given(decisions(), st.sampled_from(OBJECTIVES), st.floats(0, 1))
def test_the_selection_is_what_trying_all_choices_finds(made: list[Decision], objective: str, between: float) -> None:
    least = sum(min(d.resident_bytes_if_load, d.resident_bytes_if_predict) for d in made)
    most = sum(max(d.resident_bytes_if_load, d.resident_bytes_if_predict) for d in made)
    limit = int(least + between * (most - least))
    every = (
        tuple(attrs.evolve(d, choice=c) for d, c in zip(made, chosen, strict=True))
        for chosen in itertools.product((LOAD, PREDICT), repeat=len(made))
    )
    best = min(value(way, objective) for way in every if sum(d.resident_bytes for d in way) <= limit)
    found = select(made, limit, objective)
    assert sum(d.resident_bytes for d in found.decisions) <= limit
    assert value(found.decisions, objective)[0] == pytest.approx(best[0], rel=1e-9, abs=1e-9)
    assert found.gap_ms == 0
    assert value(select(made, None, objective).decisions, objective)[0] <= best[0] * (1 + 1e-9)


@given(decisions())
def test_a_limit_below_the_least_is_refused_with_the_least(made: list[Decision]) -> None:
    least = sum(min(d.resident_bytes_if_load, d.resident_bytes_if_predict) for d in made)
    with pytest.raises(OptcError, match=f"at least {least:,} bytes") as refused:
        select(made, least - 1)
    assert refused.value.slug == "memory-limit"


@given(decisions(), st.floats(0, 1))
def test_pinned_weights_stay_as_they_are(made: list[Decision], between: float) -> None:
    pinned = [attrs.evolve(made[0], reason="pinned"), *made[1:]]
    limit = sum(d.resident_bytes for d in pinned)
    for objective in OBJECTIVES:
        assert select(pinned, limit, objective).decisions[0].choice == made[0].choice
