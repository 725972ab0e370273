"""The source text of the packages, for tests that read code instead of running it."""

from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGES = ("optc", "passes", "backends")


@pytest.fixture(scope="session")
def sources() -> dict[str, str]:
    """Text of every module of the packages as installed, by its path (`optc/ir/op.py`)."""
    found = {}
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            found[path.relative_to(root.parent).as_posix()] = path.read_text(encoding="utf-8")
    return found
