"""What `optc bench` prints."""

from collections.abc import Sequence
from typing import Any

from backends.costs import PREDICT
from optc.driver.benching import Side
from optc.driver.console import console, counted, plain_table
from optc.driver.output import printable

_TITLES = {"load": "weights expanded at load", "predict": "weights kept for prediction"}


def bench_json(sides: Sequence[Side], device: str) -> dict[str, Any]:
    """One entry for each way to run the model: times in ms, spread as a fraction of the median, sizes in bytes."""
    return {"device": device, "sides": [side.to_json() for side in sides]}


def show_bench(sides: Sequence[Side], device: str) -> None:
    """Measured beside predicted, and which weights were kept."""
    out = console()
    table = plain_table(
        "", " measured ms", " quickest", " spread", " predicted ms", " load ms", " predicted load ms", " file bytes"
    )
    for side in sides:
        found = side.sample
        table.add_row(
            _TITLES[side.choice], f"{1e3 * found.median:.4g}", f"{1e3 * min(found.seconds):.4g}", f"{found.spread:.0%}",
            _number(side.predicted_ms), f"{side.load_ms:.4g}", _number(side.predicted_load_ms), f"{side.file_bytes:,}",
        )  # fmt: skip
    out.print(table)
    out.print(printable(f"predicted for {device}; load times of ONNX Runtime include all that it prepares"))
    for line in _remarks(sides):
        out.print(line)


def _remarks(sides: Sequence[Side]) -> list[str]:
    """What a reader must know to compare the rows."""
    side = next(side for side in sides if side.choice == PREDICT)
    choices = side.choices
    kept = sum(choice == PREDICT for choice in choices.values())
    if not choices:
        return ["no weight is compressed: both rows run the same model"]
    lines = []
    if kept < len(choices):
        folded = len(choices) - kept
        lines.append(f"{folded} of {len(choices)} compressed weights are expanded by ONNX Runtime at load in both rows")
    if side.convolutions:
        lines.append(
            f"{counted(side.convolutions, 'kept weight')} of convolutions: ONNX Runtime lays out ahead only constant "
            "ones, and convolves more slowly with others, which is not predicted"
        )
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
