"""Coverage-guided fuzzing of the readers: whatever bytes there are, a model is read, or refused in one clear error.

    pip install atheris -e .[test]
    python tools/fuzz_readers.py onnx|coreml|weights|optc [CORPUS] [options of libFuzzer, such as -max_total_time=600]

What counts as a finding: any exception that is not optc's own error, a run of more than 2 seconds, or more than 300 MB,
of which the fuzzer itself takes a third.
What is read is also verified, inspected and written again. The corpus, a folder that grows, starts with small random
programs in the format. The formats: ONNX files, Core ML model files beside a fixed weight file, weight files beside a
fixed model, and programs as text.
"""

import random
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["optc", "passes"]):
    from optc.driver.inspection import inspect
    from optc.driver.models import load, save
    from optc.errors import OptcError
    from optc.ir.block import Program
    from optc.testing.programs import programs
    from optc.testing.wire import mutated

SEEDS = 150
SUFFIXES = {"onnx": ".onnx", "coreml": ".mlpackage", "weights": ".mlpackage", "optc": ".optc"}
MODEL = Path("Data/com.apple.CoreML/model.mlmodel")
WEIGHTS = Path("Data/com.apple.CoreML/weights/weight.bin")


def seeds(kind: str, corpus: Path, folder: Path) -> None:
    """Fill an empty corpus with random programs, and leave one of them in the folder, for its other files."""
    draw = programs(most=6)
    place = folder / f"model{SUFFIXES[kind]}"
    made = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while made < SEEDS:
            program: Program = draw.example()
            try:
                save(program, place)
            except OptcError:
                continue
            (corpus / f"seed{made}").write_bytes(part(kind, place).read_bytes())
            made += 1


def part(kind: str, place: Path) -> Path:
    """The file of a model that is fuzzed."""
    return {"coreml": place / MODEL, "weights": place / WEIGHTS}.get(kind, place)


def main() -> None:
    """Run the fuzzer that the first argument names."""
    kind = sys.argv[1]
    named = [Path(a) for a in sys.argv[2:] if not a.startswith("-")]
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    corpus = named[0] if named else folder / "corpus"
    corpus.mkdir(exist_ok=True)
    place = folder / f"model{SUFFIXES[kind]}"
    with tempfile.TemporaryDirectory() as scratch:
        seeds(kind, corpus if not any(corpus.iterdir()) else Path(scratch), folder)
    file, again = part(kind, place), folder / f"again{SUFFIXES[kind]}"

    def one(data: bytes) -> None:
        file.write_bytes(data)
        try:
            program = load(place)
            inspect(program)
            save(program, again)
        except OptcError:
            pass

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if kind in ("onnx", "coreml") and rng.random() < 0.8:
            return mutated(data, rng, rng.randrange(1, 4))[:most]
        return bytes(atheris.Mutate(data, most))

    options = [a for a in sys.argv[2:] if a.startswith("-")]
    limits = ["-timeout=2", "-rss_limit_mb=300", "-max_len=65536"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, *options], one, custom_mutator=mutate)
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
