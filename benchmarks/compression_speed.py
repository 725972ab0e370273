"""How long `optc compress` takes against coremltools, and how much memory.

    python benchmarks/compression_speed.py                # ResNet50, 25.6 million weights
    python benchmarks/compression_speed.py --json
    python benchmarks/compression_speed.py model.mlpackage

Of optc the whole command is measured: start, reading and writing included. Of coremltools it is the call of
`coremltools.optimize.coreml` alone, on a model that was read already. What counts are the ratios of the medians of
processor time and of peaks of resident memory, each beside its goal. What takes long is run fewer times.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from peer import AbsentError, RefusedError, Usage, compress_ours, compress_theirs, package, palette, quantized, sparse

GOALS = (
    (palette(8), 40), (palette(6), 15), (palette(4), 8), (palette(4, group_size=16), 15), (quantized("int8"), 2),
    (sparse(50), 2),
)  # fmt: skip
"""Schemes, and how many times as fast as coremltools optc is to be."""
MEMORY_GOAL = 0.5
"""The share of coremltools' peak that optc may take."""
RUNS = 5
ENOUGH = 20.0
"""Seconds of wall time after which a scheme is not run again."""


def median(run: Callable[[], Usage]) -> Usage:
    """The medians of several runs."""
    runs = [run()]
    while len(runs) < RUNS and sum(usage.wall for usage in runs) < ENOUGH:
        runs.append(run())
    return Usage(
        statistics.median(usage.processor for usage in runs),
        statistics.median(usage.wall for usage in runs),
        int(statistics.median(usage.peak for usage in runs)),
    )


def measured(model: Path, folder: Path) -> list[dict[str, Any]]:
    """A row for each scheme."""
    rows = []
    for scheme, goal in GOALS:
        try:
            ours = median(partial(compress_ours, model, scheme, folder / "ours.mlpackage"))
            theirs = median(partial(compress_theirs, model, scheme, folder / "theirs.mlpackage"))
        except RefusedError as error:
            rows.append({"scheme": scheme.name, "refused": str(error)})
            continue
        rows.append({
            "scheme": scheme.name, "ours_s": ours.processor, "theirs_s": theirs.processor,
            "ratio": theirs.processor / ours.processor, "goal": goal, "ours_wall_s": ours.wall,
            "theirs_wall_s": theirs.wall, "ours_mb": ours.peak / 1e6, "theirs_mb": theirs.peak / 1e6,
            "memory": ours.peak / theirs.peak, "memory_goal": MEMORY_GOAL,
        })  # fmt: skip
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Print them as a table in Markdown."""
    print("| scheme | optc s (wall) | coremltools s (wall) | times as fast | goal | optc MB | coremltools MB | share |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for row in rows:
        if "refused" in row:
            print(f"| {row['scheme']} | {row['refused']} |")
            continue
        print(
            f"| {row['scheme']} | {row['ours_s']:.2f} ({row['ours_wall_s']:.2f}) "
            f"| {row['theirs_s']:.2f} ({row['theirs_wall_s']:.2f}) | {row['ratio']:.1f} | {row['goal']} "
            f"| {row['ours_mb']:.0f} | {row['theirs_mb']:.0f} | {row['memory']:.2f} |"
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a float16 package (ResNet50)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        model = arguments.model or package("resnet50")
        with tempfile.TemporaryDirectory() as made:
            compress_ours(model, quantized("int8"), Path(made) / "first.mlpackage")  # files are in memory afterwards
            rows = measured(model, Path(made))
    except AbsentError as absent:
        print(f"skipped: {absent}")
        return
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows)


if __name__ == "__main__":
    main()
