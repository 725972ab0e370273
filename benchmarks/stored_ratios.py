"""How small packages become: optc, coremltools, and what Apple published.

    python benchmarks/stored_ratios.py                    # the five architectures of the published table
    python benchmarks/stored_ratios.py --json

A ratio is the bytes of the float16 package over those of the compressed one, all files included. Weights are random
and thresholds as they are by default. Optc's `weight.bin` may not be larger than coremltools', and the published ratios
of post-training compression are to be met within 3 %. Source: "Performance" in the guide to coremltools' optimization,
https://apple.github.io/coremltools/docs-guides/source/opt-palettization-perf.html and its neighbours.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peer import (
    AbsentError,
    RefusedError,
    Scheme,
    compress_ours,
    compressed_by_them,
    package,
    palette,
    quantized,
    sparse,
)

SCHEMES = (palette(8), palette(6), palette(4), palette(4, group_size=16), quantized("int8"), sparse(50), sparse(75))
PUBLISHED = {
    "mobilenetv2": {"palette 8-bit": 1.97, "palette 6-bit": 2.54, "int8": 1.92},
    "mobilenetv3s": {"palette 8-bit": 1.93, "palette 6-bit": 2.60},
    "resnet50": {
        "palette 8-bit": 1.99, "palette 6-bit": 2.65, "int8": 1.99, "sparse 50 %": 1.77, "sparse 75 %": 3.17,
    },
    "centernet34": {"palette 8-bit": 2.00, "palette 6-bit": 2.65},
    "mobilevitv2": {"int8": 1.92},
}  # fmt: skip
WITHIN = 0.03
"""How far a ratio may be from the published one, as a share of that."""


def measured(name: str, scheme: Scheme, folder: Path) -> dict[str, Any]:
    """The row of an architecture and a scheme."""
    original, ours = package(name), folder / "ours.mlpackage"
    compress_ours(original, scheme, ours)
    theirs = compressed_by_them(original, scheme)
    ratio = size(original) / size(ours)
    published = PUBLISHED[name].get(scheme.name)
    weights = [sum(file.stat().st_size for file in path.rglob("weight.bin")) for path in (ours, theirs)]
    return {
        "model": name, "scheme": scheme.name, "ratio": ratio, "theirs": size(original) / size(theirs),
        "published": published, "off": None if published is None else ratio / published - 1,
        "weight_bytes": weights[0], "their_weight_bytes": weights[1],
        "fine": weights[0] <= weights[1] and (published is None or abs(ratio / published - 1) <= WITHIN),
    }  # fmt: skip


def size(path: Path) -> int:
    """Bytes of all files of a package."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def rows() -> Iterator[dict[str, Any]]:
    """All rows."""
    with tempfile.TemporaryDirectory() as made:
        for name in PUBLISHED:
            for scheme in SCHEMES:
                try:
                    yield measured(name, scheme, Path(made))
                except RefusedError as error:
                    yield {"model": name, "scheme": scheme.name, "refused": str(error), "fine": False}


def show(row: dict[str, Any]) -> str:
    """A line of the table in Markdown."""
    if "refused" in row:
        return f"| {row['model']} | {row['scheme']} | {row['refused']} |"
    published = "" if row["published"] is None else f"{row['published']:.2f} ({row['off']:+.1%})"
    more = row["weight_bytes"] - row["their_weight_bytes"]
    return (
        f"| {row['model']} | {row['scheme']} | {row['ratio']:.3f} | {row['theirs']:.3f} | {published} "
        f"| {row['weight_bytes']:,} | {more:+,} | {'' if row['fine'] else 'no'} |"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        found = list(rows())
    except AbsentError as absent:
        print(f"skipped: {absent}")
        return
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print("| model | scheme | optc | coremltools | published | `weight.bin` | less coremltools' | goals met |")
    print("| --- | --- | --: | --: | --: | --: | --: | --- |")
    for row in found:
        print(show(row))


if __name__ == "__main__":
    main()
