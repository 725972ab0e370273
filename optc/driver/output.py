"""Writing to the terminal and to files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optc.driver.progress import working
from optc.errors import OptcError
from optc.formats.placing import aside, checked_place

if TYPE_CHECKING:
    from optc.ir.dtypes import Array


__all__ = [
    "check_place", "place_arrays", "place_text", "printable", "show_json", "unreadable", "unwritable", "working",
]  # fmt: skip


def show_json(data: Any) -> None:
    """Print data as JSON; even a quiet command does, as it was asked for."""
    click.echo(json.dumps(data, indent=2))


def printable(text: str) -> str:
    """The text without what would steer a terminal: names come from files that are not trusted."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def place_text(path: Path, text: str) -> None:
    """Write a text file; it appears whole or not at all.

    Raises:
        OptcError: slug `unwritable`.
    """
    try:
        with aside(path) as made:
            made.write_text(text, "utf-8")
    except OSError as error:
        raise unwritable(path, error) from None


def check_place(path: Path | None) -> None:
    """Check that a file can be put at `path`, before the work that it is for; no path is fine.

    Raises:
        OptcError: slug `unwritable`.
    """
    try:
        if path is not None:
            checked_place(path)
    except OSError as error:
        raise unwritable(path, error) from None


def place_arrays(path: Path, arrays: "Mapping[str, Array]") -> None:
    """Write an archive of arrays (.npz); it appears whole or not at all.

    Raises:
        OptcError: slug `unwritable`, or `not-storable` for an array of texts.
    """
    from optc.numerics.arrays import write_archive

    for name, array in arrays.items():
        if array.dtype.kind in "OV":
            raise OptcError("not-storable", str(path), f"output {name}", "of numbers that .npz has", array.dtype)
    try:
        with aside(path) as made, made.open("wb") as file:
            write_archive(file, arrays)
    except OSError as error:
        raise unwritable(path, error) from None


def unreadable(path: Path, what: str, error: OSError) -> OptcError:
    """The error for a file that cannot be read."""
    return OptcError("unreadable", str(path), what, "readable", error.strerror or error)


def unwritable(path: Path | None, error: OSError) -> OptcError:
    """The error for a file that cannot be written."""
    return OptcError("unwritable", str(path), "output file", "writable", error.strerror or error)
