"""The expansion decision: expand a weight once at load, or at each prediction.

A pure function of the weight's uses on a unit and the cost table. The record holds every number that the choice was
made from, and the figure of the table at which it would flip.
"""

import math
from collections.abc import Sequence
from typing import Any

import attrs

from backends.break_even import BreakEven, break_evens
from backends.costs import CHOICES, LOAD, PREDICT, Part, UnitCosts
from backends.forms import DENSE, Form
from backends.uses import Use, Work
from optc.ops.weights import Weight


@attrs.frozen(eq=False)
class UseTimes:
    """What one kernel that uses the weight costs by choice, and what it was worked out from.

    `op` is the kernel's root by the name of its result, `takes` names the ops that take the weight. `operations` and
    `activation_bytes` are the weight's share; `codes`: whether they are of integers, if the weight's are as well.
    """

    op: str
    takes: tuple[str, ...]
    operations: float
    activation_bytes: float
    touched: float
    codes: bool
    parts: dict[str, Part]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        times = {f"if_{choice}": {**attrs.asdict(p), "ms": p.ms} for choice, p in self.parts.items()}
        return {
            "op": self.op, "takes": list(self.takes), "operations": self.operations,
            "activation_bytes": self.activation_bytes, "touched": self.touched, "codes": self.codes, **times,
        }  # fmt: skip


@attrs.frozen(eq=False)
class Decision:
    """One weight's choice on one unit. Times in ms (those of prediction: of its uses), sizes in bytes.

    `storage` are the facts of its form, `scheme` its kind as cost tables have it. `expansion` says how the unit would
    expand it at prediction (`streams`, `explicit`, or `folds`: it cannot, and what stands under `..._if_predict` is
    what it would take).
    `reason` is a slug: `dense` (nothing to expand), `folds-on-unit` and others of `backends.forms.why_not`,
    `faster-at-predict`, `faster-at-load`, `equal-time-less-memory`, `equal-time`, `memory-limit`, `least-memory`,
    `least-load`, `pinned`.
    """

    name: str
    unit: str
    scheme: str
    form: str
    expansion: str
    choice: str
    reason: str
    elements: int
    storage: Form
    stored_bytes: int
    predict_ms_if_load: float
    predict_ms_if_predict: float
    load_ms_if_load: float
    load_ms_if_predict: float
    resident_bytes_if_load: int
    resident_bytes_if_predict: int
    flips: tuple[BreakEven, ...]
    uses: tuple[UseTimes, ...]

    @property
    def break_even(self) -> BreakEven | None:
        """The first figure of the table at which the choice by time flips, and its value there; None if none does."""
        return self.flips[0] if self.flips else None

    @property
    def price_ms(self) -> float:
        """What the choice costs at each prediction over the other one; negative where it is faster."""
        difference = self.predict_ms_if_predict - self.predict_ms_if_load
        return difference if self.choice == PREDICT else -difference

    @property
    def predict_ms(self) -> float:
        return self.predict_ms_if_predict if self.choice == PREDICT else self.predict_ms_if_load

    @property
    def load_ms(self) -> float:
        return self.load_ms_if_predict if self.choice == PREDICT else self.load_ms_if_load

    @property
    def resident_bytes(self) -> int:
        return self.resident_bytes_if_predict if self.choice == PREDICT else self.resident_bytes_if_load

    @property
    def is_free(self) -> bool:
        """Whether the unit can carry out both choices."""
        return self.expansion != "folds" and self.scheme != DENSE

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        left = ("uses", "flips", "storage")
        fields = attrs.asdict(self, recurse=False, filter=lambda field, _: field.name not in left)
        flips = [attrs.asdict(flip) for flip in self.flips]
        return {
            **fields, "storage": attrs.asdict(self.storage), "price_ms": self.price_ms,
            "break_even": flips[0] if flips else None, "flips": flips, "uses": [u.to_json() for u in self.uses],
        }  # fmt: skip


def decide(weight: Weight, uses: Sequence[Use], works: Sequence[Work], costs: UnitCosts, disk_gbps: float) -> Decision:
    """Choose for one weight on one unit: least predicted time, and of equal times less memory."""
    use = uses[0]
    why = next((slug for u in uses if (slug := costs.why_not(u))), "")
    scheme = costs.scheme(use)
    times = tuple(_times(u, works[u.kernel], costs) for u in uses)
    predict_ms = {choice: math.fsum(t.parts[choice].ms for t in times) for choice in CHOICES}
    dense = use.dense_bytes(costs.bits)
    resident = {LOAD: dense, PREDICT: dense if scheme is None else weight.stored_bytes}
    choice, reason = (LOAD, why) if why else choose(predict_ms, resident)
    read = weight.stored_bytes / disk_gbps * 1e-6
    expand = 0.0 if scheme is None else weight.elements / costs.unit.expand_gweights_per_s.value * 1e-6
    smaller = resident[PREDICT] < resident[LOAD]
    flips = () if why or scheme is None else break_evens(uses, works, costs, scheme, predict_ms[LOAD], smaller)
    return Decision(
        weight.name, costs.name, use.form.kind, weight.form,
        "folds" if why or scheme is None else scheme.expansion, choice, reason,
        weight.elements, use.form, weight.stored_bytes,
        predict_ms[LOAD], predict_ms[PREDICT], read + expand, read, resident[LOAD], resident[PREDICT], flips, times,
    )  # fmt: skip


def choose(predict_ms: dict[str, float], resident: dict[str, int]) -> tuple[str, str]:
    """The choice of least time, of equal times that of less memory, and its reason."""
    if predict_ms[PREDICT] < predict_ms[LOAD]:
        return PREDICT, "faster-at-predict"
    if predict_ms[LOAD] < predict_ms[PREDICT]:
        return LOAD, "faster-at-load"
    if resident[PREDICT] < resident[LOAD]:
        return PREDICT, "equal-time-less-memory"
    return LOAD, "equal-time"


def root_name(work: Work) -> str:
    """A kernel's root by the name of its result."""
    root = work.kernel.root
    return root.results[0].name if root.results else root.name


def _times(use: Use, work: Work, costs: UnitCosts) -> UseTimes:
    share = costs.share(work, use)
    return UseTimes(
        root_name(work), use.ops, work.operations * share,
        costs.moved_bytes(work) * share, use.touched, work.codes,
        {choice: costs.part(work, use, choice) for choice in CHOICES},
    )  # fmt: skip
