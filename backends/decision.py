"""The expansion decision: for one weight on one unit, at load or at each prediction, and why.

The objective is the predicted latency; a tie goes to the smaller resident memory. The record carries every number
that the choice was made from, and the value of the table's decode rate at which it would flip.
"""

import attrs

from backends.cost_table import Device, Unit
from backends.costs import OpTime, Sizes, load_ms, op_time, resident_bytes, weight_ms
from optc.ir.block import Program
from optc.ops.weights import Weight, weights_of

LOAD, PREDICT = "load", "predict"
CHOICES = (LOAD, PREDICT)
MIN_ELEMENTS = 256
"""Smaller dense constants (biases, scalars, shapes) are part of their ops, not weights to decide on."""


@attrs.frozen
class BreakEven:
    """The value of a figure of the table at which both choices predict equally fast."""

    figure: str
    value: float
    now: float


@attrs.frozen
class Decision:
    """One weight's choice. Times in ms (those of prediction: of the ops that use the weight), sizes in bytes.

    `reason` is a slug: `dense` (nothing to expand), `not-in-table` or `folds-on-unit` (the unit cannot expand it at
    prediction), `faster-at-predict`, `faster-at-load`, `equal-time-less-memory`, `equal-time`, `pinned`.
    """

    name: str
    unit: str
    scheme: str
    choice: str
    reason: str
    stored_bytes: int
    predict_ms_if_load: float
    predict_ms_if_predict: float
    load_ms_if_load: float
    load_ms_if_predict: float
    resident_bytes_if_load: int
    resident_bytes_if_predict: int
    bound_if_load: str
    bound_if_predict: str
    break_even: BreakEven | None

    @property
    def price_ms(self) -> float:
        """What the choice costs at each prediction over the other one; negative where it is faster."""
        difference = self.predict_ms_if_predict - self.predict_ms_if_load
        return difference if self.choice == PREDICT else -difference


def decided_weights(program: Program, min_elements: int = MIN_ELEMENTS) -> list[Weight]:
    """The weights of the main block that are decided on: all compressed ones, and dense ones that are not small."""
    own = {value for op in program.main.body.ops for value in op.results}
    return [
        weight
        for weight in weights_of(program)
        if weight.value in own and (weight.scheme != "dense" or weight.elements >= min_elements)
    ]


def decide(weight: Weight, device: Device, unit_name: str, sizes: Sizes, pin: str = "") -> Decision:
    """Choose for one weight; `pin` forces a choice where the unit can carry it out."""
    unit = device.unit(unit_name)
    times = {choice: _consumers(weight, unit, sizes, choice) for choice in CHOICES}
    predict_ms = {choice: sum(t.ms for t in times[choice]) for choice in CHOICES}
    resident = {LOAD: resident_bytes(weight, unit), PREDICT: weight.stored_bytes}
    choice, reason = _choose(weight, unit, predict_ms, resident)
    if pin and reason not in ("dense", "not-in-table", "folds-on-unit"):
        choice, reason = pin, "pinned"
    if weight.scheme == "dense":
        resident[PREDICT] = resident[LOAD]
    return Decision(
        weight.name, unit_name, weight.scheme, choice, reason, weight.stored_bytes,
        predict_ms[LOAD], predict_ms[PREDICT],
        load_ms(weight, unit, device.disk_gbps.value, LOAD), load_ms(weight, unit, device.disk_gbps.value, PREDICT),
        resident[LOAD], resident[PREDICT],
        _bound(times[LOAD]), _bound(times[PREDICT]), _break_even(weight, unit, unit_name, sizes),
    )  # fmt: skip


def _choose(weight: Weight, unit: Unit, predict_ms: dict[str, float], resident: dict[str, int]) -> tuple[str, str]:
    if weight.scheme == "dense":
        return LOAD, "dense"
    if weight.scheme not in unit.schemes:
        return LOAD, "not-in-table"
    if not unit.schemes[weight.scheme].streams:
        return LOAD, "folds-on-unit"
    if predict_ms[PREDICT] < predict_ms[LOAD]:
        return PREDICT, "faster-at-predict"
    if predict_ms[LOAD] < predict_ms[PREDICT]:
        return LOAD, "faster-at-load"
    if resident[PREDICT] < resident[LOAD]:
        return PREDICT, "equal-time-less-memory"
    return LOAD, "equal-time"


def _consumers(weight: Weight, unit: Unit, sizes: Sizes, choice: str) -> list[OpTime]:
    """The times of the ops that use the weight, each of which brings it in once."""
    cost = {weight.value: weight_ms(weight, unit, choice)}
    return [op_time(op, unit, sizes, cost) for op in dict.fromkeys(weight.consumers)]


def _bound(times: list[OpTime]) -> str:
    return max(times, key=lambda t: t.ms).bound if times else "nothing"


def _break_even(weight: Weight, unit: Unit, unit_name: str, sizes: Sizes) -> BreakEven | None:
    """The decode rate at which both choices take the same time; None if no rate makes expanding at load faster.

    Slower decoding only ever makes expansion at prediction slower, so the flip is where the decode time of the
    weight reaches the largest of what binds each consumer when the weight is expanded at load.
    """
    costs = unit.schemes.get(weight.scheme)
    times = _consumers(weight, unit, sizes, LOAD)
    if costs is None or not costs.streams or not times or any(t.ms == 0 for t in times):
        return None
    tables = max(0, weight.tables - 1) * costs.table_ns.value * 1e-6
    slack = min(t.ms for t in times) - tables
    stream = weight.stored_bytes / costs.stream_gbps.value * 1e-6
    if slack <= 0 or stream > slack:
        return None
    figure = f"{unit_name}.schemes.{weight.scheme}.decode_gweights_per_s"
    return BreakEven(figure, weight.elements / slack * 1e-6, costs.decode_gweights_per_s.value)
