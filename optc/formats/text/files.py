"""`.optc` files: a program as text, with its large constants in a `safetensors` file beside it.

`model.optc` is what `print(program)` shows, constants of more than a few elements named by their SHA-256;
`model.optc.safetensors` holds their stored bytes under these names, and says element type and shape of each.
"""

import errno
import stat
from collections.abc import Mapping
from pathlib import Path

import attrs
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from optc.errors import OptcError
from optc.formats.placing import aside, both_aside
from optc.ir.block import Program
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.parser import parse_program
from optc.ir.printer import print_program
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType, parse_type

MAX_TEXT_BYTES = 1 << 30


def side_file(path: Path) -> Path:
    """Where the constants of the program in `path` are."""
    return path.with_name(path.name + ".safetensors")


@attrs.define(eq=False)
class InSafetensors:
    """The bytes of one entry of a safetensors file, read when they are asked for.

    `key` is the SHA-256 of the tensor of type `kind` that they make; the first read checks that.
    """

    path: Path
    key: str
    kind: TensorType
    checked: bool = False

    def read(self) -> Array:
        where = f"{self.path}: entry {self.key[:12]}..."
        try:
            with safe_open(str(self.path), "np") as file:
                data: Array = file.get_tensor(self.key)
        except (SafetensorError, OSError) as error:
            raise OptcError("unreadable", where, "entry", "readable", error) from None
        data.flags.writeable = False
        if not self.checked:
            found = Tensor.from_stored(self.kind.dtype, self.kind.static_shape, data).sha256
            if found != self.key:
                raise OptcError("side-file", where, "SHA-256", "the one it is named by", f"{found[:12]}...")
            self.checked = True
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
    try:
        return parse_program(text, catalog, _tensors(beside) if beside.is_file() else {}, str(path))
    except OptcError as error:
        if error.slug == "unknown-tensor":
            error.hint = f"{beside} must hold it, which is written together with a .optc file"
        raise


def _tensors(path: Path) -> dict[str, Tensor]:
    """The constants of a side file by their hash. Sizes are checked here, contents when they are read."""
    try:
        with safe_open(str(path), "np") as file:
            types: dict[str, str] = file.metadata() or {}
            keys: list[str] = file.keys()
            slices = {key: file.get_slice(key) for key in keys}
            rows = {key: (str(entry.get_dtype()), list(entry.get_shape())) for key, entry in slices.items()}
    except (SafetensorError, OSError) as error:
        raise OptcError("side-file", str(path), "content", "a safetensors file", error) from None
    return {key: _tensor(path, key, types.get(key, ""), row) for key, row in rows.items()}


def _tensor(path: Path, key: str, written: str, row: tuple[str, list[int]]) -> Tensor:
    where = f"{path}: entry {key[:12]}"
    try:
        kind = parse_type(written)
    except ValueError:
        raise OptcError("side-file", where, "type in the metadata", "such as f32[2,3]", repr(written[:80])) from None
    if not isinstance(kind, TensorType) or not kind.is_static:
        raise OptcError("side-file", where, "type in the metadata", "such as f32[2,3]", written[:80])
    shape = kind.static_shape
    dtype, dims = row
    if dtype != "U8" or len(dims) != 1:
        raise OptcError("side-file", where, "content", "bytes in one row", f"{dtype}{dims}")
    if min(shape, default=0) < 0 or (kind.dtype is not DType.STR and dims[0] != kind.stored_bytes):
        raise OptcError("side-file", where, f"number of bytes of {kind}", str(kind.stored_bytes), dims[0])
    return Tensor(kind.dtype, shape, InSafetensors(path, key, kind), _sha256=key)


def write_text(program: Program, path: Path) -> tuple[Path, ...]:
    """Write a program as `.optc`, and its large constants beside it; the files that were written.

    A crash leaves the old program or none.

    Raises:
        OSError: the files cannot be written.
        OptcError: a constant cannot be read.
    """
    tensors: dict[str, Tensor] = {}
    text = print_program(program, tensors)
    beside = side_file(path)
    if tensors:
        with both_aside(path, beside) as (made, side):
            made.write_text(text, "utf-8")
            _save(tensors, side)
        return path, beside
    with aside(path) as made:
        made.write_text(text, "utf-8")
    beside.unlink(missing_ok=True)
    return (path,)


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    entries = {key: np.ascontiguousarray(tensor.stored()) for key, tensor in sorted(tensors.items())}
    types = {key: str(TensorType(tensor.dtype, tensor.shape)) for key, tensor in sorted(tensors.items())}
    mode = stat.S_IMODE(path.stat().st_mode)
    try:
        save_file(entries, path, types)
    except SafetensorError as error:
        raise OSError(errno.EIO, str(error)) from None
    path.chmod(mode)  # that library makes files that their owner alone may read
