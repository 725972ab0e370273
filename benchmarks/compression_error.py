"""How far compressed weights are from the weights, against coremltools: sums of squared errors.

    python benchmarks/compression_error.py                # two small networks and made-up weights
    python benchmarks/compression_error.py --all          # all six, in all numbers of bits: half an hour
    python benchmarks/compression_error.py --json

Three tables. Palettes of numbers, on published networks with random weights: for no weight may optc's error be above
coremltools' (`worst` is the greatest ratio of any weight). The same in groups of 16 channels on heavy-tailed weights
(Student's t, 3 degrees of freedom), whose errors together are to be at most 0.96 of theirs; coremltools is exact, too,
from 10,000 float16 values on, so these groups have fewer. And palettes of vectors,
whose errors are to be at most 1.002 of theirs, in a part of their processor time: palettizing a loaded package and
writing it, against the call of coremltools; `command` is optc's whole command, with start-up and reading, against that
call. Both packages are read by optc's reader, which gives what coremltools would.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peer import (
    ARCHITECTURES,
    AbsentError,
    RefusedError,
    Scheme,
    compress_ours,
    compress_theirs,
    compressed_by_them,
    package,
    palette,
    palettize_with_ours,
)

from optc.driver.facade import load, save
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.numerics.distance import sum_squared_error
from optc.ops.conv import Conv
from optc.ops.weights import Weight, weights_of

BITS = (1, 2, 3, 4, 6, 8)
SOME = (("mobilenetv3s", "transformer"), (palette(2), palette(4), palette(4, group_size=16)))
ALL = (
    ARCHITECTURES,
    (*(palette(bits) for bits in BITS), *(palette(bits, group_size=16) for bits in (2, 4, 6))),
)
HEAVY = tuple(palette(bits, group_size=16) for bits in (2, 3, 4))
HEAVY_GOAL = 0.96
VECTORS = tuple((palette(bits, cluster_dim=dim), time) for bits, time in ((4, 0.4), (8, 0.125)) for dim in (2, 4))
"""Schemes, and the greatest share of coremltools' time that each may take."""
VECTOR_GOAL = 1.002
ROUNDING = 1e-9
"""Sums of squares are told apart from there on."""


def made_up(path: Path, channels: int, kernel: int, layers: int, tails: bool) -> Path:
    """A float16 package of convolutions, with weights that are Gaussian or have heavy tails."""
    rng = np.random.default_rng(0)
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, channels, 16, 16)), "x")
    for layer in range(layers):
        shape = (channels, channels, kernel, kernel)
        values = rng.standard_t(3, shape) if tails else rng.standard_normal(shape)
        w = b.const((values / np.sqrt(kernel * kernel * channels)).astype(np.float16), f"layers.{layer}.weight")
        x = b.add(Conv(x, w, pads=4 * (kernel // 2,)))
    save(b.program(y=x), path, target="ios18")
    return path


def pairs(original: Path, ours: Path, theirs: Path) -> Iterator[tuple[Weight, Weight, Weight]]:
    """The weights that both have compressed, with as many tables, beside the original."""
    first, second, third = ({_place(w): w for w in weights_of(load(path))} for path in (original, ours, theirs))
    for place, weight in first.items():
        a, b = second.get(place), third.get(place)
        if a is not None and b is not None and "dense" not in (a.scheme, b.scheme) and a.tables == b.tables:
            yield weight, a, b


def _place(weight: Weight) -> tuple[str, int]:
    """Where a weight is used: coremltools gives those that it compresses other names."""
    consumer = weight.consumers[0]
    return consumer.results[0].name, consumer.operands.index(weight.value)


def compared(original: Path, scheme: Scheme, ours: Path, theirs: Path) -> dict[str, Any]:
    """The row of a table: the ratio of all errors together, and of the weight where it is worst for optc."""
    mine, peers, names = [], [], []
    for weight, a, b in pairs(original, ours, theirs):
        dense = weight.expanded()
        mine.append(sum_squared_error(dense, a.expanded()))
        peers.append(sum_squared_error(dense, b.expanded()))
        names.append(weight.name)
    ratios = [1.0 if x == y else x / y if y else np.inf for x, y in zip(mine, peers, strict=True)]
    worst = int(np.argmax(ratios)) if ratios else -1
    return {
        "model": original.stem.removesuffix("_iOS18"), "scheme": scheme.name, "weights": len(ratios),
        "ratio": sum(mine) / sum(peers) if ratios else np.nan, "worst": ratios[worst] if ratios else np.nan,
        "worst_weight": names[worst] if ratios else "", "above": sum(ratio > 1 + ROUNDING for ratio in ratios),
    }  # fmt: skip


def on_networks(models: tuple[str, ...], schemes: tuple[Scheme, ...], folder: Path) -> Iterator[dict[str, Any]]:
    """Rows for palettes of numbers."""
    for name in models:
        original = package(name)
        for scheme in schemes:
            compress_ours(original, scheme, folder / "ours.mlpackage")
            yield compared(original, scheme, folder / "ours.mlpackage", compressed_by_them(original, scheme))


def on_heavy_tails(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows for palettes in groups."""
    original = made_up(folder / "heavy-tailed.mlpackage", 512, 1, 4, tails=True)
    for scheme in HEAVY:
        compress_ours(original, scheme, folder / "ours.mlpackage")
        compress_theirs(original, scheme, folder / "theirs.mlpackage")
        row = compared(original, scheme, folder / "ours.mlpackage", folder / "theirs.mlpackage")
        yield row | {"goal": HEAVY_GOAL}


def of_vectors(folder: Path) -> Iterator[dict[str, Any]]:
    """Rows for palettes of vectors."""
    for tails in (False, True):
        name = "heavy-tailed" if tails else "gaussian"
        original = made_up(folder / f"{name}.mlpackage", 512, 3, 4, tails)
        for scheme, time_goal in VECTORS:
            try:
                ours = compress_ours(original, scheme, folder / "ours.mlpackage")
                theirs = compress_theirs(original, scheme, folder / "theirs.mlpackage")
            except RefusedError as error:
                yield {"model": name, "scheme": scheme.name, "refused": str(error)}
                continue
            row = compared(original, scheme, folder / "ours.mlpackage", folder / "theirs.mlpackage")
            options = {"bits": scheme.theirs["nbits"], "cluster_dim": scheme.theirs["cluster_dim"]}
            call = palettize_with_ours(original, options, folder / "called.mlpackage")
            times = {
                "ours_s": call.processor, "ours_command_s": ours.processor, "theirs_s": theirs.processor,
                "time": call.processor / theirs.processor, "command": ours.processor / theirs.processor,
            }  # fmt: skip
            yield row | times | {"goal": VECTOR_GOAL, "time_goal": time_goal}


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print them as a table in Markdown."""
    print(f"\n{title}\n\n| weights | scheme | number | all | worst | above 1 | time |")
    print("| --- | --- | --: | --: | --: | --: | --: |")
    for row in rows:
        if "refused" in row:
            print(f"| {row['model']} | {row['scheme']} | {row['refused']} |")
            continue
        goal = f" (at most {row['goal']})" if "goal" in row else ""
        time = f"{row['time']:.3f} (at most {row['time_goal']}; command {row['command']:.3f})" if "time" in row else ""
        print(
            f"| {row['model']} | {row['scheme']} | {row['weights']} | {row['ratio']:.4f}{goal} "
            f"| {row['worst']:.6f} {row['worst_weight']} | {row['above']} | {time} |"
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="all networks, in all numbers of bits")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as made:
            models, schemes = ALL if arguments.all else SOME
            tables = {
                "Palettes of numbers, optc's error over coremltools'": list(on_networks(models, schemes, Path(made))),
                "Heavy-tailed weights": list(on_heavy_tails(Path(made))),
                "Palettes of vectors": list(of_vectors(Path(made))),
            }
    except AbsentError as absent:
        print(f"skipped: {absent}")
        return
    if arguments.json:
        print(json.dumps(tables, indent=2))
        return
    for title, rows in tables.items():
        show(title, rows)


if __name__ == "__main__":
    main()
