"""Writing to the terminal and to files."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optc.errors import OptcError


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that `what` is going on; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def place_text(path: Path, text: str) -> None:
    """Write a text file; it appears whole or not at all.

    Raises:
        OptcError: slug `unwritable`.
    """
    try:
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(aside, path)
    except OSError as error:
        raise OptcError("unwritable", str(path), "place of the file", "writable", error.strerror) from None
