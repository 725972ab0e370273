"""The plan as plain data, for `--json` and for whoever wants to work it out again; `docs/plan.md` says what is what."""

from typing import Any

import attrs

from backends.advice import advice_of
from backends.costs import UnitCosts
from backends.plan import Plan
from backends.reasons import PlannedOp, planned_ops, remarks_of
from optc.ops.weights import stored_bytes


def plan_json(plan: Plan) -> dict[str, Any]:
    """Everything that a plan says. Times in ms, sizes in bytes."""
    return {
        "device": plan.device.name,
        "units": {name: _unit_json(costs, plan) for name, costs in plan.costs.items()},
        "objective": plan.request.objective,
        "memory_limit": plan.request.memory_limit,
        "sizes": {**dict.fromkeys(plan.request.assumed, 1), **plan.sizes.named},
        "totals": attrs.asdict(plan.totals),
        "small_weights": {"count": len(plan.small_weights), "stored_bytes": stored_bytes(plan.small_weights)},
        "shares": dict(plan.shares),
        "certificate": {
            "placement_exact": plan.placement.exact,
            "placement_gap_ms": max(0.0, plan.placement.ms - plan.placement.bound_ms),
            "selection_gap_ms": plan.selection.gap_ms,
            "memory_price_ms_per_mb": plan.selection.price_per_mb,
        },
        "weights": [decision.to_json() for decision in plan.decisions],
        "ops": [_op_json(op) for op in planned_ops(plan)],
        "transfers": [{"value": t.value.name, "from": t.source, "to": t.target, "ms": t.ms} for t in plan.transfers],
        "advice": [attrs.asdict(advice) for advice in advice_of(plan)],
        "remarks": [remark.to_json() for remark in remarks_of(plan)],
    }


def _unit_json(costs: UnitCosts, plan: Plan) -> dict[str, Any]:
    """What the arithmetic of a weight takes from its unit, beside the table."""
    memory = plan.memory.units.get(costs.name)
    return {
        "dtype": costs.unit.dtype,
        "base_ms": costs.base_ms,
        "dense_bytes": costs.dense_bytes,
        "kernels": sum(unit == costs.name for unit in plan.units),
        "memory": attrs.asdict(memory, filter=lambda field, _: field.name != "buffers") if memory is not None else None,
    }


def _op_json(op: PlannedOp) -> dict[str, Any]:
    return {
        "name": op.name, "op": op.op, "unit": op.unit, "ms": op.ms, "bound": op.bound, "reason": op.reason,
        "causes": dict(op.causes), "kernel": op.kernel, "fused_into": op.fused_into,
    }  # fmt: skip
