"""The tables that commands print."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from backends.decision import Decision
from backends.plan import Plan
from optc.driver.output import printable
from optc.pipeline.instrumentation import PassRecord
from optc.pipeline.remarks import Ledger, Remark

WIDTH_OF_A_PIPE = 1000
"""Wide enough that each row of a table is one line."""


def _console(stderr: bool = False) -> Console:
    """A console as wide as the terminal, and wide enough in a pipe that nothing is cut off.

    Brackets and colons in names are not rich's markup.
    """
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_PIPE
    return console


def _table(*columns: str) -> Table:
    """A plain table; names on the left, numbers (columns that start with a space) on the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.strip(), justify="right" if column.startswith(" ") else "left", overflow="fold")
    return table


def _size(count: float | None) -> str:
    return "" if count is None else f"{int(count):,}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def show_remarks(ledger: Ledger, before: int, written: Sequence[Path], as_json: bool) -> None:
    """What `compress` did to each weight, and the sizes of both models in bytes; `written` starts with the model."""
    remarks = [r for r in ledger if r.kind == "weight"]
    sizes = {"bytes_before": before, "bytes_after": sum(path.stat().st_size for path in written)}
    if as_json:
        click.echo(json.dumps({**ledger.to_json(), "totals": sizes}, indent=2))
        return
    table = _table("weight", "decision", "scheme", " bytes before", " after", " SNR dB")
    skipped: dict[str, list[Remark]] = {}
    for remark in remarks:
        if remark.decision == "skipped":
            skipped.setdefault(remark.reason, []).append(remark)
        else:
            table.add_row(*_remark_row(remark))
    console = _console()
    if table.row_count:
        console.print(table)
    for reason, group in skipped.items():
        word = "dense" if group[0].scheme == "dense" else "as before"
        kept = sum(remark.bytes_before or 0 for remark in group)
        size = f" ({_size(kept)} bytes)" if kept else ""
        console.print(f"{_count(len(group), 'weight')} left {word}: {reason}{size}")
    ratio = sizes["bytes_after"] / max(1, sizes["bytes_before"])
    before_and_after = f"{_size(sizes['bytes_after'])} bytes, {ratio:.1%} of {_size(sizes['bytes_before'])}"
    console.print(f"{printable(str(written[0]))}: {before_and_after}")


def _remark_row(remark: Remark) -> tuple[str, ...]:
    done = remark.decision if remark.reason == "compressed" else f"{remark.decision}: {remark.reason}"
    snr = "" if remark.snr_db is None else f"{remark.snr_db:.1f}"
    return printable(remark.subject), done, remark.scheme, _size(remark.bytes_before), _size(remark.bytes_after), snr


def show_records(records: Iterable[PassRecord], memory: bool) -> None:
    """Time, and on request peak memory, of each pass."""
    table = _table(" ", "pass", " ms", *([" peak bytes"] if memory else []), "changed")
    for record in records:
        peak = [_size(record.peak_bytes)] if memory else []
        table.add_row(
            str(record.number), record.text, f"{record.seconds * 1e3:.1f}", *peak, "yes" if record.changed else ""
        )
    _console(stderr=True).print(table)


def show_statistics(statistics: "Counter[str]") -> None:
    """The counters of the passes."""
    table = _table("counter", " count")
    for name, count in sorted(statistics.items()):
        table.add_row(name, f"{count:,}")
    _console(stderr=True).print(table)


def show_plan(plan: Plan) -> None:
    """The decision on each compressed weight, and the totals."""
    console = _console()
    table = _table(
        "weight", "scheme", "expand at", "why", " ms if load", " ms if predict", " bytes if load", " if predict",
        " flips below Gw/s",
    )  # fmt: skip
    for decision in plan.decisions:
        if decision.scheme != "dense":
            table.add_row(*_decision_row(decision))
    console.print(table)
    dense = [d for d in plan.decisions if d.scheme == "dense"]
    if dense:
        resident = sum(d.resident_bytes_if_load for d in dense)
        stay = "stays as it is" if len(dense) == 1 else "stay as they are"
        console.print(f"{_count(len(dense), 'dense weight')} {stay} ({_size(resident)} bytes resident)")
    totals = plan.totals
    console.print(
        f"{plan.device.title}, {plan.unit}: load {totals.load_ms:.2f} ms, predict {totals.predict_ms:.3f} ms; "
        f"bytes: {_size(totals.disk_bytes)} stored, {_size(totals.resident_bytes)} resident, "
        f"{_size(totals.peak_bytes)} peak"
    )
    shares = ", ".join(f"{cause} {share:.0%}" for cause, share in sorted(plan.shares.items(), key=lambda s: -s[1]))
    console.print(f"bound by: {shares}")


def _decision_row(decision: Decision) -> tuple[str, ...]:
    flips = "" if decision.break_even is None else f"{decision.break_even.value:.2f}"
    return (
        printable(decision.name), decision.scheme, decision.choice, decision.reason,
        f"{decision.predict_ms_if_load:.4f}", f"{decision.predict_ms_if_predict:.4f}",
        _size(decision.resident_bytes_if_load), _size(decision.resident_bytes_if_predict), flips,
    )  # fmt: skip
