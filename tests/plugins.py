"""Installs plug-ins into a folder as an installer would: their files, and a `.dist-info` with the entry points."""

import importlib
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ACME = Path(__file__).parent / "plugin"


def install(folder: Path, name: str, groups: Mapping[str, Mapping[str, str]], files: Mapping[str, str]) -> None:
    """Put a distribution of version 1.0 into a folder: entry points by group, texts by path of the file."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in held.items()) for group, held in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(lines), "utf-8")


def install_acme(folder: Path) -> None:
    """Install the test package, with the entry points that its own pyproject.toml declares."""
    project = tomllib.loads((ACME / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == "1.0"
    install(folder, project["name"], project["entry-points"], {})
    shutil.copytree(ACME / "acme_optc", folder / "acme_optc", ignore=shutil.ignore_patterns("__pycache__"))


@contextmanager
def on_the_path(folder: Path) -> Iterator[None]:
    """Let what is in a folder be importable, and its entry points be found; and forget it afterwards."""
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]
        importlib.invalidate_caches()
