"""Loading and saving programs: the format is known by the suffix."""

from pathlib import Path

from optc.driver.output import check_place, unwritable
from optc.driver.suffixes import COREML_TARGETS, READ_ONLY, WRITTEN
from optc.errors import OptcError, UsageError
from optc.formats.placing import checked_folder_place
from optc.formats.reading import Reading, unwatched
from optc.ir.block import Program
from optc.ir.const import Const
from optc.ir.verifier import verify
from optc.pipeline.suggest import did_you_mean


def load(path: str | Path, *, report: Reading = unwatched) -> Program:
    """The verified program in a model file (`.onnx`, `.mlmodel`, `.pt2`, `.optc`) or folder (`.mlpackage`).

    A lowered program is verified as such: what may stand where, and on which unit each value is. `report` is told now
    and then how many operations are read, and of how many, where that is known.

    Raises:
        OptcError: the file cannot be read, or is not a valid model.
        UsageError: the suffix is none that optc reads.
    """
    place = Path(path)
    suffix = _suffix(place, (*WRITTEN, *READ_ONLY))
    folder = suffix == ".mlpackage"
    if not (place.is_dir() if folder else place.is_file()):
        what = "a folder" if folder else "a file"
        actual = "a folder" if place.is_dir() else "a file" if place.exists() else f"no such {what.split()[1]}"
        raise OptcError("no-such-file", str(path), f"model {what.split()[1]}", f"{what} that exists", actual)
    program = _read(place, suffix, report)
    if not program.functions:
        raise OptcError("no-function", str(path), "program", "at least one function", "none")
    try:
        _verify(program, may_be_lowered=suffix == ".optc")
    except OptcError as error:
        raise error.at(f"{path}: {error.where}") from None
    return program


def _verify(program: Program, may_be_lowered: bool) -> None:
    if may_be_lowered:
        from backends.lowered_ops import is_lowered

        if is_lowered(program):
            from backends.lowered_verifier import verify_lowered

            verify_lowered(program)
            return
    verify(program)


def _read(place: Path, suffix: str, report: Reading) -> Program:
    if suffix == ".onnx":
        from optc.formats.onnx.reader import read_onnx

        return read_onnx(place, report)
    if suffix == ".optc":
        from backends.lowered_ops import CATALOG
        from optc.formats.text.files import read_text

        return read_text(place, CATALOG)
    if suffix == ".pt2":
        from optc.formats.torch.reader import read_torch

        return read_torch(place)
    from optc.formats.coreml.reader import read_coreml

    return read_coreml(place, report)


def save(program: Program, path: str | Path, *, target: str = "") -> tuple[Path, ...]:
    """Write a program to a model file, constants beside it where the format needs that; the files that were written.

    They appear whole or not at all. `target` is `ios15` to `ios26` for a Core ML model and `onnx` for ONNX; without it
    a Core ML model is for that which it was read for, or else for the lowest from iOS 16 on that can express it.

    Raises:
        OptcError: the format, or the target, cannot express the program, or the file cannot be written.
        UsageError: the suffix is none that optc writes, or the target none for it.
    """
    place = Path(path)
    suffix = _suffix(place, WRITTEN)
    check_target(place, target)
    try:
        if suffix == ".onnx":
            from optc.formats.onnx.writer import write_onnx

            return write_onnx(program, place)
        if suffix == ".mlpackage":
            from optc.formats.coreml.writer import write_coreml

            return write_coreml(program, place, target)
        from optc.formats.text.files import write_text

        return write_text(program, place)
    except OSError as error:
        raise unwritable(place, error) from None


def check_target(path: Path, target: str) -> None:
    """Check that a target is one for the format of a file; none is fine.

    Raises:
        UsageError: slug `target`.
    """
    fitting = {".onnx": ("onnx",), ".mlpackage": COREML_TARGETS}.get(path.suffix.lower(), ())
    if target and target not in fitting:
        expected = f"one of {', '.join(fitting)}" if fitting else "absent"
        raise UsageError("target", str(path), "target", expected, target, did_you_mean(target, fitting))


def check_output(path: Path | None, target: str = "") -> None:
    """Check that `save` can put a model at `path`, before the work that it is for; no path is fine.

    Raises:
        OptcError: the file cannot be written.
        UsageError: the suffix is none that optc writes, or the target none for it.
    """
    if path is None:
        return
    suffix = _suffix(path, WRITTEN)
    check_target(path, target)
    if suffix != ".mlpackage":
        check_place(path)
        return
    try:
        checked_folder_place(path)
    except OSError as error:
        raise unwritable(path, error) from None


def bytes_on_disk(program: Program, path: Path) -> int:
    """Bytes of the file or folder that a program was loaded from, and of files beside it that hold its constants."""
    return bytes_of(path) if path.is_dir() else sum(file.stat().st_size for file in files_of(program, path))


def files_of(program: Program, path: Path) -> set[Path]:
    """The file or folder that a program was loaded from, and the files, mostly beside it, that hold its constants."""
    stores = (getattr(op.value.storage, "path", None) for op in program.walk() if isinstance(op, Const))
    return {path.resolve(), *(store.resolve() for store in stores if store is not None)}


def bytes_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _suffix(path: Path, known: tuple[str, ...]) -> str:
    suffix = path.suffix.lower()
    if suffix not in known:
        raise UsageError("unknown-format", str(path), "suffix", f"one of {', '.join(known)}", suffix or "none")
    return suffix
