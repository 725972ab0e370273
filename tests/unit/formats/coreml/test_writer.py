"""Packages: what each target can express, the same bytes each time, and nothing lost on the way."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optc.driver.facade import load, run, save
from optc.errors import OptcError, UsageError
from optc.formats.coreml.package import read_package
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.opaque import Opaque
from optc.ir.types import StateType, TensorType
from optc.ir.value import Value
from optc.ops.constexpr import ConstexprCast, LutToDense, LutToSparse, ShiftScale, SparseShiftScale, SparseToDense
from optc.ops.conv import Conv
from optc.ops.elementwise import Add
from optc.ops.matmul import Linear, MatMul
from optc.ops.shape import Transpose
from optc.ops.state import StateRead, StateWrite
from tests.command_line import optc

RNG = np.random.default_rng(0)
MASK = (np.arange(128) % 2 == 0).astype(np.uint8).reshape(16, 8)


def layer(weight: Any) -> Program:
    """A linear layer whose weight `weight(builder)` makes: float32 [16, 8]."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, 8)), "x")
    return b.program(y=b.add(Linear(x, weight(b)), "y"))


def codes(b: Builder, dtype: DType, shape: tuple[int, ...] = (16, 8)) -> Value:
    low, high = dtype.integer_range
    return b.const(RNG.integers(low, high, shape, endpoint=True), "w.data", dtype)


def scales(b: Builder, *shape: int) -> Value:
    return b.const((RNG.random(shape) + 0.5).astype(np.float32), "w.scale")


def table(b: Builder, *shape: int) -> Value:
    return b.const(RNG.standard_normal(shape).astype(np.float32), "w.lut")


def mask(b: Builder) -> Value:
    return b.const(MASK, "w.mask", DType.U1)


def sparse_palette(b: Builder) -> Value:
    op = LutToSparse(mask(b), codes(b, DType.U4, (64,)), table(b, 1, 1, 16, 1))
    b.append(op)
    return b.add(SparseToDense(*op.results), "w")


def sparse_codes(b: Builder) -> Value:
    op = SparseShiftScale(mask(b), codes(b, DType.I8, (64,)), scales(b, 16, 1))
    b.append(op)
    return b.add(SparseToDense(*op.results), "w")


# The lowest target that can express a form, by the operators of the specification.
FORMS: dict[str, tuple[str, Any]] = {
    "dense": ("ios15", lambda b: table(b, 16, 8)),
    "int8 per tensor": ("ios16", lambda b: b.add(ShiftScale(codes(b, DType.I8), scales(b, 1, 1)), "w")),
    "uint8 per channel and offset": (
        "ios16",
        lambda b: b.add(ShiftScale(codes(b, DType.U8), scales(b, 16, 1), codes(b, DType.U8, (16, 1))), "w"),
    ),
    "int8 in blocks": ("ios18", lambda b: b.add(ShiftScale(codes(b, DType.I8), scales(b, 16, 2)), "w")),
    "int4 per channel": ("ios18", lambda b: b.add(ShiftScale(codes(b, DType.I4), scales(b, 16, 1)), "w")),
    "palette of 16": ("ios16", lambda b: b.add(LutToDense(codes(b, DType.U4), table(b, 1, 1, 16, 1)), "w")),
    "palette of 64": ("ios16", lambda b: b.add(LutToDense(codes(b, DType.U6), table(b, 1, 1, 64, 1)), "w")),
    "palette of 8": ("ios18", lambda b: b.add(LutToDense(codes(b, DType.U3), table(b, 1, 1, 8, 1)), "w")),
    "palettes of groups": ("ios18", lambda b: b.add(LutToDense(codes(b, DType.U4), table(b, 4, 1, 16, 1)), "w")),
    "palette of vectors": (
        "ios18", lambda b: b.add(LutToDense(codes(b, DType.U4, (8, 8)), table(b, 1, 1, 16, 2), vector_axis=0), "w"),
    ),
    "sparse": ("ios16", lambda b: b.add(SparseToDense(mask(b), table(b, 64)), "w")),
    "sparse palette": ("ios18", sparse_palette),
    "sparse int8": ("ios18", sparse_codes),
    "stored as float16": (
        "ios16",
        lambda b: b.add(ConstexprCast(b.const(RNG.standard_normal((16, 8)).astype(np.float16), "w.half")), "w"),
    ),
}  # fmt: skip
TARGETS = ("ios15", "ios16", "ios17", "ios18")


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_form_is_written_for_the_targets_that_have_it_and_others_name_the_lowest(form: str, tmp_path: Path) -> None:
    lowest, make = FORMS[form]
    program = layer(make)
    inputs = {"x": RNG.standard_normal((2, 8)).astype(np.float32)}
    expected = run(program, inputs)["y"]
    for target in TARGETS:
        path = tmp_path / f"{target}.mlpackage"
        if target < lowest:
            with pytest.raises(OptcError, match=rf"target must be {lowest} or later \(got {target}\)"):
                save(program, path, target=target)
            assert not path.exists()
            continue
        save(program, path, target=target)
        again = load(path)
        assert dict(again.metadata)["coreml.target"] == target
        np.testing.assert_array_equal(run(again, inputs)["y"], expected)
    save(program, tmp_path / "any.mlpackage")
    assert dict(load(tmp_path / "any.mlpackage").metadata)["coreml.target"] == max(lowest, "ios16")


def files(package: Path) -> dict[str, bytes]:
    return {str(file.relative_to(package)): file.read_bytes() for file in package.rglob("*") if file.is_file()}


def test_the_same_program_gives_the_same_bytes_and_another_gives_other_identifiers(tmp_path: Path) -> None:
    program, other = (layer(lambda b: table(b, 16, 8)) for _ in range(2))
    for name, made in (("a", program), ("b", program), ("c", other)):
        save(made, tmp_path / f"{name}.mlpackage")
    a, b, c = (files(tmp_path / f"{name}.mlpackage") for name in "abc")
    assert a == b
    assert sorted(a) == sorted(c)
    assert a["Data/com.apple.CoreML/weights/weight.bin"] != c["Data/com.apple.CoreML/weights/weight.bin"]


def test_a_package_takes_the_place_of_the_one_it_was_read_from(tmp_path: Path) -> None:
    path = tmp_path / "m.mlpackage"
    save(layer(lambda b: table(b, 16, 8)), path)
    before = files(path)
    save(load(path), path)
    assert files(path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.mlpackage"]


def test_what_cannot_be_written_leaves_the_old_package_and_other_folders_alone(tmp_path: Path) -> None:
    path, folder = tmp_path / "m.mlpackage", tmp_path / "photos.mlpackage"
    save(layer(lambda b: table(b, 16, 8)), path)
    before = files(path)
    with pytest.raises(OptcError):
        save(layer(sparse_palette), path, target="ios16")
    assert files(path) == before
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(b"a photo")
    with pytest.raises(OptcError, match="holds no package"):
        save(layer(lambda b: table(b, 16, 8)), folder)
    assert (folder / "photo.jpg").read_bytes() == b"a photo"


def test_names_and_types_that_core_ml_lacks_come_back_in_onnx(tmp_path: Path) -> None:
    b = Builder()
    ids = b.param(TensorType(DType.I64, (2,)), "input.1")
    count = b.param(TensorType(DType.I64), "a count")
    keep = b.param(TensorType(DType.BOOL, (2,)), "758")
    total = b.add(Add(ids, count))
    save(b.program(**{"out/put": total, "kept": keep}), tmp_path / "m.mlpackage")
    read = load(tmp_path / "m.mlpackage")
    assert read.main.input_names == ("input_1", "a_count", "_758")
    small = {
        "input_1": np.array([1, 2], np.int32),
        "a_count": np.array([5], np.int32),
        "_758": np.array([1, 0], np.int32),
    }
    for engine in ("reference", "onnxruntime"):
        assert run(read, small, engine=engine)["out_put"].tolist() == [6, 7]
    save(read, tmp_path / "m.onnx")
    again = load(tmp_path / "m.onnx")
    assert {name: str(kind) for name, kind in again.main.inputs.items()} == {
        "input.1": "i64[2]", "a count": "i64[]", "758": "bool[2]"
    }  # fmt: skip
    given = {"input.1": np.array([1, 2]), "a count": np.array(5), "758": np.array([True, False])}
    outputs = run(again, given, engine="onnxruntime")
    assert outputs["out/put"].tolist() == [6, 7]
    assert outputs["kept"].tolist() == [True, False]


def test_a_model_is_compared_with_its_package_by_the_names_that_it_has(tmp_path: Path) -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, 8)), "input.1")
    program = b.program(**{"out/put": b.add(Linear(x, table(b, 16, 8)), "layers.0/y")})
    for name in ("m.onnx", "m.mlpackage"):
        save(program, tmp_path / name)
    np.save(tmp_path / "x.npy", RNG.standard_normal((2, 8)).astype(np.float32))
    done = optc(
        "diff", tmp_path / "m.onnx", tmp_path / "m.mlpackage", "--input", f"input.1={tmp_path / 'x.npy'}", "--json"
    )
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert [row["name"] for row in found["weights"]] == ["w.lut"]
    assert [(row["name"], row["max_error"]) for row in found["outputs"]] == [("out/put", 0.0)]
    assert found["first_difference"] is None


def test_states_are_described_and_need_ios_18(tmp_path: Path) -> None:
    b = Builder()
    x, state = b.param(TensorType(DType.F16, (4,)), "x"), b.param(StateType(TensorType(DType.F16, (4,))), "kept")
    total = b.add(Add(x, b.add(StateRead(state))))
    b.append(StateWrite(state, total))
    program = b.program(y=total)
    save(program, tmp_path / "m.mlpackage")
    description = read_package(tmp_path / "m.mlpackage").model.description
    assert [feature.name for feature in description.state] == ["kept"]
    assert load(tmp_path / "m.mlpackage").main.body == program.main.body
    with pytest.raises(OptcError, match="target must be ios18 or later"):
        save(program, tmp_path / "m.mlpackage", target="ios17")


def test_ops_that_core_ml_lacks_are_named_in_one_message(tmp_path: Path) -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (2,)), "x")
    made = [Opaque(f"onnx:acme::{kind}", (x,), results=(Value(x.type),)) for kind in ("Odd", "Even", "Odd")]
    program = b.program(**{f"y{i}": b.add(op) for i, op in enumerate(made)})
    with pytest.raises(OptcError, match=r"got onnx:acme::Even \(1\), onnx:acme::Odd \(2\)"):
        save(program, tmp_path / "m.mlpackage")


def test_a_target_that_the_format_lacks_is_wrong_usage(tmp_path: Path) -> None:
    program = layer(lambda b: table(b, 16, 8))
    for name, target in (("m.onnx", "ios16"), ("m.mlpackage", "onnx"), ("m.mlpackage", "ios3"), ("m.optc", "ios16")):
        with pytest.raises(UsageError):
            save(program, tmp_path / name, target=target)
    save(program, tmp_path / "m.onnx", target="onnx")


def test_every_command_takes_packages(tmp_path: Path) -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (1, 8, 6, 6)), "x")
    w = b.const(RNG.standard_normal((32, 8, 3, 3)).astype(np.float32), "w")
    path, small, dense = (tmp_path / f"{name}.mlpackage" for name in ("model", "small", "dense"))
    save(b.program(y=b.add(Conv(x, w), "y")), path)
    np.save(tmp_path / "x.npy", RNG.standard_normal((1, 8, 6, 6)).astype(np.float32))
    given = ("--input", f"x={tmp_path / 'x.npy'}")
    for command in (
        ("compress", path, "--palettize", 4, "--min-elements", 0, "-o", small),
        ("inspect", small),
        ("decompress", small, "-o", dense),
        ("diff", small, dense, *given),
        ("run", small, *given, "--engine", "onnxruntime", "-o", tmp_path / "y.npz"),
        ("plan", small, "--device", "iphone14pro"),
        ("opt", small, "--pipeline", "@cleanup", "-o", tmp_path / "clean.optc"),
        ("convert", small, "-o", tmp_path / "small.onnx", "--precision", "float16"),
    ):
        done = optc(*command)
        assert done.code == 0, done.err
    assert sum(f.stat().st_size for f in small.rglob("*") if f.is_file()) < 0.5 * sum(
        f.stat().st_size for f in dense.rglob("*") if f.is_file()
    )
    refused = optc("compress", path, "--quantize", "int4", "--min-elements", 0, "-o", small, "--target", "ios17")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.rstrip().endswith("target must be ios18 or later (got ios17); use --target ios18")


def test_a_product_of_a_vector_transposes_its_matrix_itself(tmp_path: Path) -> None:
    b = Builder()
    x, m = b.param(TensorType(DType.F32, (2,)), "x"), b.param(TensorType(DType.F32, (3, 2)), "m")
    before = b.program(
        left=b.add(MatMul(x, b.add(Transpose(m, (1, 0)))), "left"),
        right=b.add(MatMul(b.add(Transpose(m, (1, 0))), b.const(np.ones(3, np.float32))), "right"),
    )
    save(before, tmp_path / "m.mlpackage")
    inputs = {"x": np.array([1, 2], np.float32), "m": np.arange(6, dtype=np.float32).reshape(3, 2)}
    expected, found = run(before, inputs), run(load(tmp_path / "m.mlpackage"), inputs)
    assert {name: array.tolist() for name, array in found.items()} == {n: a.tolist() for n, a in expected.items()}


def test_operations_share_equal_parameters_and_no_others(tmp_path: Path) -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, 3, 4)), "x")
    for axes in ((1, 0, 2), (2, 1, 0), (1, 0, 2), (1, 0, 2)):
        x = b.add(Transpose(x, axes))
    save(b.program(y=x), tmp_path / "model.mlpackage")
    (function,) = read_package(tmp_path / "model.mlpackage").model.ml_program.functions.values()
    (block,) = function.block_specializations.values()
    kinds = [operation.type for operation in block.operations]
    assert (kinds.count("const"), kinds.count("transpose")) == (2, 4)
    assert load(tmp_path / "model.mlpackage").functions == b.program(y=x).functions
