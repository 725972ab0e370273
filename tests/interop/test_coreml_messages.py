"""Our messages are those of coremltools, and read the packages that it wrote."""

from pathlib import Path
from typing import Any

import pytest

from optc.formats.coreml.package import read_package
from optc.formats.coreml.proto import mil_pb2, model_pb2
from optc.formats.coreml.values import tensor_of, type_message, type_of, value_message
from optc.formats.coreml.weight_file import WeightFile

PACKAGES = ("crepe_tiny.mlpackage", "efficientnet_lite0_fp16.mlpackage")


def shape(message: Any, known: set[str]) -> dict[int, tuple[Any, ...]]:
    """Fields by number: kind, whether repeated, whether in a oneof, and the same of the messages that they hold."""
    if message.full_name in known:
        return {}
    known.add(message.full_name)
    return {
        field.number: (
            field.type,
            field.is_repeated,
            field.containing_oneof is not None,
            field.message_type and shape(field.message_type, known),
            field.enum_type and {value.number: value.name for value in field.enum_type.values},
        )
        for field in sorted(message.fields, key=lambda field: field.number)
    }


def test_field_numbers_and_types_are_those_of_coremltools() -> None:
    theirs = pytest.importorskip("coremltools.proto", reason="coremltools is not installed")
    from coremltools.proto import FeatureTypes_pb2, MIL_pb2, Model_pb2

    assert theirs
    pairs = [(mil_pb2.Program, MIL_pb2.Program), (model_pb2.FeatureType, FeatureTypes_pb2.FeatureType)]
    for ours, other in pairs:
        assert shape(ours.DESCRIPTOR, set()) == shape(other.DESCRIPTOR, set())
    mine = shape(model_pb2.ModelDescription.DESCRIPTOR, set())
    assert mine == shape(Model_pb2.ModelDescription.DESCRIPTOR, set())
    fields = {field.name: field.number for field in Model_pb2.Model.DESCRIPTOR.fields}
    ours_fields = {field.name: field.number for field in model_pb2.Model.DESCRIPTOR.fields}
    names = ("specificationVersion", "description", "isUpdatable", "mlProgram")
    assert list(ours_fields.values()) == [fields[name] for name in names]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_published_package_reads_back_and_every_value_in_its_weight_file_is_there(
    name: str, shared_models: Path
) -> None:
    package = read_package(shared_models / name)
    raw = next((shared_models / name).rglob("*.mlmodel")).read_bytes()
    assert model_pb2.Model.FromString(package.model.SerializeToString()) == package.model
    assert len(package.model.SerializeToString()) == len(raw)
    main = package.model.ml_program.functions["main"]
    block = main.block_specializations[main.opset]
    files: dict[str, WeightFile] = {}
    named = set()
    for operation in block.operations:
        for value in operation.attributes.values():
            if value.WhichOneof("value") == "blob_file":
                files[value.blob_file.file_name] = package.weights(value.blob_file.file_name)
                named.add(value.blob_file.offset)
    (file,) = files.values()
    assert sorted(named) == [record.at for record in file.records()]


@pytest.mark.parametrize("name", PACKAGES)
def test_types_and_immediate_constants_of_a_published_package_are_written_as_they_were(
    name: str, shared_models: Path
) -> None:
    package = read_package(shared_models / name)
    main = package.model.ml_program.functions["main"]
    seen = 0
    for operation in main.block_specializations[main.opset].operations:
        for output in operation.outputs:
            assert type_message(type_of(output.type, "")) == output.type
        for value in operation.attributes.values():
            tensor = tensor_of(value, package, "")
            if value.WhichOneof("value") == "immediate":
                seen += 1
                assert value_message(tensor) == value
    assert seen > 100
