"""Advice: what would make a plan faster, by how much at most.

Each candidate is one subject (a weight, an op) and one cause of its time, with what a prediction would save if the
cause were gone: the arithmetic or the activations of a kernel beyond its other work, the arrival or the expansion of a
weight beyond what hides it, the detour of an op that runs on another unit than one would expect.
"""

import math

import attrs

from backends.costs import PREDICT
from backends.decision import Decision
from backends.placement import Node, place
from backends.plan import Plan, launch_ms
from backends.reasons import own_ms
from optc.ir.op import Op

MOST = 3
LEAST_SHARE = 0.01
"""The fraction of the predicted time below which nothing is worth saying."""
MOST_TRIED = 6
"""How many ops that fall back are tried on the unit that one expects, those first that take longest."""


@attrs.frozen
class Advice:
    """One change that would help. `subject` names an op's result, a weight or a unit; `saves_ms` is at most saved."""

    subject: str
    kind: str
    cause: str
    saves_ms: float
    says: str


def advice_of(plan: Plan, most: int = MOST) -> tuple[Advice, ...]:
    """The changes that would save most, the best first; at most one for each subject."""
    found: list[Advice] = []
    for number in range(len(plan.works)):
        found += _of_kernel(plan, number)
    found += _of_fallbacks(plan) + _of_weights(plan) + _of_overhead(plan)
    best: dict[str, Advice] = {}
    for advice in sorted(found, key=lambda a: (-a.saves_ms, a.subject, a.cause)):
        if advice.saves_ms > LEAST_SHARE * plan.totals.predict_ms:
            best.setdefault(advice.subject, advice)
    return tuple(best.values())[:most]


def _of_kernel(plan: Plan, number: int) -> list[Advice]:
    work, unit = plan.works[number], plan.units[number]
    root = work.kernel.root
    name = _name(root)
    costs = plan.costs[unit]
    part = costs.kernel_part(work)
    found = []
    if part.activation_ms > part.arithmetic_ms:
        size = costs.moved_bytes(work)
        says = f"{root.name} {name} moves {size:,} bytes of activations: make them smaller"
        found.append(Advice(name, "op", "activations", part.base_ms - part.arithmetic_ms, says))
    elif part.arithmetic_ms > 0:
        rates = costs.unit.arithmetic_tflops
        faster = "i8" in rates and not work.codes and rates["i8"].value > rates[costs.unit.dtype].value
        more = f"; the {unit} multiplies integers of 8 bits faster" if faster else ""
        says = f"{root.name} {name} takes {work.operations:,} operations: make it smaller{more}"
        found.append(Advice(name, "op", "arithmetic", part.base_ms - part.activation_ms, says))
    return found


def _of_fallbacks(plan: Plan) -> list[Advice]:
    """What the plan would save if an op could run on the unit that one expects: all ops are placed again for that."""
    expected = next(iter(plan.costs))
    refused = [
        n for n, why in enumerate(plan.refusals[expected]) if why is not None and not plan.works[n].kernel.is_view
    ]
    longest = sorted(refused, key=lambda n: (-plan.kernel_times[n][0], n))[:MOST_TRIED]
    found = []
    for number in longest:
        why, root = plan.refusals[expected][number], plan.works[number].kernel.root
        nodes = list(plan.nodes)
        nodes[number] = Node({expected: own_ms(plan, number, expected), **nodes[number].costs})
        saves = plan.placement.ms - place(nodes, plan.flows, launch_ms(plan.costs)).ms
        rule = f"{expected}-{why.slug}: {why.says}" if why is not None else expected
        says = f"{root.name} {_name(root)} falls back to the {plan.units[number]} ({rule}): replace it"
        found.append(Advice(_name(root), "op", "fallback", saves, says))
    return found


def _name(root: Op) -> str:
    return root.results[0].name if root.results and root.results[0].name else root.name


def _of_weights(plan: Plan) -> list[Advice]:
    found = []
    for decision in plan.decisions:
        spent: dict[str, float] = {}
        for use in decision.uses:
            part = use.parts[decision.choice]
            cause = "expansion" if part.decoding or part.expansion_ms else "weights"
            spent[cause] = spent.get(cause, 0.0) + part.exposed_ms + part.expansion_ms
        for cause, ms in spent.items():
            found.append(Advice(decision.name, "weight", cause, ms, _weight_says(plan, decision, cause)))
    return found


def _weight_says(plan: Plan, decision: Decision, cause: str) -> str:
    name, tables = decision.name, decision.storage.tables
    if cause == "expansion":
        if tables > 1:
            return f"weight {name} takes long to expand, from {tables:,} tables: share them among more channels"
        return f"weight {name} takes long to expand: choose a scheme that the unit expands faster, or expand it at load"
    if decision.choice == PREDICT:
        return f"weight {name} takes long to arrive: store it in fewer bits"
    schemes = plan.costs[decision.unit].unit.schemes
    streaming = [kind for kind, costs in schemes.items() if costs.expansion == "streams" and kind != decision.scheme]
    what = (
        f"store it as {', '.join(streaming)}, which the {decision.unit} expands itself"
        if streaming
        else "make it smaller"
    )
    return f"weight {name} takes long to arrive, dense: {what}"


def _of_overhead(plan: Plan) -> list[Advice]:
    """What ops cost whatever they do. Launches are no advice: the placement has weighed them already."""
    found = []
    for unit in sorted(set(plan.units)):
        here = [plan.costs[u].overhead_ms(w) for w, u in zip(plan.works, plan.units, strict=True) if u == unit]
        whose = (
            f"each of its {len(here):,} kernels, whatever they do" if len(here) > 1 else "its kernel, whatever it does"
        )
        says = f"the {unit} takes time for {whose}: use fewer, larger ops"
        found.append(Advice(f"{unit} overhead", "unit", "overhead", math.fsum(here), says))
    return found
