"""What `optc demo` prints."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from optc.driver.console import console, plain_table
from optc.driver.demo.journey import Planned, Written, plan_command, same_command
from optc.driver.demo.schemes import Measured, Subject
from optc.driver.output import printable

ENGINES = {
    "onnxruntime": "ONNX Runtime",
    "reference": "the reference interpreter (with ONNX Runtime it is quicker: pip install onnxruntime)",
}
WHY = {
    "equal-time": "as fast either way",
    "equal-time-less-memory": "as fast, less memory",
    "faster-at-load": "decoding would be slower",
    "faster-at-predict": "fewer bytes to fetch",
    "folds-on-unit": "the unit's only way",
}
"""Reasons of decisions in words; the others speak for themselves."""


def show_subject(subject: Subject, path: Path) -> None:
    """The network as it came."""
    out = console()
    size = path.stat().st_size
    out.print(f"A convolutional network for handwritten digits: {path.name}, {size:,} bytes, float32.")
    engine = ENGINES[subject.engine]
    out.print(f"It recognises {_share(subject.right, subject)} that it was not trained on, run by {engine}.")


def show_schemes(
    subject: Subject, tried: Sequence[Measured], chosen: Measured, before: int, folder: Path
) -> None:  # fmt: skip
    """A row for each scheme, and what compresses the network with the chosen one."""
    out = console()
    out.print("\nWhat each scheme makes of it:")
    table = plain_table("scheme", " bytes", " of it", " right", " SNR dB", " of outputs")
    for row in tried:
        table.add_row(
            row.scheme.options, f"{row.bytes:,}", f"{row.bytes / before:.1%}", f"{row.right}/{len(subject.digits)}",
            _decibels(row.snr_db_weights), _decibels(row.snr_db_outputs), style="bold green" if row is chosen else "",
        )  # fmt: skip
    out.print(table)
    good = "recognises as many pictures" if chosen.right >= subject.right else "recognises most"
    out.print(f"{chosen.scheme.options} is the smallest that {good}; the plans below are of it.")
    _show_command(out, same_command(folder, chosen))


def _show_command(out: Console, text: str) -> None:
    """On one line, however long, so that it can be pasted."""
    out.print(printable(text), soft_wrap=True)


def _decibels(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else ""


def _share(right: int, subject: Subject) -> str:
    return f"{right} of {len(subject.digits)} pictures"


def show_plans(planned: Sequence[Planned], folder: Path) -> None:
    """For each setting, the predicted times, and when each compressed weight is expanded and why."""
    out = console()
    out.print("\nWhen each weight is expanded, as cost tables predict it:")
    for each in planned:
        batch, totals, dense = each.setting.batch, each.plan.totals, each.dense.totals
        pictures = "a picture at a time" if batch == 1 else f"{batch} pictures at once"
        out.print(f"\n{each.plan.device.title}, {pictures}", style="bold")
        _show_command(out, plan_command(folder, each.setting))
        out.print(f"{_us(totals.predict_ms)} us, dense {_us(dense.predict_ms)}; "
                  f"{totals.resident_bytes:,} bytes resident, dense {dense.resident_bytes:,}")  # fmt: skip
        table = plain_table("weight", "unit", "expand at", "why", " us if load", " if predict")
        for decision in each.decisions:
            table.add_row(
                printable(decision.name), decision.unit, decision.choice, WHY.get(decision.reason, decision.reason),
                _us(decision.predict_ms_if_load), _us(decision.predict_ms_if_predict),
            )  # fmt: skip
        out.print(_indented(table))


def _us(ms: float) -> str:
    return f"{ms * 1e3:.3g}"


def _indented(table: Table) -> Padding:
    return Padding(table, (0, 0, 0, 2), expand=False)


def show_files(subject: Subject, files: Sequence[Written], commands: Sequence[tuple[str, str]]) -> None:
    """Where the files are, and what to type next."""
    out = console()
    out.print("\nWritten, and the networks read back and tried on the pictures:")
    table = plain_table("file", " bytes", " right", "what it is")
    for file in files:
        right = "" if file.right is None else f"{file.right}/{len(subject.digits)}"
        table.add_row(printable(str(file.path)), f"{file.bytes:,}", right, file.what)
    out.print(_indented(table))
    out.print("\nNext:")
    for text, what in commands:
        _show_command(out, f"  {text}\n    {what}")
