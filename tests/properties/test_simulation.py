"""What simulations of plans say: the times of the cost model, and the same each time."""

import math

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optc
from backends.cost_table import Device
from backends.device_files import load_device
from backends.plan import Plan, Request, make_plan
from backends.scheduling import KernelStep
from backends.simulation import of_plan, simulate
from backends.trace import trace_text
from optc.errors import UsageError
from optc.ir.block import Program
from optc.testing.programs import programs
from tests.properties.passes.test_compress import IDIOMS

any_program = settings(suppress_health_check=list(HealthCheck))
COMPRESSED = programs(idioms=IDIOMS).map(
    lambda program: optc.compress(program, optc.Palettize(bits=2, min_elements=0, force=True))
)


def overlapping(name: str, how: str) -> Device:
    """A device on whose units weights overlap as `how` says."""
    device = load_device(name)
    units = {unit: attrs.evolve(held, weights_overlap=how) for unit, held in device.units.items()}
    return attrs.evolve(device, units=units)


def planned_ms(plan: Plan) -> float:
    handed = math.fsum(transfer.ms for transfer in plan.transfers)
    return math.fsum(ms for ms, _ in plan.kernel_times) + plan.launch_ms + handed


@any_program
@given(COMPRESSED, st.sampled_from(("op", "none")), st.sampled_from(("iphone14pro", "nvidia-h100", "macbook-m4")))
def test_the_total_is_the_plans_where_weights_overlap_their_op_or_nothing(
    program: Program, how: str, device: str
) -> None:
    plan = make_plan(program, overlapping(device, how))
    assert math.isclose(simulate(plan).predict_ms, planned_ms(plan), rel_tol=1e-9, abs_tol=1e-12)


@any_program
@given(programs(idioms=IDIOMS), st.sampled_from(("iphone14pro", "macbook-m4")))
def test_with_weights_fetched_ahead_the_total_is_at_least_work_or_weights_and_at_most_both_and_overheads(
    program: Program, device: str
) -> None:
    plan = make_plan(program, overlapping(device, "program"), Request(units="cpu"))
    queue, _, _ = of_plan(plan)
    shares = [share for step in queue if isinstance(step, KernelStep) for share in step.shares]
    weights = math.fsum(share.arrival_ms for share in shares)
    overhead = math.fsum(step.overhead_ms for step in queue if isinstance(step, KernelStep))
    work = plan.costs["cpu"].base_ms
    total = simulate(plan).predict_ms
    assert total >= max(work, weights) * (1 - 1e-9)
    assert total <= (plan.launch_ms + overhead + work + weights) * (1 + 1e-9)


@any_program
@given(COMPRESSED)
def test_loading_takes_what_the_plan_says(program: Program) -> None:
    plan = optc.plan(program, "macbook-m1")
    found = simulate(plan)
    assert math.isclose(found.load_ms, plan.totals.load_ms, rel_tol=1e-9, abs_tol=1e-15)
    read = [event.name for event in found.load.events if event.resource == "weights"]
    assert len(read) == len(set(read))


@any_program
@given(COMPRESSED)
def test_a_queue_has_each_kernel_and_each_hand_over_and_readers_come_after(program: Program) -> None:
    plan = optc.plan(program, "nvidia-h100")
    queue, rules, _ = of_plan(plan)
    kernels = [step for step in queue if isinstance(step, KernelStep)]
    assert [step.unit for step in kernels] == list(plan.units)
    assert len(queue) == len(plan.works) + len(plan.transfers)
    assert {unit for step in queue for unit in step.units} <= set(rules)
    for number, step in enumerate(queue):
        if not isinstance(step, KernelStep):
            assert step.reader > number
            assert queue[step.reader].unit == step.target


@any_program
@given(COMPRESSED)
def test_the_same_plan_gives_the_same_trace_and_summary(program: Program) -> None:
    first, second = (simulate(optc.plan(program, "iphone14pro")) for _ in range(2))
    assert first.to_json() == second.to_json()
    texts = [trace_text("d", {"load": found.load, "predict": found.predict}) for found in (first, second)]
    assert texts[0] == texts[1]


@any_program
@given(COMPRESSED)
def test_without_inputs_a_simulation_has_times_only(program: Program) -> None:
    found = simulate(optc.plan(program, "iphone14pro"))
    assert found.outputs is None
    busy = {(row["unit"], row["resource"]): row["busy_ms"] for row in found.to_json()["resources"]}
    assert busy == found.predict.busy_ms
    assert all(0 < row["utilisation"] <= 1 + 1e-12 for row in found.to_json()["resources"])


def test_an_unknown_precision_is_refused() -> None:
    program = optc.parse("func @main(%x: f32[2]) -> (y: f32[2]) {\n  %y = relu(%x) : f32[2]\n  return %y\n}\n")
    with pytest.raises(UsageError, match="precision must be unit or reference"):
        simulate(optc.plan(program, "iphone14pro"), precision="exact")
