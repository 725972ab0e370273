"""Core ML packages: the folder, its manifest, and the files that it names.

model.mlpackage/
  Manifest.json                                the files by identifier, and which of them is the model
  Data/com.apple.CoreML/model.mlmodel          a `Model` message
  Data/com.apple.CoreML/weights/weight.bin     see `optc.formats.coreml.weight_file`
"""

import json
from pathlib import Path
from typing import Any

import attrs
from google.protobuf.message import DecodeError

from optc.errors import OptcError
from optc.formats.coreml.proto.model_pb2 import Model
from optc.formats.coreml.weight_file import WeightFile

MOST_BYTES = 1 << 30
"""Bytes of a `Model` message up to which it is read: weights lie in files of their own."""
MOST_MANIFEST_BYTES = 1 << 20
SPECIFICATIONS = range(6, 11)
"""Versions of the specification that have ML programs: 6 is iOS 15, 7 iOS 16, 8 iOS 17, 9 iOS 18, 10 iOS 26."""
_MODEL_PATH = "@model_path/"


@attrs.frozen(eq=False)
class Package:
    """A model and the folder that its paths start from."""

    where: str
    model: Model
    folder: Path
    _open: dict[str, WeightFile] = attrs.field(factory=dict, init=False)

    def weights(self, name: str) -> WeightFile:
        """The weight file that values name `@model_path/...`; opened once.

        Raises:
            OptcError: slug `outside-package`, or it cannot be read.
        """
        if name not in self._open:
            if not name.startswith(_MODEL_PATH):
                raise OptcError("outside-package", self.where, "weight file", f"one below {_MODEL_PATH}", name)
            path = _inside(self.folder, name.removeprefix(_MODEL_PATH), self.where, "weight file")
            self._open[name] = WeightFile(path)
        return self._open[name]


def read_package(path: Path) -> Package:
    """Read a `.mlpackage` folder, or a `.mlmodel` file, that holds an ML program; no weight is touched.

    Raises:
        OptcError: slugs `unreadable`, `manifest`, `outside-package`, `not-coreml`, `not-ml-program`, `specification`.
    """
    file = _model_file(path) if path.is_dir() else path
    where = str(path)
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise OptcError("not-coreml", where, "size of the model file", f"at most {MOST_BYTES} bytes", size)
        model = Model.FromString(file.read_bytes())
    except OSError as error:
        raise OptcError("unreadable", where, "model file", "readable", error.strerror) from None
    except DecodeError:
        raise OptcError("not-coreml", where, "content", "a Core ML model (protobuf)") from None
    version = model.specification_version
    if not model.HasField("ml_program"):
        if not model.HasField("description"):
            raise OptcError("not-coreml", where, "content", "a Core ML model", "no description")
        hint = "convert it anew, for iOS 15 or later"
        raise OptcError("not-ml-program", where, "kind of model", "an ML program", "another kind", hint)
    if version not in SPECIFICATIONS:
        expected = f"from {SPECIFICATIONS[0]} to {SPECIFICATIONS[-1]}"
        raise OptcError("specification", where, "specification version", expected, version)
    return Package(where, model, file.parent)


def _model_file(folder: Path) -> Path:
    """The model that the manifest of a package names."""
    where = f"{folder}: Manifest.json"
    place = folder / "Manifest.json"
    try:
        if place.exists() and not place.is_file():  # to read a pipe would wait for ever
            raise OptcError("unreadable", where, "file", "a regular file")
        if place.stat().st_size > MOST_MANIFEST_BYTES:
            raise OptcError("manifest", where, "size", f"at most {MOST_MANIFEST_BYTES} bytes", place.stat().st_size)
        manifest: Any = json.loads(place.read_text("utf-8"))
    except OSError as error:
        raise OptcError("unreadable", where, "file", "readable", error.strerror) from None
    except (ValueError, RecursionError):
        raise OptcError("manifest", where, "content", "JSON") from None
    try:
        name = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
        if not isinstance(name, str):
            raise TypeError
    except (LookupError, TypeError):
        expected = "entries in itemInfoEntries, one of them named by rootModelIdentifier"
        raise OptcError("manifest", where, "content", expected) from None
    return _inside(folder / "Data", name, where, "path of the model")


def _inside(folder: Path, name: str, where: str, what: str) -> Path:
    """The file of that name in a folder; links may not lead out of it."""
    root = folder.resolve()
    try:
        path = (root / name).resolve()
        fine = root in path.parents and path.is_file()
    except (OSError, ValueError, RuntimeError):  # names with a zero byte, links in a circle
        fine = False
    if not fine:
        raise OptcError("outside-package", where, what, f"a file inside {folder}", name)
    return path
