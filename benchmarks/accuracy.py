"""What compression costs in truth: all schemes on trained networks, by the measure of each.

    python benchmarks/accuracy.py                              # all, which takes an hour or so
    python benchmarks/accuracy.py --schemes 'palette 8' int8   # those with such names; --models likewise
    python benchmarks/accuracy.py --write docs/accuracy.md     # the tables as a page

The measures are those of the evaluation scripts beside the real models (`OPTC_MODELS`, by default
`../shared/models`). Models are compressed each time, but a compressed model is evaluated only once: results are kept
by the SHA-256 of its file, in the folder `OPTC_BENCHMARKS`. So a table can be made again after a change in the time
that its changed rows take.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
from peer import FOLDER, MODELS, AbsentError, RefusedError
from real_models import SCHEMES, UnknownError, chosen, model, optc

FLOAT = "float32"
GOALS = {"palette 8-bit": 0.5, "palette 8-bit, channel scales": 0.5, "int8": 0.5}
"""Schemes, and the most points that each may lose on any model."""
NOT_KNOWN = "not an option of this version"


@attrs.frozen
class Measure:
    """A column: a model, the script that judges it and its arguments, and the figure to take.

    `scale` makes points (hundredths) of a fraction; a measure without points is better when it is lower.
    """

    title: str
    model: str
    script: tuple[str, ...]
    figure: str
    arguments: tuple[str, ...] = ()
    scale: float = 100.0


MEASURES = (
    Measure("EfficientNet-Lite0, top-1", "efficientnet_lite0.onnx", ("eval_imagenet.py",), "top1"),
    Measure("MiniLM-L6, Spearman", "minilm_l6_trimvocab.onnx", ("eval_minilm.py",), "spearman"),
    Measure("Llama 260K, next token", "aidreams260k_llama.onnx", ("eval_lm.py",), "top1"),
    Measure("Llama 260K, perplexity", "aidreams260k_llama.onnx", ("eval_lm.py",), "perplexity", scale=1.0),
    Measure("PP-OCRv4, lines", "ppocrv4_rec.onnx", ("eval_ocr.py", "rec"), "exact"),
    Measure("PP-OCRv4, characters", "ppocrv4_rec.onnx", ("eval_ocr.py", "rec"), "char_acc"),
    Measure("FastestDet, mAP50", "fastestdet.onnx", ("eval_fastestdet.py",), "mAP50"),
    Measure("Silero VAD, AUC", "silero_vad_16k_seq.onnx", ("eval_audio.py", "vad"), "auc"),
    Measure("CREPE tiny, within 50 cents", "crepe_tiny.onnx", ("eval_audio.py", "pitch"), "rpa50"),
)


class Results:
    """What the scripts said, by what they were run on; kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def of(self, measure: Measure, file: Path) -> float:
        """The figure for a model in a file.

        Raises:
            RefusedError: the script failed.
        """
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        key = " ".join((digest, *measure.script, *measure.arguments, metadata.version("onnxruntime")))
        if key not in self.known:
            self.known[key] = _evaluated(measure, file)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.known, indent=1), "utf-8")
        return measure.scale * float(self.known[key][measure.figure])


def _evaluated(measure: Measure, file: Path) -> dict[str, Any]:
    script, *words = measure.script
    command = [sys.executable, str(MODELS / script), *words, str(file), *measure.arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(f"{script}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@attrs.define
class Table:
    """Figures, and sizes as a share of the float32 file's, by scheme and title or model; or why there is none."""

    figures: dict[str, dict[str, float]] = attrs.field(factory=dict)
    sizes: dict[str, dict[str, float]] = attrs.field(factory=dict)
    gaps: dict[str, dict[str, str]] = attrs.field(factory=dict)

    def lost(self, measure: Measure, scheme: str) -> float | None:
        """Points that a scheme loses; None where that has no meaning or is not known."""
        before, after = (self.figures.get(name, {}).get(measure.title) for name in (FLOAT, scheme))
        return None if before is None or after is None or measure.scale != 100 else before - after

    def failures(self) -> list[str]:
        """Where a goal is not met."""
        found = []
        for scheme, most in GOALS.items():
            for measure in MEASURES:
                lost = self.lost(measure, scheme)
                if lost is not None and lost > most + 1e-9:
                    found.append(f"{scheme}: {measure.title} loses {lost:.2f} points (at most {most})")
        return found


def fill(table: Table, name: str, schemes: list[str], results: Results, folder: Path) -> None:
    """The entries of one model."""
    original = model(name)
    measures = [measure for measure in MEASURES if measure.model == name]
    for scheme in (FLOAT, *schemes):
        file = original if scheme == FLOAT else folder / "small.onnx"
        try:
            if scheme != FLOAT:
                optc("compress", original, *SCHEMES[scheme], "-o", file)
            for measure in measures:
                table.figures.setdefault(scheme, {})[measure.title] = results.of(measure, file)
            table.sizes.setdefault(scheme, {})[name] = file.stat().st_size / original.stat().st_size
        except UnknownError:
            table.gaps.setdefault(scheme, {})[name] = NOT_KNOWN
        except RefusedError as error:
            table.gaps.setdefault(scheme, {})[name] = str(error)
        print(f"{name}: {scheme}", file=sys.stderr)


PAGE = """# Accuracy of compressed networks

What data-free compression costs, on trained networks and by the measure of each: points (hundredths) of the share of
pictures, tokens, lines, characters or frames that are right, of the rank correlation, of the mean average precision or
of the area under the curve; for perplexity, the perplexity. Weights of fewer than 2,048 elements stay dense. Each model
was compressed to ONNX and run by ONNX Runtime {onnxruntime}, without calibration data and without training.
Of the measures, lines go in steps of 0.5 points and pictures in steps of 0.2. FastestDet is judged by 42 pictures:
drawn anew with replacement, 400 times, they change what palettes of 8 bits lose by 0.8 points (standard deviation).

Made by `python benchmarks/accuracy.py --write docs/accuracy.md`; where the data come from stands in its text.
"""

GOALS_TEXT = """## Goals

Palettes of 8 bits, with and without a scale for each channel, and int8 with such scales lose at most half a point.
"""


def page(table: Table) -> str:
    """The tables in Markdown."""
    titles = [measure.title for measure in MEASURES if measure.title in table.figures.get(FLOAT, {})]
    models = list(dict.fromkeys(measure.model for measure in MEASURES if measure.title in titles))
    failures = table.failures()
    parts = [PAGE.format(onnxruntime=metadata.version("onnxruntime"))]
    parts.append(_rows(table.figures, titles, "{:.2f}"))
    parts.append("## Size\n\nBytes of the compressed file, as a share of the float32 file.\n")
    parts.append(_rows(table.sizes, models, "{:.3f}"))
    parts.append(GOALS_TEXT)
    parts.append("\n".join(f"- {line}" for line in failures) + "\n" if failures else "Met on every model.\n")
    gaps = [
        f"- {scheme}: {', '.join(sorted(given))}: {reason}"
        for scheme, by_model in table.gaps.items()
        for reason in sorted(set(by_model.values()) - {NOT_KNOWN})
        for given in [[name for name, why in by_model.items() if why == reason]]
    ]
    if gaps:
        parts.append("## Refused\n\n" + "\n".join(gaps) + "\n")
    return "\n".join(parts)


def _rows(values: dict[str, dict[str, float]], columns: list[str], form: str) -> str:
    lines = [f"| scheme | {' | '.join(columns)} |", "| --- |" + " --: |" * len(columns)]
    for scheme, row in values.items():
        cells = (form.format(row[column]) if column in row else "" for column in columns)
        lines.append(f"| {scheme} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[], metavar="WORD", help="models whose names have one of these")
    parser.add_argument("--schemes", nargs="+", default=[], metavar="WORD", help="schemes, likewise")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results, table = Results(FOLDER / "accuracy.json"), Table()
    try:
        with tempfile.TemporaryDirectory() as made:
            for name in chosen(dict.fromkeys(measure.model for measure in MEASURES), arguments.models):
                fill(table, name, chosen(SCHEMES, arguments.schemes), results, Path(made))
    except AbsentError as absent:
        print(f"skipped: {absent}")
        return
    text = json.dumps(attrs.asdict(table) | {"failures": table.failures()}, indent=2) if arguments.json else page(table)
    if arguments.write:
        arguments.write.write_text(text, "utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
