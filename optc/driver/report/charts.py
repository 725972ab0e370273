"""Bar charts as plain numbers: the template draws them as SVG, so that style sheets colour them."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate

import attrs

from optc.driver.report.names import shown
from optc.driver.report.weights import WeightFacts

MOST_BARS = 30
_LEAST_SNR, _MOST_SNR = 0.0, 80.0
"""The ends of the scale of signal-to-noise ratios in dB; what lies beyond is drawn at the end."""


@attrs.frozen
class Part:
    """A part of a bar: `start` and `width` are percentages of the whole scale, `kind` says how it is coloured."""

    kind: str
    start: float
    width: float
    says: str


@attrs.frozen
class Bar:
    """One bar with its label and what stands beside it."""

    label: str
    parts: tuple[Part, ...]
    value: str


def stacked(label: str, shares: Mapping[str, float], value: str) -> Bar:
    """Fractions of a whole beside each other; those that are 0 are left out."""
    ends = [0.0, *accumulate(shares.values())]
    return Bar(
        label,
        tuple(
            Part(kind, 100 * start, 100 * share, f"{kind} {share:.1%}")
            for start, (kind, share) in zip(ends, shares.items(), strict=False) if share > 0
        ),
        value,
    )  # fmt: skip


def sizes_by_scheme(facts: Sequence[WeightFacts]) -> tuple[Bar, ...]:
    """The bytes of the weights of each form, the largest first."""
    found: dict[str, list[WeightFacts]] = {}
    for fact in facts:
        found.setdefault(fact.weight.form, []).append(fact)
    rows = []
    for form, group in found.items():
        dense, stored = (sum(sizes) for sizes in zip(*map(_sizes, group), strict=True))
        count = f"{len(group):,} weight{'s' * (len(group) != 1)}"
        rows.append((f"{form} ({count})", dense, stored))
    return _size_bars(sorted(rows, key=lambda row: -row[1]))


def sizes_by_weight(facts: Sequence[WeightFacts]) -> tuple[Bar, ...]:
    """The bytes of the largest weights."""
    largest = sorted(facts, key=lambda fact: -fact.weight.dense_bytes)[:MOST_BARS]
    return _size_bars([(shown(fact.weight.name), *_sizes(fact)) for fact in largest])


def _sizes(fact: WeightFacts) -> tuple[int, int]:
    return fact.weight.dense_bytes, fact.weight.stored_bytes


def _size_bars(rows: Sequence[tuple[str, int, int]]) -> tuple[Bar, ...]:
    most = max((max(dense, stored) for _, dense, stored in rows), default=0) or 1
    return tuple(
        Bar(
            label,
            (
                Part("dense", 0.0, 100 * dense / most, f"{dense:,} bytes dense"),
                Part("stored", 0.0, 100 * stored / most, f"{stored:,} bytes stored"),
            ),
            f"{stored:,} of {dense:,}",
        )
        for label, dense, stored in rows
    )


def errors_by_weight(facts: Sequence[WeightFacts]) -> tuple[Bar, ...]:
    """The signal-to-noise ratio of the weights that differ, the worst first."""
    differ = [(fact.snr_db, fact) for fact in facts if fact.snr_db is not None and fact.snr_db != math.inf]
    worst = sorted(differ, key=lambda pair: (not math.isnan(pair[0]), pair[0]))[:MOST_BARS]
    return tuple(
        Bar(
            f"{shown(fact.weight.name)}, {fact.weight.form}",
            (Part("snr", 0.0, 100 * height(snr), f"SNR {snr:.1f} dB"),),
            f"{snr:.1f} dB",
        )
        for snr, fact in worst
    )


def height(snr_db: float) -> float:
    """Where a ratio lies on the scale, from 0 to 1; NaN is worst."""
    if math.isnan(snr_db):
        return 0.0
    return (min(max(snr_db, _LEAST_SNR), _MOST_SNR) - _LEAST_SNR) / (_MOST_SNR - _LEAST_SNR)


@attrs.frozen
class Strip:
    """All weights in their order, one column each: an SVG path in a box of `width` by 100, what is high is good."""

    width: int
    path: str
    above: int
    without: int


def strip_of_errors(facts: Sequence[WeightFacts], most: int = 2_000) -> Strip:
    """The ratio of each weight; `above` of them do not differ, `without` have none.

    Of more than `most` weights, neighbours share a column, which shows the worst of them.
    """
    together = max(1, math.ceil(len(facts) / most))
    columns = []
    for start in range(0, len(facts), together):
        known = [fact.snr_db for fact in facts[start : start + together] if fact.snr_db is not None]
        columns.append(min(map(height, known)) if known else 0.0)
    path = "".join(f"M{at} 100V{100 - 100 * top:.4g}h1V100z" for at, top in enumerate(columns) if top > 0)
    exact = sum(fact.snr_db == math.inf for fact in facts)
    return Strip(len(columns), path, exact, sum(fact.snr_db is None for fact in facts))
