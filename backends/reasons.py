"""Why each op runs where it does, and the remarks of a plan."""

import math
from collections.abc import Iterator, Mapping

import attrs

from backends.costs import PREDICT
from backends.decision import Decision
from backends.forms import DENSE
from backends.plan import Plan
from optc.pipeline.remarks import Remark

WHY_HERE = {
    "only-unit": "there is no other unit that may be used",
    "expected": "it runs on the unit that one would expect",
    "faster-here": "by itself it is faster here",
    "saves-hand-over": "it would be faster there by itself, but values would have to be handed over",
}
"""Reasons of placement. Others are the name of the expected unit and the slug of its rule: `npu-recurrent`."""


@attrs.frozen
class PlannedOp:
    """One op on its unit.

    `ms` of one prediction is that of the whole kernel, said of its root; `bound` is the cause that takes longest
    (`nothing` where it takes no time), `fused_into` the result of the root that the op runs with, `kernel` its number.
    """

    name: str
    op: str
    unit: str
    ms: float
    bound: str
    reason: str
    causes: Mapping[str, float]
    kernel: int
    fused_into: str


def planned_ops(plan: Plan) -> tuple[PlannedOp, ...]:
    """The ops of the main block that are no constants, in order."""
    kernel_of: dict[int, int] = {}
    for number, work in enumerate(plan.works):
        for op in work.kernel.all_ops:
            kernel_of.setdefault(id(op), number)
    reasons = [why_here(plan, number) for number in range(len(plan.works))]
    out = []
    for op in plan.program.main.body.ops:
        if id(op) not in kernel_of:
            continue
        number = kernel_of[id(op)]
        root = plan.works[number].kernel.root
        ms, causes = plan.kernel_times[number] if op is root else (0.0, {})
        out.append(
            PlannedOp(
                op.results[0].name if op.results else "", op.name, plan.units[number], ms, bound_of(causes),
                reasons[number], causes, number, "" if op is root or not root.results else root.results[0].name,
            )
        )  # fmt: skip
    return tuple(out)


def bound_of(causes: Mapping[str, float]) -> str:
    """The cause that takes longest."""
    longest = max(causes, key=lambda cause: causes[cause], default="nothing")
    return longest if causes.get(longest, 0.0) > 0 else "nothing"


def why_here(plan: Plan, number: int) -> str:
    """Why a kernel is on its unit: a slug."""
    if len(plan.costs) == 1:
        return "only-unit"
    expected, unit = next(iter(plan.costs)), plan.units[number]
    if unit == expected:
        return "expected"
    refused = plan.refusals[expected][number]
    if refused is not None:
        return f"{expected}-{refused.slug}"
    return "faster-here" if own_ms(plan, number, unit) <= own_ms(plan, number, expected) else "saves-hand-over"


def own_ms(plan: Plan, number: int, unit: str) -> float:
    """The time of a kernel on a unit, with the best choices for its weights, without hand-overs."""
    costs, work = plan.costs[unit], plan.works[number]
    parts = [
        min(costs.part(work, use, choice).ms for choice in ("load", *(() if costs.why_not(use) else (PREDICT,))))
        for use in work.uses
    ]
    return math.fsum(parts or [costs.kernel_part(work).ms]) + costs.overhead_ms(work)


def remarks_of(plan: Plan) -> Iterator[Remark]:
    """A remark for each weight, for each kernel that is not where one would expect it, and for each slower weight."""
    for decision in plan.decisions:
        yield _expansion_remark(decision)
        if is_slower(decision):
            yield Remark(
                "never-slower", decision.name, "refused" if decision.reason == "pinned" else "done",
                "slower-than-dense",
                scheme=decision.form, numbers={"ms_more": decision.price_ms, "unit": decision.unit},
                message="expanding it at each prediction takes longer than keeping it dense",
            )  # fmt: skip
    for number, work in enumerate(plan.works):
        reason = why_here(plan, number)
        if reason not in ("only-unit", "expected") and not work.kernel.is_view:
            yield _placement_remark(plan, number, reason)


def is_slower(decision: Decision) -> bool:
    """Whether the compressed weight makes prediction slower than a dense one would."""
    return decision.scheme != DENSE and decision.choice == PREDICT and decision.price_ms > 0


def _expansion_remark(decision: Decision) -> Remark:
    numbers = {
        "ms_if_load": decision.predict_ms_if_load, "ms_if_predict": decision.predict_ms_if_predict,
        "bytes_if_load": decision.resident_bytes_if_load, "bytes_if_predict": decision.resident_bytes_if_predict,
        "unit": decision.unit,
    }  # fmt: skip
    kept = decision.scheme == DENSE or decision.expansion == "folds"
    return Remark(
        "expand", decision.name, "skipped" if kept else "done", decision.reason, scheme=decision.form,
        bytes_before=decision.stored_bytes, bytes_after=decision.resident_bytes, numbers=numbers,
        message=f"expanded at {decision.choice}",
    )  # fmt: skip


def _placement_remark(plan: Plan, number: int, reason: str) -> Remark:
    expected, root = next(iter(plan.costs)), plan.works[number].kernel.root
    refused = plan.refusals[expected][number]
    numbers = {f"ms_on_{unit}": own_ms(plan, number, unit) for unit in plan.costs if _legal(plan, number, unit)}
    says = f"{expected}: {refused.says} ({refused.source})" if refused is not None else WHY_HERE[reason]
    name = root.results[0].name if root.results else root.name
    return Remark(
        "place",
        name or root.name,
        "done",
        reason,
        kind="op",
        numbers=numbers,
        message=f"on {plan.units[number]}; {says}",
    )


def _legal(plan: Plan, number: int, unit: str) -> bool:
    return plan.refusals[unit][number] is None
