"""A plan as the page's script takes it: decisions with their arithmetic, ops, and the simulated timeline."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from backends.advice import advice_of
from backends.decision import Decision
from backends.explanation import explain
from backends.plan import CAUSES, Plan
from backends.reasons import planned_ops
from backends.simulation import simulate
from backends.timeline import RESOURCES, Span, Timeline
from optc.driver.plan_tables import notes_of
from optc.driver.report.columns import Column, table
from optc.driver.report.names import LONGEST_LINE, shown
from optc.driver.report.skeletons import skeletons

MOST_ROWS = 20_000
MOST_TEXTS = 2_000
MOST_EVENTS = 40_000
LONGEST_STEPS = 25
TICKS = 10_000_000
"""Times of events are whole numbers; so many of them are the whole timeline."""


@attrs.frozen(eq=False)
class Planned:
    """A plan with the name that the page calls it by, a short one for columns, and that of the model alone."""

    name: str
    short: str
    model: str
    plan: Plan

    @property
    def device(self) -> str:
        return shown(self.plan.device.title)

    @property
    def totals(self) -> Mapping[str, float]:
        """Times in ms, sizes in bytes."""
        return attrs.asdict(self.plan.totals)

    @property
    def shares(self) -> Mapping[str, float]:
        return {cause: self.plan.shares[cause] for cause in CAUSES}

    @property
    def kernels(self) -> Mapping[str, int]:
        """How many kernels run on each unit that may be used."""
        return {unit: self.plan.units.count(unit) for unit in self.plan.costs}

    @property
    def advice(self) -> list[tuple[float, str]]:
        """What would save most, with the ms that it saves at most."""
        return [(advice.saves_ms, shown(advice.says, LONGEST_LINE)) for advice in advice_of(self.plan)]

    @property
    def notes(self) -> list[str]:
        return [shown(note, LONGEST_LINE) for note in notes_of(self.plan)[:10]]


def plan_json(planned: Planned) -> dict[str, Any]:
    """All that the page unfolds of a plan."""
    plan = planned.plan
    simulated = simulate(plan)
    decisions = plan.decisions[:MOST_ROWS]
    return {
        "name": planned.name, "decisions": _decision_table(decisions), "arithmetic": _arithmetic(plan, decisions),
        "ops": _op_table(plan), "steps": _step_table(simulated.predict.longest(LONGEST_STEPS)),
        "timelines": [_timeline("one prediction", simulated.predict), _timeline("load", simulated.load)],
        "left_out": _left_out(plan),
    }  # fmt: skip


def _left_out(plan: Plan) -> list[str]:
    """What would make the page too large, said."""
    found = []
    if len(plan.decisions) > MOST_TEXTS:
        found.append(f"the arithmetic of all but {MOST_TEXTS:,} decisions is left out: see optc explain")
    if len(plan.decisions) > MOST_ROWS:
        found.append(f"all but {MOST_ROWS:,} of {len(plan.decisions):,} decisions are left out: see optc plan")
    return found


def _decision_table(decisions: Sequence[Decision]) -> dict[str, Any]:
    flips = [d.break_even for d in decisions]
    at = ["" if f is None else f"{f.figure.rpartition('.')[2]} = {f.value:.4g}" for f in flips]
    return table(
        "Decisions",
        [
            Column("weight", "text", [shown(d.name) for d in decisions]),
            Column("unit", "text", [d.unit for d in decisions], choice=True),
            Column("stored as", "text", [d.form for d in decisions], minor=True, choice=True),
            Column("expand at", "text", [d.choice for d in decisions], choice=True),
            Column("why", "text", [d.reason for d in decisions], choice=True),
            Column("ms if load", "ms", [d.predict_ms_if_load for d in decisions]),
            Column("ms if predict", "ms", [d.predict_ms_if_predict for d in decisions]),
            Column("bytes if load", "bytes", [d.resident_bytes_if_load for d in decisions], minor=True),
            Column("bytes if predict", "bytes", [d.resident_bytes_if_predict for d in decisions], minor=True),
            Column("flips where", "text", at, minor=True),
        ],
    )


def _arithmetic(plan: Plan, decisions: Sequence[Decision]) -> dict[str, Any]:
    """The whole arithmetic of each decision; a weight on several units has the same text for all of them."""
    texts: dict[str, str] = {}
    for d in decisions[:MOST_TEXTS]:
        if d.name not in texts:
            lines = explain(plan, d.name).split("\n")
            texts[d.name] = "\n".join(line if not line else shown(line, LONGEST_LINE) for line in lines)
    at = {name: number for number, name in enumerate(texts)}
    return {**skeletons(list(texts.values())), "of": [at[d.name] for d in decisions[:MOST_TEXTS]]}


def _op_table(plan: Plan) -> dict[str, Any]:
    ops = planned_ops(plan)[:MOST_ROWS]
    return table(
        "Ops",
        [
            Column("result", "text", [shown(op.name) for op in ops]),
            Column("op", "text", [op.op for op in ops], choice=True),
            Column("unit", "text", [op.unit for op in ops], choice=True),
            Column("ms", "ms", [None if op.fused_into else op.ms for op in ops]),
            Column("bound by", "text", ["" if op.fused_into else op.bound for op in ops], choice=True),
            Column("why here", "text", [op.reason for op in ops], minor=True, choice=True),
            Column("runs with", "text", [shown(op.fused_into) for op in ops], minor=True),
        ],
    )


def _step_table(spans: Sequence[Span]) -> dict[str, Any]:
    return table(
        "Longest steps",
        [
            Column("step", "text", [shown(span.name) for span in spans]),
            Column("unit", "text", [span.unit for span in spans], choice=True),
            Column("ms", "ms", [span.ms for span in spans]),
            Column("from ms", "ms", [span.start_ms for span in spans]),
            Column("busy with", "text", [span.bound for span in spans], choice=True),
        ],
    )


def _timeline(name: str, timeline: Timeline) -> dict[str, Any]:
    """A track for each unit and resource: starts as distances from the last start, and durations, in ticks."""
    tick = timeline.total_ms / TICKS or 1.0
    events = sorted(timeline.events, key=lambda event: -event.ms)[:MOST_EVENTS]
    names = {text: at for at, text in enumerate(dict.fromkeys(shown(event.name) for event in events))}
    tracks = []
    for unit, resource in sorted(timeline.busy_ms, key=lambda key: (key[0], RESOURCES.index(key[1]))):
        own = sorted((e for e in events if (e.unit, e.resource) == (unit, resource)), key=lambda event: event.start_ms)
        starts = [round(event.start_ms / tick) for event in own]
        tracks.append(
            {
                "unit": unit, "resource": resource, "busy_ms": timeline.busy_ms[unit, resource],
                "gaps": [here - before for before, here in zip([0, *starts], starts, strict=False)],
                "ticks": [max(1, round(event.ms / tick)) for event in own],
                "names": [names[shown(event.name)] for event in own],
            }
        )  # fmt: skip
    left_out = len(timeline.events) - len(events)
    return {
        "name": name, "total_ms": timeline.total_ms, "tick_ms": tick, "names": list(names), "tracks": tracks,
        "left_out": f"{left_out:,} of the shortest events are left out" if left_out else "",
    }  # fmt: skip
