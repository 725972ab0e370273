"""Loading and saving programs: the format is known by the suffix."""

from pathlib import Path

from optc.errors import OptcError, UsageError
from optc.ir.block import Program
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
        raise OptcError("no-such-file", str(path), "model file", "a file that exists")
    if suffix == ".onnx":
        from optc.formats.onnx.reader import read_onnx

        program = read_onnx(place)
    else:
        program = read_optc(place)
    verify(program)
    return program


def read_optc(path: Path) -> Program:
    """The program in a `.optc` file, not verified: failing programs are kept in such files."""
    from optc.formats.text.files import read_text
    from optc.ops.catalog import CATALOG

    return read_text(path, CATALOG)


def save(program: Program, path: str | Path) -> None:
    """Write a program to a model file; it appears whole or not at all.

    Raises:
        OptcError: the format cannot express the program, or the file cannot be written.
        UsageError: the suffix is none that optc writes.
    """
    place = Path(path)
    suffix = _suffix(place)
    try:
        if suffix == ".onnx":
            from optc.formats.onnx.writer import write_onnx

            write_onnx(program, place)
        else:
            from optc.formats.text.files import write_text

            write_text(program, place)
    except OSError as error:
        raise OptcError("unwritable", str(path), "place of the file", "writable", error.strerror) from None


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError("unknown-format", str(path), "suffix", f"one of {', '.join(SUFFIXES)}", suffix or "none")
    return suffix
