"""Starting is quick because nothing heavy is imported before it is used."""

import subprocess
import sys

import pytest

HEAVY = {"coremltools", "jinja2", "networkx", "numpy", "onnx", "onnxruntime", "rich", "safetensors", "torch"}


def imported_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter holds after one statement."""
    code = f"import sys; {statement}; sys.stdout.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["optc", "optc.driver.main"])
def test_importing_it_imports_nothing_heavy(module: str) -> None:
    modules = imported_by(f"import {module}")
    assert module in modules
    assert modules & HEAVY == set()


def test_a_heavy_import_is_seen() -> None:
    assert "numpy" in imported_by("import numpy")
