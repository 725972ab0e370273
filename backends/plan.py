"""The plan: one decision per weight, the time of each op, totals, and the lowered program that carries it out."""

import math
from collections.abc import Mapping
from typing import Any

import attrs

from backends.cost_table import Device
from backends.costs import OpTime, Sizes, op_time, weight_ms
from backends.decision import LOAD, Decision, decide, decided_weights
from backends.lowering import Lowered, lower
from optc.errors import UsageError
from optc.ir.block import Block, Program
from optc.ir.dtypes import DType
from optc.ir.liveness import live_after
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.weights import Weight
from optc.pipeline.suggest import did_you_mean


@attrs.frozen
class PlannedOp:
    """One op on its unit; `ms` of one prediction."""

    name: str
    op: str
    unit: str
    time: OpTime


@attrs.frozen
class Totals:
    """Times in ms, sizes in bytes. `peak_bytes` is `resident_bytes` plus the most activations alive at once."""

    load_ms: float
    predict_ms: float
    disk_bytes: int
    resident_bytes: int
    peak_bytes: int


@attrs.frozen(eq=False)
class Plan:
    """What will run where and when, and what it will cost."""

    device: Device
    unit: str
    decisions: tuple[Decision, ...]
    ops: tuple[PlannedOp, ...]
    totals: Totals
    shares: Mapping[str, float]
    lowered: Lowered

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        ops = [
            {"name": o.name, "op": o.op, "unit": o.unit, "ms": o.time.ms, "bound": o.time.bound, "reason": "only-unit"}
            for o in self.ops
        ]
        return {
            "device": self.device.name,
            "totals": attrs.asdict(self.totals),
            "shares": dict(self.shares),
            "weights": [attrs.asdict(decision) for decision in self.decisions],
            "ops": ops,
        }


def make_plan(
    program: Program,
    device: Device,
    unit: str = "npu",
    pins: Mapping[str, str] | None = None,
    sizes: Sizes | None = None,
) -> Plan:
    """Plan the main function of a program for one unit of a device.

    `pins` force `load` or `predict` for weights by name; `sizes` says what symbolic dimensions are taken to be (1).

    Raises:
        UsageError: the device has no such unit, or a pin names no weight.
    """
    pins, sizes = pins or {}, sizes or Sizes()
    body = program.main.body
    weights = decided_weights(program)
    _check_pins(pins, weights)
    decisions = tuple(decide(w, device, unit, sizes, pins.get(w.name, "")) for w in weights)
    choices = {d.name: d.choice for d in decisions}
    ops = _planned_ops(body, weights, choices, device, unit, sizes)
    return Plan(
        device, unit, decisions, ops,
        _totals(body, weights, decisions, ops, device, unit, sizes), _shares(ops, device, unit),
        lower(program, weights, choices),
    )  # fmt: skip


def _check_pins(pins: Mapping[str, str], weights: list[Weight]) -> None:
    names = {w.name for w in weights}
    for name, choice in pins.items():
        if name not in names:
            raise UsageError(
                "no-such-weight", "pin", "name", "that of a weight of the model", name, did_you_mean(name, names)
            )
        if choice not in ("load", "predict"):
            raise UsageError("pin-choice", f"pin {name}", "choice", "load or predict", choice)


def _planned_ops(
    body: Block, weights: list[Weight], choices: Mapping[str, str], device: Device, unit: str, sizes: Sizes
) -> tuple[PlannedOp, ...]:
    table = device.unit(unit)
    cost: dict[Value, float] = {w.value: weight_ms(w, table, choices[w.name]) for w in weights}
    return tuple(
        PlannedOp(op.results[0].name if op.results else "", op.name, unit, op_time(op, table, sizes, cost))
        for op in body.ops
        if not op.constant
    )


def _totals(
    body: Block, weights: list[Weight], decisions: tuple[Decision, ...], ops: tuple[PlannedOp, ...],
    device: Device, unit: str, sizes: Sizes,
) -> Totals:  # fmt: skip
    resident = sum(d.resident_bytes_if_load if d.choice == LOAD else d.resident_bytes_if_predict for d in decisions)
    load = math.fsum(d.load_ms_if_load if d.choice == LOAD else d.load_ms_if_predict for d in decisions)
    predict = device.unit(unit).dispatch_ms.value + math.fsum(o.time.ms for o in ops)
    disk = sum(w.stored_bytes for w in weights)
    return Totals(load, predict, disk, resident, resident + _peak_activations(body, device, unit, sizes))


def _peak_activations(body: Block, device: Device, unit: str, sizes: Sizes) -> int:
    constant = {v for op in body.ops if op.constant for v in op.results}
    bits = DType(device.unit(unit).dtype).bits

    def size(value: Value) -> int:
        if value in constant or not isinstance(value.type, TensorType):
            return 0
        kind = value.type
        return math.prod(sizes.of(d) for d in kind.shape) * (bits if kind.dtype.is_float else kind.dtype.bits) // 8

    known: dict[Value, int] = {}
    peak = 0
    for live in live_after(body):
        peak = max(peak, sum(known.setdefault(v, size(v)) for v in live))
    return peak


def _shares(ops: tuple[PlannedOp, ...], device: Device, unit: str) -> dict[str, float]:
    """The fraction of the predicted time that each cause binds."""
    spent: dict[str, float] = {"dispatch": device.unit(unit).dispatch_ms.value}
    for op in ops:
        spent[op.time.bound] = spent.get(op.time.bound, 0.0) + op.time.ms
    total = math.fsum(spent.values())
    return {cause: ms / total for cause, ms in sorted(spent.items()) if ms > 0}
