"""`.optc` files: a program as text, with its large constants in a `safetensors` file beside it.

`model.optc` is what `print(program)` shows, constants of more than a few elements named by their SHA-256;
`model.optc.safetensors` holds their stored bytes under these names, and says element type and shape of each.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.parser import parse_program
from optc.ir.printer import print_program
from optc.ir.tensor import Tensor

MAX_TEXT_BYTES = 1 << 30


def side_file(path: Path) -> Path:
    """Where the constants of the program in `path` are."""
    return path.with_name(path.name + ".safetensors")


@attrs.frozen(eq=False)
class InSafetensors:
    """The bytes of one entry of a safetensors file, read when they are asked for."""

    path: Path
    key: str

    def read(self) -> Array:
        try:
            with safe_open(str(self.path), "np") as file:
                data: Array = file.get_tensor(self.key)
        except (SafetensorError, OSError) as error:
            raise OptcError("unreadable", str(self.path), f"entry {self.key}", "readable", error) from None
        if data.dtype != np.uint8 or data.ndim != 1:
            raise OptcError("side-file", str(self.path), f"entry {self.key}", "bytes in one row", data.dtype)
        data.flags.writeable = False
        return data


def read_text(path: Path, catalog: Mapping[str, type[Op]]) -> Program:
    """The program in a `.optc` file; its large constants stay in their file.

    Raises:
        OptcError: the file is not readable, or its text is wrong, at a line and column.
    """
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise OptcError("file-size", str(path), "text", f"of at most {MAX_TEXT_BYTES} bytes", path.stat().st_size)
        text = path.read_text("utf-8")
    except OSError as error:
        raise OptcError("unreadable", str(path), "file", "readable", error.strerror) from None
    except UnicodeDecodeError as error:
        raise OptcError("not-text", str(path), "content", "UTF-8 text", f"byte {error.start} is not") from None
    beside = side_file(path)
    return parse_program(text, catalog, _tensors(beside) if beside.is_file() else {}, str(path))


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(str(path), "np") as file:
            metadata: dict[str, str] = file.metadata() or {}
            keys = set(file.keys())
    except (SafetensorError, OSError) as error:
        raise OptcError("side-file", str(path), "content", "a safetensors file", error) from None
    out = {}
    for key in keys:
        dtype, _, dims = metadata.get(key, "").partition(" ")
        try:
            shape = tuple(int(d) for d in dims.split(",") if d)
            out[key] = Tensor(DType(dtype), shape, InSafetensors(path, key))
        except ValueError:
            raise OptcError("side-file", str(path), f"type of entry {key}", "a type and dimensions", dtype) from None
    return out


def write_text(program: Program, path: Path) -> None:
    """Write a program as `.optc`, and its large constants beside it; each file appears whole or not at all."""
    tensors: dict[str, Tensor] = {}
    text = print_program(program, tensors)
    beside = side_file(path)
    if tensors:
        entries = {key: np.ascontiguousarray(t.stored()) for key, t in sorted(tensors.items())}
        metadata = {key: f"{t.dtype} {','.join(map(str, t.shape))}" for key, t in sorted(tensors.items())}
        _place(beside, lambda aside: save_file(entries, aside, metadata))
    _place(path, lambda aside: Path(aside).write_text(text, "utf-8"))
    if not tensors:
        beside.unlink(missing_ok=True)


def _place(path: Path, write: Any) -> None:
    """Have a file written aside, then move it to its place."""
    handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        write(aside)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
