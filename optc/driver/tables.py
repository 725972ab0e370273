"""The tables that commands print."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from optc.driver.inspection import Inspection, by_scheme
from optc.driver.models import bytes_of
from optc.driver.output import printable

if TYPE_CHECKING:
    from backends.decision import Decision
    from backends.plan import Plan
    from optc.driver.comparison import Comparison, Difference
    from optc.ir.dtypes import Array
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


def show_remarks(ledger: "Ledger", before: int, written: Sequence[Path], as_json: bool) -> None:
    """What `compress` did to each weight, and the sizes of both models in bytes; `written` starts with the model."""
    remarks = [r for r in ledger if r.kind == "weight"]
    sizes = {"bytes_before": before, "bytes_after": sum(bytes_of(path) for path in written)}
    if as_json:
        click.echo(json.dumps({**ledger.to_json(), "totals": sizes}, indent=2))
        return
    table = _table("weight", "decision", "scheme", " bytes before", " after", " SNR dB")
    changed = {remark.subject for remark in remarks if remark.decision != "skipped"}
    skipped: dict[str, list[Remark]] = {}
    for remark in {remark.subject: remark for remark in remarks}.values():  # the last one of each weight
        if remark.subject not in changed:
            skipped.setdefault(remark.reason, []).append(remark)
    for remark in remarks:
        if remark.decision != "skipped":
            table.add_row(*_remark_row(remark))
    console = _console()
    if table.row_count:
        console.print(table)
    for reason, group in skipped.items():
        word = "dense" if group[0].scheme == "dense" else "as before"
        kept = sum(remark.bytes_before or 0 for remark in group)
        size = f" ({_size(kept)} bytes)" if kept else ""
        console.print(f"{_count(len(group), 'weight')} left {word}: {reason}{size}")
    for line in dict.fromkeys(_program_line(remark) for remark in ledger if remark.reason == "matches-nothing"):
        console.print(line)
    ratio = sizes["bytes_after"] / max(1, sizes["bytes_before"])
    before_and_after = f"{_size(sizes['bytes_after'])} bytes, {ratio:.1%} of {_size(sizes['bytes_before'])}"
    console.print(f"{printable(str(written[0]))}: {before_and_after}")


def _program_line(remark: "Remark") -> str:
    hint = f"; {remark.message}" if remark.message else ""
    return printable(f"rule {remark.subject} matches nothing{hint}")


def _remark_row(remark: "Remark") -> tuple[str, ...]:
    done = remark.decision if remark.reason in ("compressed", "expanded") else f"{remark.decision}: {remark.reason}"
    snr = "" if remark.snr_db is None else f"{remark.snr_db:.1f}"
    return printable(remark.subject), done, remark.scheme, _size(remark.bytes_before), _size(remark.bytes_after), snr


def show_records(records: "Iterable[PassRecord]", memory: bool) -> None:
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


def show_plan(plan: "Plan") -> None:
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


def _decision_row(decision: "Decision") -> tuple[str, ...]:
    flips = "" if decision.break_even is None else f"{decision.break_even.value:.2f}"
    return (
        printable(decision.name), decision.scheme, decision.choice, decision.reason,
        f"{decision.predict_ms_if_load:.4f}", f"{decision.predict_ms_if_predict:.4f}",
        _size(decision.resident_bytes_if_load), _size(decision.resident_bytes_if_predict), flips,
    )  # fmt: skip


def show_inspection(found: Inspection) -> None:
    """The weights of a model, its schemes, ops, inputs and outputs."""
    console = _console()
    table = _table(
        "weight", "op", "shape", "dtype", "scheme", " bytes dense", " stored", " sparsity", " unique",
    )  # fmt: skip
    for row in found.weights:
        table.add_row(
            printable(row.name), row.op, "x".join(map(str, row.shape)), row.dtype, row.form, _size(row.dense_bytes),
            _size(row.stored_bytes), "" if row.sparsity is None else f"{row.sparsity:.1%}", _size(row.unique),
        )  # fmt: skip
    if table.row_count:
        console.print(table)
    for form, (count, dense, stored) in by_scheme(found.weights).items():
        console.print(f"{form}: {_count(count, 'weight')}, {_size(stored)} bytes stored, {_size(dense)} dense")
    console.print(f"all weights: {_size(found.stored_bytes)} bytes stored, {_size(found.dense_bytes)} dense")
    console.print("ops: " + (", ".join(f"{count} {name}" for name, count in found.ops) or "none"))
    for word, pairs in (("inputs", found.inputs), ("outputs", found.outputs)):
        console.print(f"{word}: " + (", ".join(printable(f"{name}: {kind}") for name, kind in pairs) or "none"))


def show_comparison(found: "Comparison") -> None:
    """What differs between two models; what agrees is counted."""
    console = _console()
    for word, rows in (("weight", found.weights), ("output", found.outputs)):
        table = _table(word, " SNR dB", " largest error", " bytes in A", " in B", " ")
        for row in rows:
            if not row.same:
                table.add_row(*_difference_row(row))
        if table.row_count:
            console.print(table)
        same = [row for row in rows if row.same]
        if same:
            console.print(f"{_count(len(same), word)} the same")
    if found.ops:
        first = found.first
        if first is None:
            console.print(f"{_count(len(found.ops), 'op')} compared by name: no difference")
        else:
            noise = "" if first.snr_db is None else f", SNR {first.snr_db:.1f} dB"
            what = first.problem or f"largest error {first.max_error:.3g}{noise}"
            console.print(printable(f"first op that differs: {first.name} ({first.op}): {what}"))


def _difference_row(row: "Difference") -> tuple[str, ...]:
    snr = "" if row.snr_db is None else f"{row.snr_db:.1f}"
    error = "" if row.max_error is None else f"{row.max_error:.3g}"
    return printable(row.name), snr, error, _size(row.bytes_a), _size(row.bytes_b), row.problem


def array_row(name: str, array: "Array") -> dict[str, Any]:
    """An array in a few numbers; `least` and `greatest` are null where they are no finite numbers."""
    numbers = array.size and array.dtype.kind not in "bOUS"
    ends = (float(array.min()), float(array.max())) if numbers else (math.nan, math.nan)
    least, greatest = (end if math.isfinite(end) else None for end in ends)
    return {
        "name": name, "dtype": str(array.dtype), "shape": list(array.shape), "least": least, "greatest": greatest,
    }  # fmt: skip


def show_arrays(arrays: "Mapping[str, Array]") -> None:
    """Outputs: their types, and between which numbers they lie."""
    table = _table("output", "dtype", "shape", " least", " greatest")
    for name, array in arrays.items():
        row = array_row(name, array)
        ends = ("" if end is None else f"{end:.6g}" for end in (row["least"], row["greatest"]))
        table.add_row(printable(name), row["dtype"], "x".join(map(str, row["shape"])) or "scalar", *ends)
    _console().print(table)
