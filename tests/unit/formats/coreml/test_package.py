"""Packages are read from real folders; what is wrong with one is said, and nothing outside it is opened."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from optc.errors import OptcError
from optc.formats.coreml.package import read_package
from optc.formats.coreml.proto.model_pb2 import Model
from optc.formats.coreml.weight_file import WeightFileWriter
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of an empty program, with a weight file."""
    folder = tmp_path / "m.mlpackage"
    inner = folder / "Data" / "com.apple.CoreML"
    (inner / "weights").mkdir(parents=True)
    model = Model(specification_version=8)
    model.description.default_function_name = "main"
    model.ml_program.version = 1
    (inner / "model.mlmodel").write_bytes(model.SerializeToString())
    writer = WeightFileWriter()
    writer.place(Tensor.of([1, 2, 3], DType.I8))
    writer.write(inner / "weights" / "weight.bin")
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": {"A": {"path": "com.apple.CoreML/model.mlmodel"}, "B": {"path": "com.apple.CoreML/weights"}},
        "rootModelIdentifier": "A",
    }
    (folder / "Manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_package_gives_its_model_and_its_weight_files(package: Path) -> None:
    read = read_package(package)
    assert (read.model.specification_version, read.model.ml_program.version) == (8, 1)
    weights = read.weights("@model_path/weights/weight.bin")
    assert weights.tensor(64, DType.I8, (3,)).array().tolist() == [1, 2, 3]
    assert read.weights("@model_path/weights/weight.bin") is weights


def test_a_model_file_alone_is_read_too(package: Path) -> None:
    file = package / "Data" / "com.apple.CoreML" / "model.mlmodel"
    assert read_package(file).weights("@model_path/weights/weight.bin").count == 1


@pytest.mark.parametrize(
    "name",
    [
        "weights/weight.bin",
        "@model_path/../model.mlmodel",
        "@model_path//etc/passwd",
        "@model_path/\0",
        "@model_path/link",
    ],
)
def test_weights_outside_the_package_are_refused(package: Path, name: str) -> None:
    folder = package / "Data" / "com.apple.CoreML"
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(OptcError) as caught:
        read_package(package).weights(name)
    assert caught.value.slug == "outside-package"


def named(path: object) -> Callable[[Path], object]:
    """The manifest says that the model is there."""
    return edit(lambda manifest: manifest.update(itemInfoEntries={"A": {"path": path}}))


def edit(change: Callable[[dict[str, object]], object]) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        manifest = json.loads((folder / "Manifest.json").read_text())
        change(manifest)
        return (folder / "Manifest.json").write_text(json.dumps(manifest))

    return run


def write_model(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "Data" / "com.apple.CoreML" / "model.mlmodel").write_bytes(data)


def other_kind() -> bytes:
    """A model whose kind is `identity` (field 900), which optc has no message for."""
    model = Model(specification_version=8)
    model.description.default_function_name = "main"
    return model.SerializeToString() + bytes([0xA2, 0x38, 0x00])


def of_version(version: int) -> bytes:
    model = Model(specification_version=version)
    model.ml_program.version = 1
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("damage", "slug"),
    [
        (lambda folder: (folder / "Manifest.json").unlink(), "unreadable"),
        (lambda folder: (folder / "Manifest.json").write_bytes(b"{"), "manifest"),
        (lambda folder: (folder / "Manifest.json").write_bytes(b"\xff\xfe\x00"), "manifest"),
        (lambda folder: (folder / "Manifest.json").write_text("[" * 100_000), "manifest"),
        (lambda folder: (folder / "Manifest.json").write_text(" " * (2 << 20)), "manifest"),
        (lambda folder: (folder / "Manifest.json").write_text("[]"), "manifest"),
        (edit(lambda manifest: manifest.pop("rootModelIdentifier")), "manifest"),
        (edit(lambda manifest: manifest.update(rootModelIdentifier="C")), "manifest"),
        (edit(lambda manifest: manifest.update(rootModelIdentifier=["A"])), "manifest"),
        (named(3), "manifest"),
        (
            edit(lambda manifest: manifest.update(itemInfoEntries={"A": {"path": "../Manifest.json"}})),
            "outside-package",
        ),
        (named("/etc/passwd"), "outside-package"),
        (named("absent"), "outside-package"),
        (lambda folder: shutil.rmtree(folder / "Data"), "outside-package"),
        (write_model(b"no protobuf"), "not-coreml"),
        (write_model(b""), "not-coreml"),
        (write_model(other_kind()), "not-ml-program"),
        (write_model(of_version(5)), "specification"),
        (write_model(of_version(99)), "specification"),
    ],
)
def test_what_is_wrong_with_a_package_is_said(package: Path, damage: Callable[[Path], object], slug: str) -> None:
    damage(package)
    with pytest.raises(OptcError) as caught:
        read_package(package)
    assert caught.value.slug == slug
    assert str(package) in str(caught.value)


def test_a_model_nested_too_deep_is_refused(package: Path) -> None:
    data = b""
    for _ in range(300):  # a value type inside a list type inside a value type ...
        inner = b"\x0a" + _length(len(data)) + data
        data = b"\x12" + _length(len(inner)) + inner
    model = Model(specification_version=8)
    raw = model.SerializeToString()
    argument = b"\x12" + _length(len(data)) + data
    entry = b"\x0a\x01k\x12" + _length(len(argument)) + argument
    program = b"\x22" + _length(len(entry)) + entry
    write_model(raw + b"\xb2\x1f" + _length(len(program)) + program)(package)
    with pytest.raises(OptcError, match="content must be a Core ML model"):
        read_package(package)


def _length(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
