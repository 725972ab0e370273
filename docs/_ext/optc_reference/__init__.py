"""Writes the reference pages from the code, before Sphinx reads the folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optc_reference import commands, devices, errors, operators, ops, passes, python_api

FOLDER = "reference"
WRITERS: tuple[Callable[[], Mapping[str, str]], ...] = (
    commands.pages, passes.pages, ops.pages, operators.pages, devices.pages, python_api.pages, errors.pages,
)  # fmt: skip
"""Each gives the text of its pages, in Markdown, by the name of the file."""


def pages() -> dict[str, str]:
    """The text of every reference page by the name of its file."""
    return {name: text for write in WRITERS for name, text in write().items()}


def write(folder: Path) -> None:
    """Write the pages; those that are up to date keep their time, so that Sphinx need not read them again."""
    folder.mkdir(exist_ok=True)
    made = pages()
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def setup(app: Any) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / FOLDER))
    return {"parallel_read_safe": True}
