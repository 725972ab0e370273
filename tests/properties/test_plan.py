"""What a plan says, on random programs: it decides on each weight, adds up, and places ops as well as can be."""

import itertools
import json
import math
from functools import cache

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import optc
from backends import device_files
from backends.placement import placement_ms
from backends.plan import CAUSES, UNIT_SETS, Plan, Request, launch_ms, make_plan
from backends.reasons import planned_ops, remarks_of
from backends.record import plan_json
from backends.selection import OBJECTIVES
from backends.uses import Use, Work
from optc.driver.demo.shipped import demo_model
from optc.errors import OptcError
from optc.ir.block import Program
from optc.testing.programs import programs
from tests.properties.passes.test_compress import IDIOMS
from tests.properties.test_decisions import compressed_programs

load_device = cache(device_files.load_device)
DEVICES = device_files.device_names()


@settings(suppress_health_check=list(HealthCheck))
@given(programs(idioms=IDIOMS), st.sampled_from(DEVICES), st.data())
def test_a_plan_of_any_program_decides_for_each_weight_and_adds_up(
    program: Program, name: str, data: st.DataObject
) -> None:
    device = load_device(name)
    known = [s for s, units in UNIT_SETS.items() if s == "all" or set(units) <= set(device.units)]
    plan = make_plan(program, device, Request(data.draw(st.sampled_from(known))))
    assert len({(d.name, d.unit) for d in plan.decisions}) == len(plan.decisions)
    for decision in plan.decisions:
        assert decision.choice in ("load", "predict")
        assert decision.reason
        assert all(math.isfinite(ms) and ms >= 0 for ms in (decision.load_ms, decision.predict_ms))
    totals = plan.totals
    spent = math.fsum([*(op.ms for op in planned_ops(plan)), *(t.ms for t in plan.transfers), plan.launch_ms])
    assert math.isclose(totals.predict_ms, spent, rel_tol=1e-9, abs_tol=1e-15)
    assert totals.peak_bytes >= totals.resident_bytes >= 0
    assert set(plan.shares) == set(CAUSES)
    assert math.isclose(math.fsum(plan.shares.values()), 1.0 if totals.predict_ms else 0.0)
    for ms, causes in plan.kernel_times:
        assert math.isclose(ms, math.fsum(causes.values()), rel_tol=1e-9, abs_tol=1e-15)
    assert json.loads(json.dumps(plan_json(plan)))["device"] == name


@settings(suppress_health_check=list(HealthCheck))
@given(programs(idioms=IDIOMS))
def test_each_op_is_listed_once_in_order_on_a_unit_that_can_run_it(program: Program) -> None:
    plan = optc.plan(program, "iphone14pro")
    listed = planned_ops(plan)
    unused = {op.results[0] for op in program.main.body.ops if op.name == "dequantize"} - {
        v for op in program.main.body.walk() for v in op.operands
    }
    ops = [op for op in program.main.body.ops if not op.constant and not set(op.results) & unused]
    assert [op.op for op in listed] == [op.name for op in ops] or unused
    for op in listed:
        assert plan.refusals[op.unit][op.kernel] is None
    place = [r for r in remarks_of(plan) if r.pass_name == "place"]
    elsewhere = [n for n, unit in enumerate(plan.units) if unit != "npu" and not plan.works[n].kernel.is_view]
    assert len(place) == len(elsewhere)


def with_all_placements(plan: Plan) -> float:
    """The least predicted time over all assignments of kernels to units, worked out kernel by kernel."""
    maker = {v: n for n, work in enumerate(plan.works) for v in work.kernel.writes}
    best = math.inf
    legal = [[u for u in plan.costs if plan.refusals[u][n] is None] for n in range(len(plan.works))]
    for units in itertools.product(*legal):
        ms = sum(least_ms(plan, n, unit) for n, unit in enumerate(units))
        handed = {(v, units[n]) for n, work in enumerate(plan.works) for v in work.kernel.reads if v in maker}
        for value, target in handed:
            source = units[maker[value]]
            if source != target:
                costs = plan.device.units[source].handover[target]
                size = size_of(value, plan.costs[source].bits)
                ms += costs.fixed_us.value * 1e-3 + size / costs.gbps.value * 1e-6
        ms += sum(plan.device.units[u].launch_ms.value for u in set(units))
        best = min(best, ms)
    return best


def least_ms(plan: Plan, number: int, unit: str) -> float:
    work, costs = plan.works[number], plan.costs[unit]
    if not work.uses:
        return costs.kernel_part(work).ms + costs.overhead_ms(work)
    ms = costs.overhead_ms(work)
    for use in work.uses:
        ways = ["load"] if costs.why_not(use) else ["load", "predict"]
        ms += min(costs.part(work, use, way).ms for way in ways)
    return ms


def size_of(value: object, bits: int) -> int:
    kind = value.type  # type: ignore[attr-defined]
    count = math.prod(d if isinstance(d, int) else 1 for d in kind.shape)
    wide = kind.dtype.is_float and kind.dtype.bits >= 16
    return (count * (bits if wide else kind.dtype.bits) + 7) // 8


@settings(suppress_health_check=list(HealthCheck))
@given(programs(idioms=IDIOMS, most=5), st.sampled_from(DEVICES))
def test_the_placement_is_the_best_of_all(program: Program, name: str) -> None:
    plan = make_plan(program, load_device(name))
    if len(plan.costs) ** len(plan.works) > 3**9 or any(
        not hasattr(v.type, "shape") for w in plan.works for v in w.kernel.reads
    ):
        return
    best = with_all_placements(plan)
    assert plan.placement.exact
    assert math.isclose(plan.placement.ms, best, rel_tol=1e-9, abs_tol=1e-15)


@settings(suppress_health_check=list(HealthCheck))
@given(programs(idioms=IDIOMS, most=3))
def test_a_pin_is_followed_and_changes_no_other_decision(program: Program) -> None:
    free = optc.plan(program, "iphone14pro", units="cpu")
    for decision in free.decisions:
        other = "predict" if decision.choice == "load" else "load"
        pinned = optc.plan(program, "iphone14pro", units="cpu", pins={decision.name: other})
        expected = {d.name: d.choice for d in free.decisions}
        if decision.is_free:
            expected[decision.name] = other
        assert {d.name: d.choice for d in pinned.decisions} == expected


def every_plan(plan: Plan) -> list[tuple[float, int]]:
    """Time and resident bytes of all placements with all choices, from the costs of kernels and hand-overs."""
    found = []
    legal = [[u for u in plan.costs if plan.refusals[u][n] is None] for n in range(len(plan.works))]
    for units in itertools.product(*legal):
        fixed = placement_ms(units, plan.nodes, plan.flows, launch_ms(plan.costs))
        uses: dict[tuple[str, str], list[tuple[Work, Use]]] = {}
        for work, unit in zip(plan.works, units, strict=True):
            for use in work.uses:
                uses.setdefault((use.weight.name, unit), []).append((work, use))
        ways = []
        for (_, unit), group in uses.items():
            costs = plan.costs[unit]
            choices = ["load"] if any(costs.why_not(use) for _, use in group) else ["load", "predict"]
            best = sum(
                min(costs.part(w, u, c).ms for c in (["load"] if costs.why_not(u) else ["load", "predict"]))
                for w, u in group
            )
            weight = group[0][1]
            size = {"load": weight.dense_bytes(costs.bits), "predict": weight.weight.stored_bytes}
            if weight.form.kind == "dense":
                choices, size = ["load"], {"load": weight.dense_bytes(costs.bits)}
            ways.append([(sum(costs.part(w, u, c).ms for w, u in group) - best, size[c]) for c in choices])
        for chosen in itertools.product(*ways):
            found.append((fixed + sum(ms for ms, _ in chosen), sum(size for _, size in chosen)))
    return found


@settings(suppress_health_check=list(HealthCheck))
@given(compressed_programs(), st.sampled_from(("iphone14pro", "macbook-m1")), st.floats(0, 1))
def test_under_a_memory_limit_no_plan_is_faster_than_the_certificate_says(
    program: Program, name: str, between: float
) -> None:
    free = make_plan(program, load_device(name))
    assume(free.decisions and 3 ** len(free.works) * 2 ** len(free.decisions) < 30_000)
    every = every_plan(free)
    least, most = (f(size for _, size in every) for f in (min, max))
    limit = int(least + between * (most - least))
    best = min(ms for ms, size in every if size <= limit)
    try:
        plan = make_plan(program, load_device(name), Request(memory_limit=limit))
    except OptcError:  # what is tried need not find the one plan that fits; all fit the greatest
        assert between < 1
        return
    assert plan.totals.resident_bytes <= limit
    assert plan.totals.predict_ms >= best * (1 - 1e-9)
    assert plan.totals.predict_ms - plan.selection.gap_ms <= best * (1 + 1e-9) + 1e-15


@settings(suppress_health_check=list(HealthCheck))
@given(compressed_programs(), st.floats(0, 1))
def test_a_memory_limit_on_one_unit_leaves_no_gap(program: Program, between: float) -> None:
    free = make_plan(program, load_device("x86-server"))
    sizes = [
        (d.resident_bytes_if_load, d.resident_bytes_if_predict) if d.is_free else (d.resident_bytes,)
        for d in free.decisions
    ]
    least, most = sum(map(min, sizes)), free.totals.resident_bytes
    plan = make_plan(program, load_device("x86-server"), Request(memory_limit=int(least + between * (most - least))))
    assert plan.selection.gap_ms == 0
    assert plan.totals.predict_ms >= free.totals.predict_ms * (1 - 1e-12)


@settings(suppress_health_check=list(HealthCheck))
@given(compressed_programs(), st.sampled_from(("iphone14pro", "macbook-m1", "macbook-m2")))
def test_memory_and_load_time_are_the_least_of_all_placements_where_they_are_the_objective(
    program: Program, name: str
) -> None:
    by = {objective: make_plan(program, load_device(name), Request(objective=objective)) for objective in OBJECTIVES}
    free = by["latency"]
    assume(free.decisions and 3 ** len(free.works) * 2 ** len(free.decisions) < 30_000)
    least = {
        "latency": min(plan.totals.predict_ms for plan in by.values()),
        "memory": min(plan.totals.resident_bytes for plan in by.values()),
        "load": min(plan.totals.load_ms for plan in by.values()),
    }
    uses = [use.weight.name for work in free.works for use in work.uses]
    if len(uses) == len(set(uses)):  # what kernels share is shared out among them, which is not exact
        every = every_plan(free)
        least["memory"] = min(size for _, size in every)
        fastest = min(ms for ms, size in every if size == least["memory"])
        assert by["memory"].totals.predict_ms <= fastest * (1 + 1e-6) + 1e-9
    assert free.totals.predict_ms <= least["latency"] * (1 + 1e-9)
    assert by["memory"].totals.resident_bytes == least["memory"]
    assert by["load"].totals.load_ms <= least["load"] + 1e-5


def test_another_objective_moves_kernels_to_units_that_serve_it() -> None:
    small = optc.compress(optc.load(demo_model()), optc.Palettize(bits=4))
    fast, lean = (optc.plan(small, "iphone14pro", objective=objective) for objective in ("latency", "memory"))
    assert lean.totals.resident_bytes < fast.totals.resident_bytes / 3
    assert lean.totals.predict_ms > fast.totals.predict_ms
    assert set(lean.units) != set(fast.units)
