"""Simulation of a plan: what the program computes on its units, and when each part of them is busy."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from backends.costs import LOAD, PREDICT, UnitCosts
from backends.execution import execute
from backends.plan import Plan, Transfer
from backends.scheduling import HandOverStep, KernelStep, Rules, Share, Step, schedule
from backends.simulators import simulators_of
from backends.sizes import traffic_of
from backends.timeline import Event, Timeline, one_after_the_other
from backends.uses import Use, Work
from optc.errors import UsageError
from optc.ir.dtypes import Array
from optc.ir.interpreter import Cell
from optc.ir.value import Value

PRECISIONS = ("unit", "reference")
LONGEST = 10


@attrs.frozen(eq=False)
class Simulation:
    """One load and one prediction; `outputs` by name, None where no inputs were given.

    `load_ms` and `predict_ms` are the ends of the timelines' last events. Where weights are fetched ahead through the
    program, `predict_ms` may be longer than the plan's time, as a weight cannot hide behind what comes after it, or
    shorter, as it can arrive during overheads as well. `planned_ms`, `resident_bytes` and `peak_bytes` are the plan's.
    """

    device: str
    load: Timeline
    predict: Timeline
    planned_ms: float
    resident_bytes: int
    peak_bytes: int
    outputs: Mapping[str, Array] | None = None

    @property
    def load_ms(self) -> float:
        return self.load.total_ms

    @property
    def predict_ms(self) -> float:
        return self.predict.total_ms

    def utilisation(self) -> list[dict[str, Any]]:
        """For each unit and resource that a prediction uses: `busy_ms`, and the fraction of the time that is."""
        total = self.predict_ms
        return [
            {"unit": unit, "resource": resource, "busy_ms": ms, "utilisation": ms / total if total else 0.0}
            for (unit, resource), ms in self.predict.busy_ms.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """Totals, utilisation and the longest steps as plain data; times in ms."""
        return {
            "device": self.device,
            "totals": {
                "load_ms": self.load_ms, "predict_ms": self.predict_ms, "planned_predict_ms": self.planned_ms,
                "resident_bytes": self.resident_bytes, "peak_bytes": self.peak_bytes,
            },
            "resources": self.utilisation(),
            "longest": [attrs.asdict(span) for span in self.predict.longest(LONGEST)],
        }  # fmt: skip


def simulate(
    plan: Plan,
    inputs: Mapping[str, Any] | None = None,
    precision: str = "unit",
    states: Mapping[str, Cell] | None = None,
) -> Simulation:
    """Simulate one load and one prediction; without `inputs` only the times.

    `precision`: `unit` (see `backends.simulators`), or `reference`: the outputs of the program bit for bit. States are
    read and written in `states`.

    Raises:
        UsageError: slug `no-such-precision`.
        OptcError: as the interpreter does of inputs, and of ops that cannot compute their operands.
    """
    if precision not in PRECISIONS:
        raise UsageError("no-such-precision", "simulate", "precision", " or ".join(PRECISIONS), precision)
    queue, rules, loads = of_plan(plan)
    outputs = None
    if inputs is not None:
        units = {name: plan.device.units[name] for name in plan.units}
        simulators = simulators_of(units) if precision == "unit" else None
        outputs = execute(plan.lowered.program, inputs, simulators, states)
    load, predict, totals = one_after_the_other(loads), schedule(queue, rules), plan.totals
    memory = totals.resident_bytes, totals.peak_bytes
    return Simulation(plan.device.name, load, predict, totals.predict_ms, *memory, outputs)


Loads = list[tuple[str, list[Event]]]


def of_plan(plan: Plan) -> tuple[list[Step], dict[str, Rules], Loads]:
    """A plan as timelines take it: the steps of a prediction, the rules of the units, and what happens at load.

    A value is handed over as soon as it is computed. At load each weight is read from disk once, and expanded on each
    unit that keeps it dense, one after the other.
    """
    choices = {(d.name, d.unit): d.choice for d in plan.decisions}
    handed: dict[Value, list[Transfer]] = {}
    for transfer in plan.transfers:
        handed.setdefault(transfer.value, []).append(transfer)
    queue: list[Step] = []
    waiting: dict[tuple[Value, str], tuple[int, HandOverStep]] = {}
    for work, unit in zip(plan.works, plan.units, strict=True):
        for value in work.kernel.reads:
            if (handed_over := waiting.pop((value, unit), None)) is not None:
                number, step = handed_over
                queue[number] = attrs.evolve(step, reader=len(queue))
        queue.append(_kernel_step(work, plan.costs[unit], choices))
        for transfer in (t for value in work.kernel.writes for t in handed.get(value, ())):
            step = _hand_over(transfer, plan)
            waiting[transfer.value, transfer.target] = len(queue), step
            queue.append(step)
    rules = {
        name: Rules(c.unit.overlap, c.unit.weights_overlap, c.unit.launch_ms.value) for name, c in plan.costs.items()
    }
    return queue, rules, list(_loads(plan))


def _hand_over(transfer: Transfer, plan: Plan) -> HandOverStep:
    size = traffic_of(transfer.value.type, plan.sizes).bytes_in(plan.costs[transfer.source].bits)
    name = f"{transfer.value.name or 'value'} to {transfer.target}"
    return HandOverStep(name, transfer.source, transfer.target, transfer.ms, size)


def _kernel_step(work: Work, costs: UnitCosts, choices: Mapping[tuple[str, str], str]) -> KernelStep:
    """A kernel with what each of its weights adds."""
    root = work.kernel.root
    shares = [_share(work, use, costs, choices.get((use.weight.name, costs.name), LOAD)) for use in work.uses]
    if not shares:
        part = costs.kernel_part(work)
        moved = costs.moved_bytes(work)
        shares = [Share("", part.arithmetic_ms, part.activation_ms, 0, 0, work.operations, moved)]
    name = f"{root.name} {root.results[0].name}" if root.results else root.name
    return KernelStep(name.rstrip(), costs.name, tuple(shares), costs.overhead_ms(work))


def _share(work: Work, use: Use, costs: UnitCosts, choice: str) -> Share:
    part = costs.part(work, use, choice)
    dense = use.dense_bytes(costs.bits) * use.touched
    fused = choice == PREDICT and not part.expansion_ms > 0
    of_all = costs.share(work, use)
    return Share(
        use.weight.name, part.arithmetic_ms, part.activation_ms, part.expansion_ms, part.arrival_ms,
        work.operations * of_all, costs.moved_bytes(work) * of_all,
        use.weight.stored_bytes * use.touched if fused else dense, dense,
    )  # fmt: skip


def _loads(plan: Plan) -> Iterator[tuple[str, list[Event]]]:
    read: set[str] = set()
    for decision in plan.decisions:
        unit, name = decision.unit, decision.name
        events = [Event(unit, "weights", f"read {name}", 0.0, decision.load_ms_if_predict, decision.stored_bytes)]
        expansion = decision.load_ms - decision.load_ms_if_predict
        expanded = Event(unit, "expansion", f"expand {name}", 0.0, expansion, decision.resident_bytes_if_load)
        yield name, [expanded] if name in read else [*events, expanded]
        read.add(name)
