"""Imports point down the layers, and every package stands in one."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
NO_LAYER = {"optc/__init__.py", "optc/__main__.py"}


@pytest.fixture(scope="module")
def layers() -> list[str]:
    contract = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
    return [name.strip() for layer in contract["layers"] for name in layer.split("|")]


def imports_facade(text: str) -> bool:
    """Whether a module imports names that `optc` itself hands on, and with them the whole driver."""
    return any(
        (isinstance(node, ast.Import) and any(alias.name == "optc" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "optc")
        for node in ast.walk(ast.parse(text))
    )


def test_imports_point_down_the_layers() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--config", PYPROJECT, "--no-cache"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_stands_in_a_layer(sources: dict[str, str], layers: list[str]) -> None:
    homes = tuple(layer.replace(".", "/") for layer in layers)
    strays = [
        path
        for path in sources
        if path not in NO_LAYER and not any(path == f"{home}.py" or path.startswith(f"{home}/") for home in homes)
    ]
    assert strays == []


def test_no_module_imports_the_facade(sources: dict[str, str]) -> None:
    assert [path for path, text in sources.items() if imports_facade(text)] == []


@pytest.mark.parametrize("text", ["import optc", "from optc import load", "def f():\n    import optc"])
def test_an_import_of_the_facade_is_seen(text: str) -> None:
    assert imports_facade(text)


@pytest.mark.parametrize("text", ["import optc.ir.op", "from optc.errors import OptcError", "from . import optc"])
def test_an_import_of_a_module_is_no_import_of_the_facade(text: str) -> None:
    assert not imports_facade(text)
