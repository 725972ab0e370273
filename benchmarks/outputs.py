"""Whether what `optc compress` writes runs elsewhere: all schemes on all real models.

    python benchmarks/outputs.py                               # all, which takes half an hour or so
    python benchmarks/outputs.py --schemes 'palette 4' int8    # those with such names; --models likewise

Each model is compressed to ONNX, and plain ONNX Runtime has to give what it gives for the same model decompressed
(`optc decompress`); ONNX Runtime, which may round the inputs of quantized products, is told not to. Each is compressed
to a Core ML package as well, which coremltools has to open, and whose operations it has to find valid. The table says
how far outputs are apart, relative to the largest of each; what fails is listed below it, and makes the exit code 1.
"""

import argparse
import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from peer import AbsentError, RefusedError
from real_models import NAMES, SCHEMES, UnknownError, chosen, model, optc

NOT_IN_COREML = "8-bit floats"
"""Words of the message that refuses what Core ML cannot express; a refusal in these words is no failure."""
MOST = 1e-4
MOST_IN_HALF = 4e-3
"""How far outputs may be apart, relative to the largest: fused operators round at other places. The packages among the
models are in float16."""
_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


def session(path: Path) -> onnxruntime.InferenceSession:
    """A model in ONNX Runtime as it is by default, but for the inputs of products, which are not rounded."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def inputs(running: onnxruntime.InferenceSession, size: int) -> dict[str, Any]:
    """Seeded inputs; sizes that may differ are `size`, and pictures among them 48 by 64."""
    rng = np.random.default_rng(0)
    found = {}
    for value in running.get_inputs():
        free = iter((size, 3, 48, 64) if len(value.shape) == 4 else ())
        shape = [next(free, size) if not isinstance(dim, int) else (next(free, 0), dim)[1] for dim in value.shape]
        if value.type in _FLOATS:
            found[value.name] = (0.5 * rng.standard_normal(shape)).astype(_FLOATS[value.type])
        else:
            kind = np.int32 if value.type == "tensor(int32)" else np.int64
            found[value.name] = rng.integers(0, 2 if "mask" in value.name else 100, shape).astype(kind)
    return found


def apart(compressed: Path, dense: Path, size: int) -> float:
    """How far the outputs of two models are apart, relative to the largest of each.

    Raises:
        RefusedError: ONNX Runtime does not run one, or an output is not finite.
    """
    try:
        first, second = session(compressed), session(dense)
        given = inputs(second, size)
        pairs = zip(first.run(None, given), second.run(None, given), strict=True)
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise RefusedError(f"ONNX Runtime: {error}") from None
    most = 0.0
    for a, b in pairs:
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise RefusedError("an output is not finite")
        most = max(most, float(np.abs(a - b).max(initial=0) / max(1.0, np.abs(b).max(initial=0))))
    return most


def check_package(path: Path) -> None:
    """Have coremltools open a package, and load each operation.

    Raises:
        AbsentError: coremltools is not installed.
        RefusedError: it refuses the package.
    """
    try:
        import coremltools
        from coremltools.converters.mil.frontend.milproto.load import load
        from coremltools.models.utils import load_spec
    except ImportError:
        raise AbsentError("coremltools is not installed") from None
    try:
        coremltools.models.MLModel(str(path), skip_model_load=True)
        spec = load_spec(str(path))
        load(spec, spec.specificationVersion, str(path / "Data" / "com.apple.CoreML" / "weights"))
    except Exception as error:  # nor have coremltools'
        raise RefusedError(f"coremltools: {error}") from None


def checked(name: str, scheme: str, folder: Path) -> dict[str, Any]:
    """What became of one model: `apart`, and `problems` by format."""
    row: dict[str, Any] = {"model": name, "scheme": scheme, "apart": None, "problems": {}}
    small, dense, package = folder / "small.onnx", folder / "dense.onnx", folder / "small.mlpackage"
    try:
        optc("compress", model(name), *SCHEMES[scheme], "-o", small)
        optc("decompress", small, "-o", dense)
        row["apart"] = apart(small, dense, NAMES[name])
        if row["apart"] > (MOST_IN_HALF if name.endswith(".mlpackage") else MOST):
            row["problems"]["onnx"] = f"outputs are {row['apart']:.1e} apart"
    except RefusedError as error:
        row["problems"]["onnx"] = str(error)
    try:
        target = ("--target", "ios18") if name.endswith(".mlpackage") else ()  # else it is that of the package
        optc("compress", model(name), *SCHEMES[scheme], "-o", package, *target)
        check_package(package)
    except RefusedError as error:
        if NOT_IN_COREML not in str(error):
            row["problems"]["mlpackage"] = str(error)
    return row


def main() -> int:
    """Print the figures; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[], metavar="WORD", help="models whose names have one of these")
    parser.add_argument("--schemes", nargs="+", default=[], metavar="WORD", help="schemes, likewise")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    rows = []
    try:
        with tempfile.TemporaryDirectory() as made:
            for name in chosen(NAMES, arguments.models):
                for scheme in chosen(SCHEMES, arguments.schemes):
                    try:
                        rows.append(checked(name, scheme, Path(made)))
                    except UnknownError:
                        continue
                    print(f"{name}: {scheme}", file=sys.stderr)
    except AbsentError as absent:
        print(f"skipped: {absent}")
        return 0
    failed = [row for row in rows if row["problems"]]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows, failed)
    return 1 if failed else 0


def show(rows: list[dict[str, Any]], failed: list[dict[str, Any]]) -> None:
    """Print the largest distance of each model, and what failed."""
    print("| model | schemes | outputs apart at most | failed |")
    print("| --- | --: | --: | --: |")
    for name in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == name]
        most = max((row["apart"] for row in own if row["apart"] is not None), default=float("nan"))
        print(f"| {name} | {len(own)} | {most:.1e} | {sum(row in failed for row in own)} |")
    for row in failed:
        for kind, problem in row["problems"].items():
            print(f"- {row['model']}, {row['scheme']}, {kind}: {problem}")


if __name__ == "__main__":
    sys.exit(main())
