"""Predicted totals side by side: plans for one device beside each other, as only those are alternatives."""

from collections.abc import Sequence

import attrs

from optc.driver.report.plans import Planned

TOTALS = {
    "predict_ms": "predict, ms", "load_ms": "load, ms", "disk_bytes": "bytes stored",
    "resident_bytes": "bytes resident", "peak_bytes": "bytes at the peak",
}  # fmt: skip


@attrs.frozen
class Group:
    """The plans for one device; ratios are to the first of them."""

    device: str
    plans: tuple[Planned, ...]


def by_device(planned: Sequence[Planned], others: Sequence[Planned]) -> list[Group]:
    """The plans for each device, in the order of `planned`: those of the other model first, as what to compare with."""
    devices = dict.fromkeys(one.device for one in (*planned, *others))
    return [Group(name, tuple(one for one in (*others, *planned) if one.device == name)) for name in devices]


def rows_of_totals(groups: Sequence[Group]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Rows of a table with a column for each plan of each group.

    A row is its label, and for each column the value, and the ratio, which is empty where there is none.
    """
    rows = [
        (label, [cell for group in groups for cell in _cells(key, [one.totals[key] for one in group.plans])])
        for key, label in TOTALS.items()
    ]
    kernels = [
        ", ".join(f"{count:,} on {unit}" for unit, count in one.kernels.items() if count)
        for group in groups for one in group.plans
    ]  # fmt: skip
    return [*rows, ("kernels", [(text, "") for text in kernels])]


def _cells(key: str, values: Sequence[float]) -> list[tuple[str, str]]:
    first = values[0]
    return [
        (f"{v:.4g}" if key.endswith("ms") else f"{v:,}", f"{v / first:.3f} times" if n and first else "")
        for n, v in enumerate(values)
    ]
