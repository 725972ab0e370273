"""What interop tests share: the published architectures, as PyTorch modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def architectures(shared_models: Path) -> ModuleType:
    """The module that builds them, which lies beside the real models; a skip where it, or PyTorch, is absent."""
    pytest.importorskip("torch", reason="torch is not installed")
    file = shared_models.parent / "peer" / "architectures.py"
    if not file.is_file():
        pytest.skip(f"no architectures at {file}")
    spec = importlib.util.spec_from_file_location("architectures", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
