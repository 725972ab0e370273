"""Loading and saving programs: the format is known by the suffix."""

from pathlib import Path

from optc.driver.output import check_place, unwritable
from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.const import Const
from optc.ir.verifier import verify

SUFFIXES = (".onnx", ".optc")


def load(path: str | Path) -> Program:
    """The verified program in a model file (`.onnx`, `.optc`).

    Raises:
        OptcError: the file cannot be read, or is not a valid model.
        UsageError: the suffix is none that optc reads.
    """
    place = Path(path)
    suffix = _suffix(place)
    if not place.is_file():
        actual = "a folder" if place.is_dir() else "no such file"
        raise OptcError("no-such-file", str(path), "model file", "a file that exists", actual)
    if suffix == ".onnx":
        from optc.formats.onnx.reader import read_onnx

        program = read_onnx(place)
    else:
        from optc.formats.text.files import read_text
        from optc.ops.catalog import CATALOG

        program = read_text(place, CATALOG)
    if not program.functions:
        raise OptcError("no-function", str(path), "program", "at least one function", "none")
    try:
        verify(program)
    except OptcError as error:
        raise error.at(f"{path}: {error.where}") from None
    return program


def save(program: Program, path: str | Path) -> tuple[Path, ...]:
    """Write a program to a model file, constants beside it where the format needs that; the files that were written.

    They appear whole or not at all.

    Raises:
        OptcError: the format cannot express the program, or the file cannot be written.
        UsageError: the suffix is none that optc writes.
    """
    place = Path(path)
    suffix = _suffix(place)
    try:
        if suffix == ".onnx":
            from optc.formats.onnx.writer import write_onnx

            return write_onnx(program, place)
        from optc.formats.text.files import write_text

        return write_text(program, place)
    except OSError as error:
        raise unwritable(place, error) from None


def check_output(path: Path | None) -> None:
    """Check that `save` can put a model at `path`, before the work that it is for; no path is fine.

    Raises:
        OptcError: the file cannot be written.
        UsageError: the suffix is none that optc writes.
    """
    if path is not None:
        _suffix(path)
        check_place(path)


def bytes_on_disk(program: Program, path: Path) -> int:
    """Bytes of the file that a program was loaded from, and of the files beside it that hold its constants."""
    stores = (getattr(op.value.storage, "path", None) for op in program.walk() if isinstance(op, Const))
    files = {path.resolve(), *(store.resolve() for store in stores if store is not None)}
    return sum(file.stat().st_size for file in files)


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError("unknown-format", str(path), "suffix", f"one of {', '.join(SUFFIXES)}", suffix or "none")
    return suffix
