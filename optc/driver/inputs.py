"""Inputs of a model from files: `--input NAME=FILE.npy`, or `--input FILE.npz` for several."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optc.driver.output import unreadable
from optc.errors import OptcError, UsageError
from optc.ir.dtypes import Array


def read_inputs(options: Sequence[str]) -> dict[str, Array]:
    """Arrays by input name; `.npy` files are memory-mapped. Nothing is unpickled.

    Raises:
        UsageError: an option has neither form.
        OptcError: a file cannot be read, or holds no plain arrays; an input is given twice.
    """
    found: dict[str, Array] = {}
    for text in options:
        name, equals, file = text.partition("=")
        if text.endswith(".npz") and not equals:
            pairs = _archive(Path(text))
        elif equals and name and file.endswith(".npy"):
            pairs = {name: _array(Path(file))}
        else:
            raise UsageError("option-form", "optc", "option --input", "NAME=FILE.npy or FILE.npz", text)
        for key, array in pairs.items():
            if key in found:
                raise UsageError("input-twice", "optc", f"input {key}", "given once")
            found[key] = array
    return found


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


def _archive(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise unreadable(path, "arrays", error) from None
    except (ValueError, EOFError, SyntaxError, MemoryError, OverflowError, zipfile.BadZipFile, KeyError) as error:
        raise OptcError("not-an-array", str(path), "content", "arrays (.npz) without objects", error) from None
    except (TypeError, AttributeError):
        raise OptcError("not-an-array", str(path), "content", "an archive of arrays (.npz)", "one array") from None
