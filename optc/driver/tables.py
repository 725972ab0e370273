"""The tables that commands print."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from optc.driver.console import console, counted, grouped, plain_table
from optc.driver.inspection import Inspection, by_scheme
from optc.driver.models import bytes_of
from optc.driver.output import printable

if TYPE_CHECKING:
    from optc.driver.comparison import Comparison, Difference
    from optc.ir.dtypes import Array
    from optc.pipeline.instrumentation import PassRecord
    from optc.pipeline.remarks import Ledger, Remark


def show_remarks(ledger: "Ledger", before: int, written: Sequence[Path], as_json: bool) -> None:
    """What `compress` did to each weight, and the sizes of both models in bytes; `written` starts with the model."""
    remarks = [r for r in ledger if r.kind == "weight"]
    sizes = {"bytes_before": before, "bytes_after": sum(bytes_of(path) for path in written)}
    if as_json:
        click.echo(json.dumps({**ledger.to_json(), "totals": sizes}, indent=2))
        return
    table = plain_table("weight", "decision", "scheme", " bytes before", " after", " SNR dB")
    changed = {remark.subject for remark in remarks if remark.decision != "skipped"}
    skipped: dict[str, list[Remark]] = {}
    for remark in {remark.subject: remark for remark in remarks}.values():  # the last one of each weight
        if remark.subject not in changed:
            skipped.setdefault(remark.reason, []).append(remark)
    for remark in _outcomes(remarks):
        table.add_row(*_remark_row(remark))
    shown = console()
    if table.row_count:
        shown.print(table)
    for reason, group in skipped.items():
        word = "dense" if group[0].scheme == "dense" else "as before"
        kept = sum(remark.bytes_before or 0 for remark in group)
        size = f" ({grouped(kept)} bytes)" if kept else ""
        shown.print(f"{counted(len(group), 'weight')} left {word}: {reason}{size}")
    for (asked, taken), count in Counter(pair for remark in remarks for pair in _other_sizes(remark)).items():
        shown.print(f"{counted(count, 'weight')}: size {taken} instead of {asked}, which does not divide")
    widths = Counter(number for remark in remarks for key, number in remark.numbers if key == "code_bits")
    for bits, count in widths.items():
        shown.print(f"{counted(count, 'weight')}: codes of {bits} bits, stored in more")
    for line in dict.fromkeys(_program_line(remark) for remark in ledger if remark.reason == "matches-nothing"):
        shown.print(line)
    ratio = sizes["bytes_after"] / max(1, sizes["bytes_before"])
    before_and_after = f"{grouped(sizes['bytes_after'])} bytes, {ratio:.1%} of {grouped(sizes['bytes_before'])}"
    shown.print(f"{printable(str(written[0]))}: {before_and_after}")


def _outcomes(remarks: "Sequence[Remark]") -> "list[Remark]":
    """What was done to each weight by all passes together, and what was refused."""
    shown: dict[tuple[str, str], Remark] = {}
    for remark in remarks:
        if remark.decision == "skipped":
            continue
        key = (remark.subject, remark.decision if remark.decision == "done" else remark.pass_name + remark.reason)
        before = shown[key].bytes_before if key in shown else remark.bytes_before
        shown[key] = attrs.evolve(remark, bytes_before=before)
    return list(shown.values())


def _other_sizes(remark: "Remark") -> Iterator[tuple[int | float | str, int | float | str]]:
    """The sizes of groups and blocks that were asked for, and those that were taken, as the former do not divide."""
    numbers = dict(remark.numbers)
    for name, asked in numbers.items():
        if name.startswith("asked"):
            yield asked, numbers[f"taken{name.removeprefix('asked')}"]


def _program_line(remark: "Remark") -> str:
    hint = f"; {remark.message}" if remark.message else ""
    return printable(f"rule {remark.subject} matches nothing{hint}")


def _remark_row(remark: "Remark") -> tuple[str, ...]:
    done = remark.decision if remark.reason in ("compressed", "expanded") else f"{remark.decision}: {remark.reason}"
    snr = "" if remark.snr_db is None else f"{remark.snr_db:.1f}"
    return (
        printable(remark.subject),
        done,
        remark.scheme,
        grouped(remark.bytes_before),
        grouped(remark.bytes_after),
        snr,
    )


def show_records(records: "Iterable[PassRecord]", memory: bool) -> None:
    """Time, and on request peak memory, of each pass."""
    table = plain_table(" ", "pass", " ms", *([" peak bytes"] if memory else []), "changed")
    for record in records:
        peak = [grouped(record.peak_bytes)] if memory else []
        table.add_row(
            str(record.number), record.text, f"{record.seconds * 1e3:.1f}", *peak, "yes" if record.changed else ""
        )
    console(stderr=True).print(table)


def show_statistics(statistics: "Counter[str]") -> None:
    """The counters of the passes."""
    table = plain_table("counter", " count")
    for name, count in sorted(statistics.items()):
        table.add_row(name, f"{count:,}")
    console(stderr=True).print(table)


def show_inspection(found: Inspection) -> None:
    """The weights of a model, its schemes, ops, inputs and outputs."""
    shown = console()
    table = plain_table(
        "weight", "op", "shape", "dtype", "scheme", " bytes dense", " stored", " sparsity", " unique",
    )  # fmt: skip
    for row in found.weights:
        table.add_row(
            printable(row.name), row.op, "x".join(map(str, row.shape)), row.dtype, row.form, grouped(row.dense_bytes),
            grouped(row.stored_bytes), "" if row.sparsity is None else f"{row.sparsity:.1%}", grouped(row.unique),
        )  # fmt: skip
    if table.row_count:
        shown.print(table)
    for form, (count, dense, stored) in by_scheme(found.weights).items():
        shown.print(f"{form}: {counted(count, 'weight')}, {grouped(stored)} bytes stored, {grouped(dense)} dense")
    shown.print(f"all weights: {grouped(found.stored_bytes)} bytes stored, {grouped(found.dense_bytes)} dense")
    shown.print("ops: " + (", ".join(f"{count} {name}" for name, count in found.ops) or "none"))
    for word, pairs in (("inputs", found.inputs), ("outputs", found.outputs)):
        shown.print(f"{word}: " + (", ".join(printable(f"{name}: {kind}") for name, kind in pairs) or "none"))


def show_comparison(found: "Comparison") -> None:
    """What differs between two models; what agrees is counted."""
    shown = console()
    for word, rows in (("weight", found.weights), ("output", found.outputs)):
        table = plain_table(word, " SNR dB", " largest error", " bytes in A", " in B", " ")
        for row in rows:
            if not row.same:
                table.add_row(*_difference_row(row))
        if table.row_count:
            shown.print(table)
        same = [row for row in rows if row.same]
        if same:
            shown.print(f"{counted(len(same), word)} the same")
    if found.ops:
        first = found.first
        if first is None:
            shown.print(f"{counted(len(found.ops), 'op')} compared by name: no difference")
        else:
            noise = "" if first.snr_db is None else f", SNR {first.snr_db:.1f} dB"
            what = first.problem or f"largest error {first.max_error:.3g}{noise}"
            shown.print(printable(f"first op that differs: {first.name} ({first.op}): {what}"))


def _difference_row(row: "Difference") -> tuple[str, ...]:
    snr = "" if row.snr_db is None else f"{row.snr_db:.1f}"
    error = "" if row.max_error is None else f"{row.max_error:.3g}"
    return printable(row.name), snr, error, grouped(row.bytes_a), grouped(row.bytes_b), row.problem


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
    table = plain_table("output", "dtype", "shape", " least", " greatest")
    for name, array in arrays.items():
        row = array_row(name, array)
        ends = ("" if end is None else f"{end:.6g}" for end in (row["least"], row["greatest"]))
        table.add_row(printable(name), row["dtype"], "x".join(map(str, row["shape"])) or "scalar", *ends)
    console().print(table)
