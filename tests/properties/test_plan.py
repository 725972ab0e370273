"""What a plan says, on random programs: a decision for each weight, and totals that are those of its parts."""

import json
import math

from hypothesis import HealthCheck, given, settings

import optc
from optc.ir.block import Program
from optc.testing.programs import programs
from tests.properties.passes.test_compress import IDIOMS


@settings(suppress_health_check=list(HealthCheck))
@given(programs(idioms=IDIOMS))
def test_a_plan_of_any_program_decides_for_each_weight_and_adds_up(program: Program) -> None:
    plan = optc.plan(program, "iphone14pro")
    assert len({d.name for d in plan.decisions}) == len(plan.decisions)
    for decision in plan.decisions:
        times = (decision.load_ms_if_load, decision.load_ms_if_predict)
        assert decision.choice in ("load", "predict")
        assert decision.reason
        assert all(math.isfinite(ms) and ms >= 0 for ms in times)
    spent = math.fsum(op.time.ms for op in plan.ops)
    assert math.isfinite(plan.totals.predict_ms)
    assert plan.totals.predict_ms >= spent
    assert plan.totals.peak_bytes >= plan.totals.resident_bytes >= 0
    assert math.isclose(math.fsum(plan.shares.values()), 1.0 if plan.totals.predict_ms else 0.0)
    ops = [op for op in program.main.body.ops if not op.constant]
    assert [op.op for op in plan.ops] == [op.name for op in ops]
    assert json.loads(json.dumps(plan.to_json()))["device"] == "iphone14pro"


@settings(suppress_health_check=list(HealthCheck))
@given(programs(idioms=IDIOMS, most=3))
def test_a_pin_is_followed_and_changes_no_other_decision(program: Program) -> None:
    free = optc.plan(program, "iphone14pro")
    for decision in free.decisions:
        other = "predict" if decision.choice == "load" else "load"
        pinned = optc.plan(program, "iphone14pro", pins={decision.name: other})
        choices = {d.name: d.choice for d in pinned.decisions}
        assert choices == {**{d.name: d.choice for d in free.decisions}, decision.name: other}
