"""Writing to the terminal and to files."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optc.driver.progress import working
from optc.errors import OptcError, UsageError
from optc.formats.placing import aside, checked_place

if TYPE_CHECKING:
    from optc.ir.dtypes import Array


__all__ = [
    "check_archive", "check_place", "check_places", "place_arrays", "place_text", "printable", "show_json",
    "unreadable", "unwritable", "working",
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


def check_places(where: str, places: Mapping[str, Path | None], kept: Iterable[Path | str | None]) -> None:
    """Check that files can be put at the places that options name, and overwrite neither each other nor what is `kept`.

    `kept` are the files and folders that the command reads, and its main output; a text beside a file of its own name
    and `.safetensors` is kept with that. What is neither file nor folder, such as `/dev/null`, may be written twice.

    Raises:
        UsageError: slug `output-place`, said of `where`, the command.
        OptcError: slug `unwritable`.
    """
    taken = [_real(path) for path in kept if path]
    for option, path in places.items():
        check_place(path)
        place = None if path is None else _real(path)
        if place is None or (place.exists() and not (place.is_file() or place.is_dir())):
            continue
        beside = [other.with_name(f"{other.name}.safetensors") for other in taken]
        if any(other == place or other in place.parents or _same(other, place) for other in (*taken, *beside)):
            raise UsageError("output-place", where, option, "another file than those that are read and written", path)
        taken.append(place)


def _real(path: Path | str) -> Path:
    return Path(os.path.realpath(path))


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def check_archive(path: Path | None, where: str) -> None:
    """Check that a place for arrays is one for an archive.

    Raises:
        UsageError: slug `outputs-suffix`.
    """
    if path is not None and path.suffix.lower() != ".npz":
        raise UsageError("outputs-suffix", where, "suffix of the outputs", ".npz", path.suffix or "none")


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
