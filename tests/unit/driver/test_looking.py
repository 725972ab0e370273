"""The commands that look at models: inspect, diff, run; and those that rewrite them: convert, decompress."""

import json
from pathlib import Path

import numpy as np
import pytest

import optc as facade
from tests.command_line import Result, optc
from tests.unit.driver.small_model import inputs, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx")


@pytest.fixture
def small(model: Path) -> Path:
    made = model.with_name("small.onnx")
    assert optc("compress", model, "--palettize", 4, "-o", made).code == 0
    return made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", inputs()["x"])
    return tmp_path / "x.npy"


def test_inspect_says_how_each_weight_is_stored(small: Path) -> None:
    data = json.loads(optc("inspect", small, "--json").out)
    rows = {row["name"]: row for row in data["weights"]}
    first = rows["first"]
    assert (first["op"], first["dtype"], first["scheme"], first["form"]) == (
        "matmul", "f32", "palettized", "palettized 4-bit",
    )  # fmt: skip
    assert (first["elements"], first["dense_bytes"], first["unique"]) == (64 * 96, 64 * 96 * 4, 16)
    assert first["stored_bytes"] == 64 * 96 // 2 + 16 * 4
    assert rows["bias"]["scheme"] == "dense"
    assert data["totals"] == {
        "dense_bytes": sum(row["dense_bytes"] for row in rows.values()),
        "stored_bytes": sum(row["stored_bytes"] for row in rows.values()),
    }
    assert data["inputs"] == [{"name": "x", "type": "f32[batch,64]"}]


def test_inspect_without_values_reads_no_weight(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optc.ops.weights.Weight.expanded", None)
    data = json.loads(optc("inspect", model, "--no-values", "--json").out)
    assert {row["unique"] for row in data["weights"]} == {row["sparsity"] for row in data["weights"]} == {None}
    assert optc("inspect", model).code == 1


def test_a_model_does_not_differ_from_itself(model: Path, picture: Path) -> None:
    result = optc("diff", model, model, "--input", f"x={picture}")
    assert result.out.splitlines() == [
        "3 weights the same",
        "1 output the same",
        "3 ops compared by name: no difference",
    ]


def test_diff_names_the_first_op_that_differs(model: Path, small: Path, picture: Path) -> None:
    data = json.loads(optc("diff", model, small, "--input", f"x={picture}", "--json").out)
    weights = {row["name"]: row for row in data["weights"]}
    assert weights["bias"]["exact"]
    assert weights["bias"]["max_error"] == 0
    assert 15 < weights["second"]["snr_db"] < 40
    assert weights["second"]["bytes_a"] == 64 * 96 * 4
    assert weights["second"]["bytes_b"] < weights["second"]["bytes_a"] / 7
    assert data["first_difference"]["op"] in ("matmul", "add")
    (output,) = data["outputs"]
    assert output["name"] == "y"
    assert 10 < output["snr_db"] < 40


def test_run_gives_what_the_interpreter_gives_and_onnx_runtime_agrees(
    model: Path, picture: Path, tmp_path: Path
) -> None:
    expected = facade.run(facade.load(model), inputs())["y"]
    assert optc("run", model, "--input", f"x={picture}", "-o", tmp_path / "a.npz").code == 0
    assert np.array_equal(np.load(tmp_path / "a.npz")["y"], expected)
    assert np.load(tmp_path / "a.npz").files == ["y"]
    np.savez(tmp_path / "in.npz", **inputs())
    told = optc(
        "run", model, "--input", tmp_path / "in.npz", "--engine", "onnxruntime", "-o", tmp_path / "b.npz", "--json"
    )
    assert np.allclose(np.load(tmp_path / "b.npz")["y"], expected, atol=1e-4)
    (row,) = json.loads(told.out)["outputs"]
    assert (row["name"], row["dtype"], row["shape"]) == ("y", "float32", [3, 64])


def test_onnx_runtime_keeps_activations_exact_beside_weights_of_four_bits(model: Path, tmp_path: Path) -> None:
    made = tmp_path / "q.onnx"
    assert optc("compress", model, "--quantize", "int4", "-o", made).code == 0
    program = facade.load(made)
    reference = facade.run(program, inputs())["y"]
    actual = facade.run(program, inputs(), engine="onnxruntime")["y"]
    assert np.abs(actual - reference).max() < 1e-4 * np.abs(reference).max()


def test_decompress_stores_what_the_weights_expand_to(small: Path, picture: Path, tmp_path: Path) -> None:
    dense = tmp_path / "dense.onnx"
    result = optc("decompress", small, "-o", dense)
    assert "1 weight left dense: not-compressed" in result.out
    again = json.loads(optc("diff", small, dense, "--input", f"x={picture}", "--json").out)
    assert all(row["exact"] for table in ("weights", "outputs", "ops") for row in again[table])
    schemes = {row["scheme"] for row in json.loads(optc("inspect", dense, "--json").out)["weights"]}
    assert schemes == {"dense"}


def test_convert_to_text_and_back_keeps_the_program(small: Path, tmp_path: Path) -> None:
    for source, target in ((small, tmp_path / "t.optc"), (tmp_path / "t.optc", tmp_path / "back.onnx")):
        assert optc("convert", source, "-o", target).code == 0
    assert facade.load(tmp_path / "back.onnx") == facade.load(small)
    assert optc("convert", small, "-o", tmp_path / "again.onnx").code == 0
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "back.onnx").read_bytes()


@pytest.mark.parametrize(
    ("content", "option", "said"),
    [
        (None, "x={}", "array must be readable (got No such file or directory)"),
        (b"", "x={}", "content must be an array (.npy) without objects"),
        (b"\x93NUMPY\x01\x00", "x={}", "content must be an array (.npy) without objects"),
        (b"PK\x03\x04 no archive", "{}", "option --input must be NAME=FILE.npy, NAME=PICTURE or FILE.npz"),
    ],
)
def test_what_is_no_array_is_refused(
    model: Path, tmp_path: Path, content: bytes | None, option: str, said: str
) -> None:
    file = tmp_path / "in.npy"
    if content is not None:
        file.write_bytes(content)
    result = optc("run", model, "--input", option.format(file))
    assert result.code in (1, 2)
    assert said in result.err


def test_arrays_of_objects_and_broken_archives_are_refused(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "o.npz", x=np.array([{}], object))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no archive")
    np.save(tmp_path / "one.npy", np.zeros(2))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    for option in (f"x={tmp_path / 'o.npy'}", tmp_path / "o.npz", tmp_path / "broken.npz", tmp_path / "one.npz"):
        result = optc("run", model, "--input", option)
        assert (result.code, result.out) == (1, "")
        assert "content must be a" in result.err


def test_wrong_inputs_and_engines_are_named(model: Path, picture: Path) -> None:
    np.save(picture, np.zeros((3, 65), np.float32))
    for engine in ("reference", "onnxruntime"):
        result = optc("run", model, "--input", f"x={picture}", "--engine", engine)
        assert result.code == 1
        assert "input x" in result.err
        assert "f32[batch,64]" in result.err
    assert optc("run", model, "--engine", "tvm").err.startswith("error: run: engine must be reference or onnxruntime")
    for command in (("run", model), ("diff", model, model), ("simulate", model, "--device", "iphone14pro")):
        where = f"error: optc {command[0]}:"
        for option, said in (
            ("foo", f"{where} option --input must be NAME=FILE.npy, NAME=PICTURE or FILE.npz (got foo)\n"),
            (f"X={picture}", f"{where} input must be one of x (got X); did you mean x?\n"),
            ("y=missing.npy", f"{where} input must be one of x (got y)\n"),
        ):
            assert optc(*command, "--input", option) == Result(2, "", said)
    assert "input x must be given once" in optc("run", model, "--input", f"x={picture}", "--input", f"x={picture}").err
