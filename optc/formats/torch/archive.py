"""Exported programs in `.pt2` files, without what PyTorch would execute of them.

A `.pt2` file is a zip archive of JSON and of the bytes of tensors. PyTorch 2.13 reads it with three doors open:

- example inputs, and tensors marked `use_pickle`, are unpickled;
- the sizes in the JSON are Python expressions, which SymPy evaluates;
- operators are named by paths into the package `torch`, whatever is there.

So it is given a copy of the archive: without the example inputs, refused where anything else is pickled, where an
expression is more than arithmetic, or where an operator is none of `torch.ops`.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optc.errors import OptcError

MOST_ENTRIES = 100_000
MOST_JSON_BYTES = 1 << 28
_SAMPLE_INPUTS = re.compile(r"[^/]+/data/sample_inputs/[^/]+\.pt")
_CONFIG = re.compile(r"[^/]+/data/(weights|constants)/[^/]+_config\.json")
_TENSOR = re.compile(r"[^/]+/data/(weights/weight|constants/tensor)_\d+")
_MODEL = re.compile(r"[^/]+/models/[^/]+\.json")
_SMALL = re.compile(
    r"[^/]+/(archive_format|archive_version|byteorder|\.data/version|\.data/serialization_id|\.format_version"
    r"|\.storage_alignment)"
)
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims|prim|higher_order|quantized_decomposed|_c10d_functional)\.\w+(\.\w+)?"
    r"|_operator\.\w+|math\.\w+|torch\.(_?sym_\w+)"
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_ARITHMETIC = re.compile(r"[\w\s+\-*/(),<>=!&|~%.]*")
_SYMBOL = re.compile(r"[suz][a-z]*\d+")
_DECLARED = re.compile(r"Symbol\('([suz][a-z]*\d+)'(?:, \w+=(?:True|False))*\)")
_POWER = re.compile(r"Pow\([suz][a-z]*\d+, Integer\(\d\d?\)\)|[suz][a-z]*\d+\*\*\d\d?(?!\d)")
_NAMES_OF_FUNCTIONS = (
    "Add Mul Eq Ne Lt Le Gt Ge Mod PythonMod FloorDiv CleanDiv CeilDiv IntTrueDiv FloatTrueDiv Max Min Abs floor "
    "ceiling TruncToInt RoundToInt ToFloat Where And Or Not true false True False Integer Rational oo int_oo"
)
_FUNCTIONS = frozenset(_NAMES_OF_FUNCTIONS.split())
_OPERATORS_OF_STATE = ("exec", "eval", "attrgetter", "methodcaller", "call", "__")


def copy_harmless(source: Path, target: Path) -> None:
    """Copy an archive, less its example inputs.

    Raises:
        OptcError: slugs `unreadable`, `not-pt2`, `pt2-unsafe`: it is no such archive, or has what could be executed.
        OSError: the copy cannot be written.
    """
    where = str(source)
    try:
        with zipfile.ZipFile(source) as archive:
            _copy(archive, target, where)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise OptcError("not-pt2", where, "content", "an archive of an exported program", error) from None


def _copy(archive: zipfile.ZipFile, target: Path, where: str) -> None:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES or len({e.filename for e in entries}) < len(entries):
        raise OptcError("not-pt2", where, "entries", f"of distinct names, at most {MOST_ENTRIES}", len(entries))
    if not any(_MODEL.fullmatch(entry.filename) for entry in entries):
        raise OptcError("not-pt2", where, "content", "an exported program", "none")
    with zipfile.ZipFile(target, "w") as made:
        for entry in entries:
            _check(entry, where)
            if _SAMPLE_INPUTS.fullmatch(entry.filename):
                made.writestr(entry.filename, b"")
                continue
            if entry.filename.endswith(".json"):
                data = archive.read(entry)
                _check_json(data, f"{where}: {entry.filename}")
                made.writestr(entry.filename, data)
                continue
            with archive.open(entry) as given, made.open(entry.filename, "w", force_zip64=True) as taken:
                while piece := given.read(1 << 24):
                    taken.write(piece)


def _check(entry: zipfile.ZipInfo, where: str) -> None:
    kinds = (_SAMPLE_INPUTS, _CONFIG, _TENSOR, _MODEL, _SMALL)
    if not any(kind.fullmatch(entry.filename) for kind in kinds):
        raise OptcError("pt2-unsafe", where, "entry", "JSON or a tensor", entry.filename)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise OptcError("not-pt2", where, f"entry {entry.filename}", "stored as it is", "compressed")
    if entry.filename.endswith(".json") and entry.file_size > MOST_JSON_BYTES:
        expected = f"at most {MOST_JSON_BYTES} bytes"
        raise OptcError("not-pt2", where, f"entry {entry.filename}", expected, entry.file_size)


def _check_json(data: bytes, where: str) -> None:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise OptcError("not-pt2", where, "content", "JSON") from None
    for key, value in _fields(content):
        if key == "use_pickle" and value is not False:
            raise OptcError("pt2-unsafe", where, "tensor", "bytes", "pickled")
        if key in ("expr_str", "as_expr_str") and not _is_arithmetic(value):
            raise OptcError("pt2-unsafe", where, "expression", "arithmetic", str(value)[:80])
        if key == "target" and isinstance(value, str) and not _is_operator(value):
            raise OptcError("pt2-unsafe", where, "operator", "one of torch.ops", value[:80])


def _fields(content: Any) -> Iterator[tuple[str, Any]]:
    """All fields of all objects in JSON."""
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item.items()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _is_arithmetic(text: Any) -> bool:
    """Whether an expression has but numbers, symbols of sizes, functions of these, and small powers of symbols."""
    if not isinstance(text, str) or len(text) > 10_000:
        return False
    plain = _POWER.sub("s0", _DECLARED.sub(r"\1", text))
    if not _ARITHMETIC.fullmatch(plain) or "**" in plain or re.search(r"\.\s*[A-Za-z_]|__", plain):
        return False
    if any(len(number) > 20 for number in re.findall(r"\d+", plain)):
        return False
    return all(word in _FUNCTIONS or _SYMBOL.fullmatch(word) for word in _WORD.findall(plain))


def _is_operator(target: str) -> bool:
    """Whether a node's target is an operator, or the name of an input or of an output."""
    if re.fullmatch(r"\w+", target):
        return True
    fine = _OPERATOR.fullmatch(target) is not None
    return fine and not any(part in target for part in _OPERATORS_OF_STATE)
