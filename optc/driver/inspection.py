"""What a model is made of: its weights and how they are stored, its ops, its inputs and outputs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs

from optc.driver.weight_info import WeightInfo
from optc.ir.block import Program
from optc.ops.weights import Weight, stored_bytes, weights_of
from optc.pipeline.instrumentation import Progress, ignore_progress

_MOST_BYTES_SHOWN, _MOST_GROWTH_SHOWN = 1 << 26, 1 << 10
"""Values are looked at where the weight has so many bytes when it is expanded, or so many for each stored one: no
useful scheme comes near, but a file of a few kilobytes can ask for any number."""


@attrs.frozen
class WeightRow:
    """One weight: sizes in bytes; `op` is the op that uses it first, `form` says the scheme in full.

    `sparsity` is the fraction of zeros and `unique` the number of distinct values, of the weight as it is expanded;
    None where values were not looked at.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    dtype: str
    scheme: str
    form: str
    elements: int
    dense_bytes: int
    stored_bytes: int
    sparsity: float | None
    unique: int | None


@attrs.frozen
class Inspection:
    """A model in numbers; `stored_bytes` counts what several weights share once."""

    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    weights: tuple[WeightRow, ...]
    ops: tuple[tuple[str, int], ...]
    dense_bytes: int
    stored_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        typed = {
            key: [{"name": name, "type": kind} for name, kind in pairs]
            for key, pairs in (("inputs", self.inputs), ("outputs", self.outputs))
        }
        rows = [attrs.asdict(row) for row in self.weights]
        totals = {"dense_bytes": self.dense_bytes, "stored_bytes": self.stored_bytes}
        return {**typed, "weights": rows, "ops": dict(self.ops), "totals": totals}


def inspect(program: Program, values: bool = True, report: Progress = ignore_progress) -> Inspection:
    """Look at a program; without `values`, no weight is read."""
    weights = weights_of(program)
    counts = Counter(op.name for op in program.walk() if not op.constant)
    main = program.main
    return Inspection(
        tuple((name, str(kind)) for name, kind in main.inputs.items()),
        tuple((name, str(value.type)) for name, value in zip(main.output_names, main.body.results, strict=True)),
        _rows(weights, values, report),
        tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        sum(weight.dense_bytes for weight in weights),
        stored_bytes(weights),
    )


def by_scheme(rows: Sequence[WeightRow]) -> dict[str, tuple[int, int, int]]:
    """For each form: how many weights, their dense bytes, their stored bytes."""
    found: dict[str, tuple[int, int, int]] = {}
    for row in rows:
        count, dense, stored = found.get(row.form, (0, 0, 0))
        found[row.form] = count + 1, dense + row.dense_bytes, stored + row.stored_bytes
    return found


def _rows(weights: Sequence[Weight], values: bool, report: Progress) -> tuple[WeightRow, ...]:
    rows, done, total = [], 0, sum(weight.dense_bytes for weight in weights)
    for weight in weights:
        rows.append(_row(weight, values))
        done += weight.dense_bytes
        report("looking at weights", done, total)
    return tuple(rows)


def can_be_shown(weight: Weight) -> bool:
    """Whether a weight's expanded values are few enough to be looked at."""
    return weight.dense_bytes <= max(_MOST_BYTES_SHOWN, _MOST_GROWTH_SHOWN * weight.stored_bytes)


def _row(weight: Weight, values: bool) -> WeightRow:
    held = WeightInfo(weight)
    shown = values and can_be_shown(weight)
    return WeightRow(
        held.name, held.consumers[0][0], held.shape, held.dtype, held.scheme, held.form, held.elements,
        held.dense_bytes, held.stored_bytes, held.sparsity if shown else None, held.unique_values if shown else None,
    )  # fmt: skip
