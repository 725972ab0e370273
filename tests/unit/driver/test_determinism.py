"""`optc compress` writes the same bytes, whatever the number of threads, the seed of hashes, and with and without C."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from optc.numerics import native

EXAMPLE = Path(__file__).parents[3] / "examples" / "digits.onnx"
SCHEMES = (
    "--palettize 6",
    "--palettize 3 --group-size 16 --per-channel-scale",
    "--palettize 4 --table int8",
    "--quantize int8",
    "--quantize uint4 --mode asymmetric --block-size 32",
    "--sparsify 0.5",
    "--sparsify 0.5 --palettize 4",
    "--palettize 4 --quantize int8",
    "--pipeline @cleanup,sparsify{sparsity=0.3,scope=model},quantize{joint=true}",
)
FORMATS = ("onnx", "mlpackage")
# Compresses in one process, with each number of threads; says the SHA-256 of all that was written.
_COMPRESS = """
import contextlib, hashlib, io, json, pathlib, shutil, sys
model, folder, kernels, workers, schemes, formats = json.loads(sys.argv[1])
if not kernels:
    sys.modules["optc.numerics.native._kernels"] = None
from optc.driver.main import run
from optc.numerics import native
assert kernels or native.kernels is None
found = []
for scheme in schemes:
    for kind in formats:
        for count in workers:
            out = pathlib.Path(folder, f"small.{kind}")
            with contextlib.redirect_stdout(io.StringIO()):
                assert run(["compress", model, *scheme.split(), "--workers", str(count), "-o", str(out)]) == 0
            digest = hashlib.sha256()
            for file in sorted(out.rglob("*")) if out.is_dir() else [out]:
                digest.update(f"{file.relative_to(out)}\\n".encode())
                digest.update(file.read_bytes() if file.is_file() else b"")
            found.append([scheme, kind, digest.hexdigest()])
            shutil.rmtree(out) if out.is_dir() else out.unlink()
print(json.dumps(found))
"""


def digests(folder: Path, seed: int, workers: list[int], kernels: bool = True) -> list[tuple[str, str, str]]:
    """What a fresh process writes, by scheme and format."""
    arguments = json.dumps([str(EXAMPLE), str(folder), kernels, workers, SCHEMES, FORMATS])
    command = [sys.executable, "-c", _COMPRESS, arguments]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return [(scheme, kind, digest) for scheme, kind, digest in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str, str]]:
    """What one thread writes."""
    return set(digests(tmp_path_factory.mktemp("reference"), seed=0, workers=[1]))


def test_each_scheme_writes_something_else_in_each_format(reference: set[tuple[str, str, str]]) -> None:
    assert len({digest for _, _, digest in reference}) == len(SCHEMES) * len(FORMATS)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_files_are_the_same_for_any_number_of_threads_in_any_run(
    seed: int, reference: set[tuple[str, str, str]], tmp_path: Path
) -> None:
    assert set(digests(tmp_path, seed, workers=[1, 2, 4, 8])) == reference


@pytest.mark.skipif(native.kernels is None, reason="the compiled kernels were not built")
def test_files_are_the_same_without_the_compiled_kernels(reference: set[tuple[str, str, str]], tmp_path: Path) -> None:
    assert set(digests(tmp_path, seed=3, workers=[8], kernels=False)) == reference
