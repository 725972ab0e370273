"""Remarks: the record of every decision, and the ledger that collects them.

A compression pass leaves exactly one remark for each weight of the program: what was done, or why not. Reasons are
stable slugs, and the numbers that led to the decision stand beside them.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

DECISIONS = ("done", "skipped", "refused")
KINDS = ("weight", "op", "program")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _is_slug(_: object, field: "attrs.Attribute[Any]", value: Any) -> None:
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise ValueError(f"{field.name} of a remark must be a slug like 'too-small', not {value!r}")


def _pairs(numbers: Any) -> Any:
    return tuple(sorted(numbers.items() if isinstance(numbers, Mapping) else numbers))


@attrs.frozen
class Remark:
    """One decision of one pass about one subject.

    `subject` is the name of a weight, of an op's result or of a function, as `kind` says (`weight`, `op`, `program`).
    `bytes_before` and `bytes_after` are sizes as stored; `snr_db` is the signal-to-noise ratio of the stored weight in
    decibels, `inf` if no value changed and None if it was not measured.

        Remark("palettize", "conv1.weight", "skipped", "too-few-elements", numbers={"elements": 12, "minimum": 2048})
    """

    pass_name: str
    subject: str
    decision: str = attrs.field(validator=attrs.validators.in_(DECISIONS))
    reason: str = attrs.field(validator=_is_slug)
    kind: str = attrs.field(default="weight", validator=attrs.validators.in_(KINDS), kw_only=True)
    scheme: str = attrs.field(default="", kw_only=True)
    bytes_before: int | None = attrs.field(default=None, kw_only=True)
    bytes_after: int | None = attrs.field(default=None, kw_only=True)
    snr_db: float | None = attrs.field(default=None, kw_only=True)
    numbers: tuple[tuple[str, int | float | str], ...] = attrs.field(default=(), converter=_pairs, kw_only=True)
    message: str = attrs.field(default="", kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """The remark as plain data; `weight` is null if it is about something else.

        JSON has no infinity: where no value changed, `snr_db` is null and `exact` is true.
        """
        exact = self.snr_db == math.inf
        return {
            "weight": self.subject if self.kind == "weight" else None,
            "pass": self.pass_name,
            "decision": self.decision,
            "reason": self.reason,
            "scheme": self.scheme,
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "snr_db": None if exact else self.snr_db,
            "exact": exact,
            "kind": self.kind,
            "subject": self.subject,
            "numbers": dict(self.numbers),
            "message": self.message,
        }

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value}" for name, value in self.numbers)
        about = f" ({numbers})" if numbers else ""
        more = f": {self.message}" if self.message else ""
        return f"{self.pass_name}: {self.kind} {self.subject}: {self.decision}, {self.reason}{about}{more}"


class Ledger:
    """The remarks of one run, in the order in which they were made; `told` hears of each as it is made.

    ledger = Ledger()
    ledger.add(Remark("palettize", "w", "done", "palettized"))
    ledger.to_json()["remarks"][0]["weight"]                        # 'w'
    """

    def __init__(self, told: Callable[[Remark], None] | None = None) -> None:
        self._remarks: list[Remark] = []
        self._told = told

    def add(self, remark: Remark) -> None:
        """Keep a remark, and tell it to whom it may concern."""
        self._remarks.append(remark)
        if self._told is not None:
            self._told(remark)

    def about(self, subject: str) -> tuple[Remark, ...]:
        """The remarks about one weight, op or function."""
        return tuple(remark for remark in self._remarks if remark.subject == subject)

    def unaccounted(self, pass_name: str, weights: Iterable[str]) -> tuple[str, ...]:
        """The weights for which a pass has left no remark, or more than one."""
        counts: dict[str, int] = {}
        for remark in self._remarks:
            if remark.kind == "weight" and remark.pass_name == pass_name:
                counts[remark.subject] = counts.get(remark.subject, 0) + 1
        return tuple(weight for weight in weights if counts.get(weight, 0) != 1)

    def to_json(self) -> dict[str, Any]:
        """All remarks as plain data, under the key `remarks`."""
        return {"remarks": [remark.to_json() for remark in self._remarks]}

    def __iter__(self) -> Iterator[Remark]:
        return iter(self._remarks)

    def __len__(self) -> int:
        return len(self._remarks)
