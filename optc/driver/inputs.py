"""Inputs of a model from files: `--input NAME=FILE.npy`, `--input FILE.npz` for several, `--input NAME=PHOTO.jpg`."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends.lowered_ops import is_lowered
from optc.driver.output import unreadable
from optc.driver.suffixes import PICTURES
from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.ir.types import StateType, TensorType, Type
from optc.pipeline.suggest import did_you_mean


def input_files(options: Sequence[str]) -> list[str]:
    """The files that options of the forms of `read_inputs` name."""
    return [text.partition("=")[2] or text for text in options]


def read_inputs(options: Sequence[str], program: Program, where: str) -> dict[str, Array]:
    """Arrays by input name; `.npy` files are memory-mapped. Nothing is unpickled. `where` is the command, for errors.

    A picture becomes what Core ML makes of one: `[1, channels, height, width]`, values from 0 to 255.

    Raises:
        UsageError: an option has none of the forms; the model has no such input, or it is given twice.
        OptcError: a file cannot be read, or holds no plain arrays; the model takes no picture there, or one of another
            size.
    """
    taken = inputs_of(program)
    found: dict[str, Array] = {}
    for text in options:
        name, equals, file = text.partition("=")
        if text.endswith(".npz") and not equals:
            pairs = read_archive(Path(text))
        elif equals and name and file.endswith(".npy"):
            _check_name(name, taken, where)
            pairs = {name: _array(Path(file))}
        elif equals and name and file.lower().endswith(PICTURES):
            _check_name(name, taken, where)
            pairs = {name: _picture(Path(file), name, program)}
        else:
            forms = "NAME=FILE.npy, NAME=PICTURE or FILE.npz"
            raise UsageError("option-form", where, "option --input", forms, text)
        for key, array in pairs.items():
            _check_name(key, taken, where)
            if key in found:
                raise UsageError("input-twice", where, f"input {key}", "given once")
            found[key] = array
    return found


def inputs_of(program: Program) -> Mapping[str, Type]:
    """What a program takes beside its states, by name: of a lowered one, what is not resident since it was loaded."""
    main, *others = program.functions if is_lowered(program) else (program.main,)
    resident = main.output_names if others else ()
    taken = {name: kind for function in (main, *others) for name, kind in function.inputs.items()}
    return {name: kind for name, kind in taken.items() if name not in resident and not isinstance(kind, StateType)}


def _check_name(name: str, taken: Mapping[str, Type], where: str) -> None:
    if name not in taken:
        known = f"one of {', '.join(taken)}" if taken else "left out, as the model takes none"
        raise UsageError("unknown-input", where, "input", known, name, did_you_mean(name, taken))


def _picture(path: Path, name: str, program: Program) -> Array:
    from optc.formats.coreml.description import pictures_of

    wanted = pictures_of(program).get(name)
    if wanted is None:
        hint = "the model does not say that it takes one"
        raise OptcError("no-picture", str(path), f"input {name}", "an array (.npy)", "a picture", hint)
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        hint = "pip install 'optc[run]'"
        raise OptcError("no-pillow", "optc", "the package pillow", "installed", hint=hint) from None
    try:
        with Image.open(path) as picture:
            if not wanted.takes(*picture.size):
                given = f"{picture.width} by {picture.height}"
                raise OptcError("picture-size", str(path), "width and height", wanted.size, given, "resize it first")
            pixels = np.asarray(picture.convert("L" if wanted.channels == 1 else "RGB"))
    except UnidentifiedImageError:
        raise OptcError("not-a-picture", str(path), "content", "a picture") from None
    except OSError as error:
        raise unreadable(path, "picture", error) from None
    planes = pixels.reshape(*pixels.shape[:2], wanted.channels).transpose(2, 0, 1)
    if wanted.reversed:
        planes = planes[::-1]
    dtype = inputs_of(program)[name]
    numpy = dtype.dtype.numpy if isinstance(dtype, TensorType) else np.float32
    return np.ascontiguousarray(planes[np.newaxis], dtype=numpy)


def _array(path: Path) -> Array:
    try:
        array: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise unreadable(path, "array", error) from None
    except (ValueError, EOFError, SyntaxError, MemoryError, OverflowError) as error:
        raise OptcError("not-an-array", str(path), "content", "an array (.npy) without objects", error) from None
    if not isinstance(array, np.ndarray):
        raise OptcError("not-an-array", str(path), "content", "an array (.npy)", "an archive")
    return array


def read_archive(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz` file by name. Nothing is unpickled.

    Raises:
        OptcError: the file cannot be read, or holds no plain arrays.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise unreadable(path, "arrays", error) from None
    except (ValueError, EOFError, SyntaxError, MemoryError, OverflowError, zipfile.BadZipFile, KeyError) as error:
        raise OptcError("not-an-array", str(path), "content", "arrays (.npz) without objects", error) from None
    except (TypeError, AttributeError):
        raise OptcError("not-an-array", str(path), "content", "an archive of arrays (.npz)", "one array") from None
