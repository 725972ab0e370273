"""The weights of a model: sizes, histograms, and errors against another model."""

import math
from collections.abc import Sequence
from typing import Any

import attrs

from optc.driver.comparison import Difference, difference, paired_weights
from optc.driver.inspection import can_be_shown
from optc.driver.report.columns import Column, table
from optc.driver.report.histograms import Histogram, histogram
from optc.driver.report.names import shown
from optc.ir.block import Program
from optc.ops.weights import Weight, weights_of
from optc.pipeline.instrumentation import Progress, ignore_progress

NOT_SHOWN = "too large when expanded to be looked at"


@attrs.frozen(eq=False)
class WeightFacts:
    """One weight, and what it is held against if the other model has it; `problem` says why something is missing."""

    weight: Weight
    other: Weight | None = None
    error: Difference | None = None
    histogram: Histogram | None = None
    problem: str = ""

    @property
    def snr_db(self) -> float | None:
        return None if self.error is None else self.error.snr_db


def facts_of(
    program: Program, against: Program | None, report: Progress = ignore_progress
) -> tuple[list[WeightFacts], list[str]]:
    """The weights of a program, and the names of those that only the other one has. Reads and expands each once."""
    pairs = {} if against is None else paired_weights(against, program)
    own = [(weight, other) for other, weight in pairs.values() if weight is not None]
    if against is None:
        own = [(weight, None) for weight in weights_of(program)]
    facts, done, total = [], 0, sum(weight.dense_bytes for weight, _ in own)
    for weight, other in own:
        facts.append(_facts(weight, other))
        done += weight.dense_bytes
        report("looking at weights", done, total)
    return facts, [name for name, (_, weight) in pairs.items() if weight is None]


def _facts(weight: Weight, other: Weight | None = None) -> WeightFacts:
    if not can_be_shown(weight) or (other is not None and not can_be_shown(other)):
        return WeightFacts(weight, other, problem=NOT_SHOWN)
    array = weight.expanded()
    if other is None:
        return WeightFacts(weight, histogram=histogram(array, None, weight))
    same = other.constants == weight.constants and other.form == weight.form
    if same:
        return WeightFacts(weight, other, Difference(weight.name, math.inf, 0.0), histogram(array, None, weight))
    before = other.expanded()
    error = difference(weight.name, before, array)
    return WeightFacts(weight, other, error, histogram(array, before, weight), error.problem)


def weight_table(facts: Sequence[WeightFacts], per_plan: Sequence[Column], against: bool) -> dict[str, Any]:
    """The table of weights; `per_plan` are further columns, of times and choices by device."""
    weights = [fact.weight for fact in facts]
    columns = [
        Column("weight", "text", [shown(w.name) for w in weights]),
        Column("op", "text", [w.consumers[0].name for w in weights], minor=True, choice=True),
        Column("shape", "text", ["x".join(map(str, w.value.tensor.static_shape)) for w in weights], minor=True),
        Column("stored as", "text", [w.form for w in weights], choice=True),
        Column("bytes dense", "bytes", [w.dense_bytes for w in weights], minor=True),
        Column("bytes stored", "bytes", [w.stored_bytes for w in weights]),
    ]
    if against:
        others = [None if fact.other is None else fact.other.stored_bytes for fact in facts]
        errors = [None if fact.error is None else fact.error.max_error for fact in facts]
        columns += [
            Column("bytes in the other", "bytes", others, minor=True),
            Column("SNR dB", "db", [fact.snr_db for fact in facts]),
            Column("largest error", "number", errors, minor=True),
        ]
    return table("Weights", [*columns, *per_plan])


def histograms_json(facts: Sequence[WeightFacts]) -> list[dict[str, Any] | None]:
    """The histogram of each weight; null where it has none."""
    return [None if fact.histogram is None else fact.histogram.to_json() for fact in facts]
