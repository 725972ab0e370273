"""The plan: where each op runs, when each weight is expanded, what it costs, and the program that carries it out."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import attrs

from backends.assignment import Problem, assign
from backends.capability import Refusal, refusal, rules_of
from backends.cost_table import Device
from backends.costs import LOAD, UnitCosts, kernel_ms, unit_costs
from backends.decision import Decision
from backends.kernels import Kernel, kernels_of
from backends.lowering import Expansion, Lowered, check_not_lowered, lower
from backends.memory_plan import MemoryPlan, memory_plan
from backends.named_weights import pins_by_weight
from backends.placement import Flow, Node, Placement
from backends.selection import Selection
from backends.sizes import Sizes, traffic_of
from backends.uses import Work, decided_weights, is_small, works_of
from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.value import Value
from optc.ops.weights import Weight, stored_bytes, weights_of
from optc.pipeline.suggest import did_you_mean

UNIT_SETS = {"all": ("npu", "gpu", "cpu"), "cpu": ("cpu",), "cpu+gpu": ("gpu", "cpu"), "cpu+npu": ("npu", "cpu")}
"""What may be used, as in Core ML; in each, the unit first that one would expect an op on."""
CAUSES = ("arithmetic", "activations", "weights", "expansion", "overhead")


@attrs.frozen
class Request:
    """What is asked for: units, pins by weight, the sizes of symbolic dimensions, resident bytes, and an objective.

    What is given to `make_plan` may have pins by patterns; the request of a plan has them by weight.
    `assumed`: symbolic dimensions of the inputs that were not given, and are taken to be 1.
    """

    units: str = "all"
    pins: Mapping[str, str] = attrs.field(factory=dict)
    sizes: Sizes = attrs.field(factory=Sizes)
    memory_limit: int | None = None
    objective: str = "latency"
    assumed: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class Transfer:
    """One value that is handed to another unit."""

    value: Value
    source: str
    target: str
    ms: float


@attrs.frozen
class Totals:
    """Times in ms, sizes in bytes. `peak_bytes` is `resident_bytes` plus the most activations alive at once.

    `disk_bytes` are those of all weights, small ones included; `resident_bytes` of those that are decided on.
    """

    load_ms: float
    predict_ms: float
    disk_bytes: int
    resident_bytes: int
    peak_bytes: int


@attrs.frozen(eq=False)
class Plan:
    """What will run where and when, and what it will cost.

    `works` are the kernels, `units` says where each runs; `costs` has the cost model of each unit that may be used.
    `refusals` has by unit, for each kernel, why it cannot run there. `nodes` and `flows` are what was placed.
    `source` is the program as it is stored, of which `program` is what is planned.
    """

    device: Device
    request: Request
    source: Program
    program: Program
    weights: tuple[Weight, ...]
    works: tuple[Work, ...]
    costs: Mapping[str, UnitCosts]
    refusals: Mapping[str, tuple[Refusal | None, ...]]
    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    placement: Placement
    selection: Selection
    transfers: tuple[Transfer, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """The unit of each kernel."""
        return self.placement.units

    @property
    def sizes(self) -> Sizes:
        return self.request.sizes

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self.selection.decisions

    @cached_property
    def small_weights(self) -> tuple[Weight, ...]:
        """The weights that are too small to be decided on: they are stored, but are part of their ops."""
        return tuple(weight for weight in weights_of(self.source) if is_small(weight))

    @cached_property
    def choices(self) -> Mapping[tuple[str, str], str]:
        """`load` or `predict` by the name of the weight and the unit."""
        return {(d.name, d.unit): d.choice for d in self.decisions}

    @cached_property
    def kernel_times(self) -> tuple[tuple[float, dict[str, float]], ...]:
        """The time of each kernel in ms, and the same by cause."""
        out = []
        for work, unit in zip(self.works, self.units, strict=True):
            choices = {use.weight.name: self.choices[use.weight.name, unit] for use in work.uses}
            out.append(kernel_ms(self.costs[unit], work, choices))
        return tuple(out)

    @cached_property
    def launch_ms(self) -> float:
        """What starting the units that are used takes."""
        return math.fsum(self.costs[unit].unit.launch_ms.value for unit in sorted(set(self.units)))

    @cached_property
    def lowered(self) -> Lowered:
        """The program that carries the plan out."""
        expansions: dict[tuple[str, str], Expansion] = {
            (d.name, d.unit): "load" if d.choice == LOAD else ("fused" if d.expansion == "streams" else "explicit")
            for d in self.decisions
        }
        tiles = [self.costs[unit].tiles(work) for work, unit in zip(self.works, self.units, strict=True)]
        kernels = [work.kernel for work in self.works]
        return lower(self.program, kernels, self.units, self.weights, expansions, tiles)

    @cached_property
    def memory(self) -> MemoryPlan:
        """The memory of each unit while the lowered program runs."""
        return memory_plan(self.lowered, self.device, self.sizes)

    @cached_property
    def totals(self) -> Totals:
        """What all of it costs."""
        load = math.fsum(d.load_ms for d in self._once_read()) + self._other_load_ms()
        handed = math.fsum(t.ms for t in self.transfers)
        predict = math.fsum(ms for ms, _ in self.kernel_times) + self.launch_ms + handed
        resident = sum(d.resident_bytes for d in self.decisions)
        peak = resident + sum(unit.peak_bytes for unit in self.memory.units.values())
        return Totals(load, predict, stored_bytes(weights_of(self.source)), resident, peak)

    def _once_read(self) -> list[Decision]:
        return list({d.name: d for d in self.decisions}.values())

    def _other_load_ms(self) -> float:
        """Expansion on further units of weights that are used on several; they are read once."""
        first = {id(d) for d in self._once_read()}
        return math.fsum(d.load_ms - d.load_ms_if_predict for d in self.decisions if id(d) not in first)

    @cached_property
    def shares(self) -> dict[str, float]:
        """The fraction of the predicted time that goes to each cause; they add up to 1, where it takes any time."""
        spent = dict.fromkeys(CAUSES, 0.0)
        for _, causes in self.kernel_times:
            for cause, ms in causes.items():
                spent[cause] += ms
        spent["overhead"] += self.launch_ms + math.fsum(t.ms for t in self.transfers)
        total = math.fsum(spent.values())
        return {cause: ms / total for cause, ms in spent.items()} if total else spent


def make_plan(
    program: Program, device: Device, request: Request | None = None, source: Program | None = None
) -> Plan:  # fmt: skip
    """Plan the main function of a program for a device; `source` is the program as it is stored, if another one.

    Raises:
        UsageError: the units are not those of the device, or a pin names no weight (`backends.named_weights`).
        OptcError: slugs `already-lowered`; `memory-limit`: the weights do not fit, however they are chosen; `no-unit`:
            no unit can run an op.
    """
    check_not_lowered(program)
    request = request or Request()
    allowed = units_of(device, request.units)
    body = program.main.body
    weights = decided_weights(program)
    request = attrs.evolve(request, pins=pins_by_weight(request.pins, weights, source or program))
    kernels = kernels_of(body)
    works = works_of(body, kernels, weights, request.sizes)
    rules = rules_of(device)
    refusals = {unit: tuple(refusal(kernel, unit, rules) for kernel in kernels) for unit in allowed}
    _check_placeable(device, kernels, refusals)
    costs = {unit: unit_costs(unit, device.units[unit], works, [r is None for r in refusals[unit]]) for unit in allowed}
    flows, values = _flows(works, costs, device, request.sizes)
    problem = Problem(
        works, costs, refusals, tuple(flows), device.disk_gbps.value, request.pins, request.memory_limit,
        request.objective,
    )  # fmt: skip
    found = assign(problem, launch_ms(costs))
    transfers = _transfers(flows, values, found.placement.units)
    return Plan(
        device, request, source or program, program, tuple(weights), works, costs, refusals, found.nodes, tuple(flows),
        found.placement, found.selection, transfers,
    )  # fmt: skip


def launch_ms(costs: Mapping[str, UnitCosts]) -> dict[str, float]:
    """What starting each unit takes, if it is used."""
    return {unit: cost.unit.launch_ms.value for unit, cost in costs.items()}


def _check_placeable(
    device: Device, kernels: Sequence[Kernel], refusals: Mapping[str, Sequence[Refusal | None]]
) -> None:  # fmt: skip
    for number, kernel in enumerate(kernels):
        found = [refused[number] for refused in refusals.values()]
        if all(found):
            says = "; ".join(f"{r.unit}: {r.says}" for r in found if r is not None)
            raise OptcError("no-unit", f"device {device.name}", kernel.root.describe(), "one that a unit can run", says)


def units_of(device: Device, units: str) -> tuple[str, ...]:
    """The units of a device that may be used, the one first that ops are expected on.

    Raises:
        UsageError: slug `no-such-unit`.
    """
    known = {name: set_ for name, set_ in UNIT_SETS.items() if name == "all" or set(set_) <= set(device.units)}
    if units not in known:
        hint = _nearest_units(device, units, known)
        raise UsageError("no-such-unit", f"device {device.name}", "units", f"one of {', '.join(known)}", units, hint)
    return tuple(unit for unit in known[units] if unit in device.units)


def units_by_device(devices: Mapping[str, Device], units: str) -> dict[str, str]:
    """Of units for several devices, those for each: the ones that it has.

    Raises:
        UsageError: slug `no-such-unit`: none of the devices has all of them, or one has none of them.
    """
    found, refused = {}, []
    for name, device in devices.items():
        own = set(UNIT_SETS.get(units, ())).intersection(device.units)
        try:
            units_of(device, units)
            found[name] = units
        except UsageError as error:
            refused.append(error)
            found[name] = next((known for known, set_ in UNIT_SETS.items() if own and set(set_) == own), "")
    if refused and (len(refused) == len(devices) or not all(found.values())):
        raise refused[0]
    return found


def _nearest_units(device: Device, units: str, known: Mapping[str, tuple[str, ...]]) -> str:
    """The smallest set that has the units that are named, or what the device lacks of them."""
    wanted = set(units.split("+"))
    lacking = sorted(wanted.intersection(UNIT_SETS["all"]).difference(device.units))
    if lacking:
        return f"it has no {' and no '.join(lacking)}"
    least = min((name for name in known if wanted <= set(known[name])), key=lambda n: len(known[n]), default="")
    return f"did you mean {least}?" if least else did_you_mean(units, known)


def _flows(
    works: Sequence[Work], costs: Mapping[str, UnitCosts], device: Device, sizes: Sizes
) -> tuple[list[Flow], list[Value]]:
    """The values that pass between kernels, with what handing them over costs. Inputs and outputs are free."""
    maker: dict[Value, int] = {}
    users: dict[Value, list[int]] = {}
    for number, work in enumerate(works):
        for value in work.kernel.reads:
            users.setdefault(value, []).append(number)
        maker.update((value, number) for value in work.kernel.writes)
    values = [value for value in users if value in maker]
    if len(costs) == 1:
        return [], []
    flows = []
    for value in values:
        traffic = traffic_of(value.type, sizes)
        ms = {
            (a, b): h.fixed_us.value * 1e-3 + traffic.bytes_in(costs[a].bits) / h.gbps.value * 1e-6
            for a in costs for b in costs if a != b for h in [device.units[a].handover[b]]
        }  # fmt: skip
        flows.append(Flow(maker[value], tuple(users[value]), ms))
    return flows, values


def _transfers(flows: Sequence[Flow], values: Sequence[Value], units: Sequence[str]) -> tuple[Transfer, ...]:
    out = []
    for flow, value in zip(flows, values, strict=True):
        source = units[flow.source]
        for target in dict.fromkeys(units[user] for user in flow.users):
            if target != source:
                out.append(Transfer(value, source, target, flow.ms[source, target]))
    return tuple(out)
