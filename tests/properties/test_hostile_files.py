"""Hostile files: whatever the bytes say, a model is read, or refused in one clear error, and memory stays small."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from optc.driver.facade import load, save
from optc.driver.inspection import inspect
from optc.errors import OptcError
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.proto.model_pb2 import Model
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.constexpr import LutToDense
from optc.ops.conv import Conv
from optc.ops.matmul import MatMul
from optc.ops.shape import Flatten
from optc.testing.wire import BYTES, Field, mutated, parse, serialize
from tests.command_line import optc

MODEL = Path("Data/com.apple.CoreML/model.mlmodel")
WEIGHTS = Path("Data/com.apple.CoreML/weights/weight.bin")


def program() -> Program:
    """A convolution, and a product with palettized weights."""
    rng = np.random.default_rng(0)
    b = Builder()
    x = b.param(TensorType(DType.F32, (1, 3, 4, 4)), "x")
    w = b.const(rng.standard_normal((4, 3, 3, 3)).astype(np.float32), "w")
    y = b.add(Flatten(b.add(Conv(x, w))), "flat")
    indices = b.const(rng.integers(0, 16, (16, 8)).astype(np.uint8), "m.indices", DType.U4)
    lut = b.const(np.arange(16, dtype=np.float32).reshape(1, 1, 16, 1), "m.lut")
    return b.program(y=b.add(MatMul(y, b.add(LutToDense(indices, lut), "m")), "y"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program in each format."""
    folder = tmp_path_factory.mktemp("made")
    for suffix in ("onnx", "mlpackage", "optc"):
        save(program(), folder / f"model.{suffix}")
    return folder


def read_or_refused(path: Path) -> bool:
    """Load a model, look at it and write it again: all works (true), or is refused with optc's own error."""
    try:
        read = load(path)
        inspect(read)
        save(read, path.with_name(f"again{path.suffix}"))
    except OptcError:
        return False
    return True


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32), faults=st.integers(1, 4))
def test_onnx_files_with_faults_are_read_or_refused(
    seed: int, faults: int, made: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "faulty.onnx"
    path.write_bytes(mutated((made / "model.onnx").read_bytes(), random.Random(seed), faults))
    read_or_refused(path)


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32), faults=st.integers(1, 4))
def test_core_ml_models_with_faults_are_read_or_refused(
    seed: int, faults: int, made: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    package = tmp_path_factory.getbasetemp() / "faulty.mlpackage"
    if not package.is_dir():
        shutil.copytree(made / "model.mlpackage", package)
    (package / MODEL).write_bytes(mutated((made / "model.mlpackage" / MODEL).read_bytes(), random.Random(seed), faults))
    read_or_refused(package)


@pytest.mark.parametrize("name", ["weights", "manifest", "text", "tensors"])
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
def test_other_files_with_changed_bytes_are_read_or_refused(
    name: str, seed: int, made: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"changed-{name}"
    if not folder.is_dir():
        shutil.copytree(made, folder)
    kind = "mlpackage" if name in ("weights", "manifest") else "optc"
    places = {
        "weights": Path("model.mlpackage") / WEIGHTS, "manifest": Path("model.mlpackage/Manifest.json"),
        "text": Path("model.optc"), "tensors": Path("model.optc.safetensors"),
    }  # fmt: skip
    if not (made / places[name]).is_file():
        pytest.skip("so small a program has no such file")
    rng = random.Random(seed)
    data = bytearray((made / places[name]).read_bytes())
    for _ in range(rng.randrange(1, 5)):
        data[rng.randrange(len(data))] = rng.choice((0, 255, 34, 45, 47, rng.randrange(256)))
    (folder / places[name]).write_bytes(data[: rng.choice((len(data), len(data), rng.randrange(len(data))))])
    read_or_refused(folder / f"model.{kind}")


def test_whole_files_are_read_and_files_cut_short_refused(made: Path, tmp_path: Path) -> None:
    whole = (made / "model.onnx").read_bytes()
    shutil.copytree(made / "model.mlpackage", tmp_path / "cut.mlpackage")
    model = (made / "model.mlpackage" / MODEL).read_bytes()
    read = []
    for part in range(61):
        (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) * part // 60])
        (tmp_path / "cut.mlpackage" / MODEL).write_bytes(model[: len(model) * part // 60])
        read.append([read_or_refused(tmp_path / f"cut.{suffix}") for suffix in ("onnx", "mlpackage")])
    assert read[-1] == [True, True]
    assert not any(any(pair) for pair in read[:55])  # what comes last in a file may be left out


def test_parsing_without_a_schema_keeps_the_bytes_of_real_files(made: Path) -> None:
    for file in (made / "model.onnx", made / "model.mlpackage" / MODEL):
        fields = parse(file.read_bytes())
        assert fields
        assert serialize(fields) == file.read_bytes()


@pytest.mark.parametrize("name", ["crepe_tiny.onnx", "crepe_tiny.mlpackage"])
def test_published_models_with_faults_are_read_or_refused(name: str, shared_models: Path, tmp_path: Path) -> None:
    source, path = shared_models / name, tmp_path / name
    if source.is_dir():
        shutil.copytree(source, path)
    file = path / MODEL if source.is_dir() else path
    whole = (source / MODEL if source.is_dir() else source).read_bytes()
    read = []
    for seed in range(20):
        file.write_bytes(mutated(whole, random.Random(seed), 2))
        read.append(read_or_refused(path))
    assert not all(read)


# What follows is refused, each with its own slug and through the command line.


def onnx_model(tmp_path: Path, change: Callable[[Any], None]) -> Path:
    """A file of one product, changed."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], np.zeros(8, np.float32))
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 4]), ("y", [1, 2]))]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    change(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def external(location: str, offset: str = "0", length: str = "32") -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("float_data")
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=value)

    return change


def cycle(model: Any) -> None:
    model.graph.node.add(op_type="Relu", input=["b"], output=["a"])
    model.graph.node.add(op_type="Relu", input=["a"], output=["b"])


def deep(model: Any) -> None:
    graph = onnx.GraphProto(name="leaf")
    for _ in range(60):
        outer = onnx.GraphProto(name="level")
        node = outer.node.add(op_type="If", input=["x"], output=["y"])
        node.attribute.add(name="then_branch", type=onnx.AttributeProto.GRAPH).g.CopyFrom(graph)
        graph = outer
    model.graph.node[0].CopyFrom(graph.node[0])


def dims(*sizes: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        del model.graph.initializer[0].dims[:]
        model.graph.initializer[0].dims.extend(sizes)

    return change


ONNX: dict[str, Callable[[Any], None]] = {
    "a path out of the folder": external("../weights.bin"),
    "an absolute path": external("/etc/passwd"),
    "a link out of the folder": external("link.bin"),
    "an offset outside the file": external("data.bin", offset="4096"),
    "a negative offset": external("data.bin", offset="-8"),
    "a length that is no number": external("data.bin", length="nan"),
    "an absurd length": external("data.bin", length=str(1 << 62)),
    "a cycle": cycle,
    "absurd sizes": dims(1 << 40, 1 << 40),
    "a negative size": dims(-4, 2),
    "a thousand dimensions": dims(*[1] * 1000),
    "deep nesting": deep,
    "an unknown element type": lambda model: setattr(model.graph.initializer[0], "data_type", 99),
    "a value that nothing defines": lambda model: model.graph.node[0].input.append("nobody"),
    "no opset": lambda model: model.ClearField("opset_import"),
}


@pytest.mark.parametrize("what", sorted(ONNX))
def test_a_hostile_onnx_file_gets_one_error(what: str, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(bytes(32))
    (tmp_path.parent / "weights.bin").write_bytes(bytes(32))
    os.symlink("/etc/passwd", tmp_path / "link.bin")
    assert_one_error(onnx_model(tmp_path, ONNX[what]))


def test_messages_nested_ten_thousand_deep_are_refused(tmp_path: Path) -> None:
    data = b""
    for _ in range(10_000):  # a graph in an attribute of a node of a graph ...
        for number in (6, 5, 1):
            data = serialize([Field(number, BYTES, data)])
    path = tmp_path / "model.onnx"
    path.write_bytes(serialize([Field(7, BYTES, data)]))
    assert_one_error(path)


def assert_one_error(path: Path) -> None:
    done = optc("inspect", path)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) <= 8


def coreml_model(made: Path, tmp_path: Path, change: Callable[[Any], None]) -> Path:
    path = tmp_path / "model.mlpackage"
    shutil.copytree(made / "model.mlpackage", path)
    model = Model.FromString((path / MODEL).read_bytes())
    main = model.ml_program.functions["main"]
    change(main.block_specializations[main.opset])
    (path / MODEL).write_bytes(model.SerializeToString())
    return path


def operation(block: Any, kind: str) -> Any:
    return next(op for op in block.operations if op.type == kind)


def stored(block: Any) -> Any:
    """A value in the weight file."""
    return next(
        op.attributes["val"] for op in block.operations
        if op.type == "const" and op.attributes["val"].WhichOneof("value") == "blob_file"
    )  # fmt: skip


def nested(block: Any) -> None:
    inner = mil.Block()
    for _ in range(45):
        outer = mil.Block()
        outer.operations.add(type="cond").blocks.append(inner)
        inner = outer
    block.operations.add().CopyFrom(inner.operations[0])


COREML: dict[str, Callable[[Any], None]] = {
    "a weight file outside": lambda b: setattr(stored(b).blob_file, "file_name", "@model_path/../../secret.bin"),
    "an absolute weight file": lambda b: setattr(stored(b).blob_file, "file_name", "/etc/passwd"),
    "an offset outside": lambda b: setattr(stored(b).blob_file, "offset", 1 << 40),
    "an offset between records": lambda b: setattr(stored(b).blob_file, "offset", 65),
    "absurd sizes": lambda b: setattr(stored(b).type.tensor.dimensions[0].constant, "size", 1 << 62),
    "another rank than dimensions": lambda b: setattr(stored(b).type.tensor, "rank", 1 << 31),
    "a name twice": lambda b: b.operations.append(b.operations[0]),
    "no name": lambda b: setattr(operation(b, "conv").outputs[0], "name", ""),
    "a value that nothing defines": lambda b: setattr(operation(b, "conv").inputs["x"].arguments[0], "name", "nobody"),
    "a use before the definition": lambda b: setattr(operation(b, "conv").inputs["x"].arguments[0], "name", "y"),
    "an output that nothing defines": lambda b: b.outputs.append("nobody"),
    "a type that does not fit": lambda b: setattr(operation(b, "conv").outputs[0].type.tensor, "data_type", mil.INT32),
    "deep nesting": nested,
}


@pytest.mark.parametrize("what", sorted(COREML))
def test_a_hostile_core_ml_package_gets_one_error(what: str, made: Path, tmp_path: Path) -> None:
    assert_one_error(coreml_model(made, tmp_path, COREML[what]))


_MEASURE = """
import resource, sys
from optc.driver.main import run
code = run(["inspect", sys.argv[1]])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1], code)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak of memory is known on Linux only")
@pytest.mark.parametrize("what", ["absurd sizes", "deep nesting", "an absurd length"])
def test_hostile_files_take_little_memory(what: str, made: Path, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(bytes(32))
    paths = [made / "model.onnx", onnx_model(tmp_path, ONNX[what])]
    if what in COREML:
        paths.append(coreml_model(made, tmp_path, COREML[what]))
    peaks = []
    for path in paths:
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, str(path)], capture_output=True, text=True, check=False, timeout=120
        )
        peaks.append(int(done.stdout.splitlines()[-1].split()[0]))
    assert max(peaks) < peaks[0] + 200 * 1024
