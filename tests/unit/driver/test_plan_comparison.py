"""`optc plan --against`: which is A and which is B, and what differs, weight by weight or op by op."""

import json
from pathlib import Path

import pytest

import optc as facade
from tests.command_line import optc
from tests.unit.driver.small_model import write_model

DEVICE = ("--device", "macbook-m1", "--size", "batch=64")


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    """A dense model, and its compressed form."""
    dense = write_model(tmp_path / "dense.onnx")
    facade.save(facade.compress(facade.load(dense), facade.Palettize(bits=4)), tmp_path / "small.onnx")
    return tmp_path / "small.onnx", dense


def test_two_models_are_named_once_and_are_a_and_b_from_then_on(models: tuple[Path, Path]) -> None:
    small, dense = models
    lines = optc("plan", small, *DEVICE, "--against", dense).out.splitlines()
    assert lines[:2] == ["A: small.onnx on macbook-m1", "B: dense.onnx on macbook-m1"]
    assert lines[2].split() == ["A", "B", "B", "/", "A"]
    assert not any("onnx" in line for line in lines[2:])
    assert any(line.startswith("first ") and "palettized 4-bit" in line and "dense" in line for line in lines)


def test_models_of_one_name_are_told_apart_by_their_folders(models: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    moved = write_model(tmp_path / "other" / "small.onnx")
    lines = optc("plan", models[0], *DEVICE, "--against", moved).out.splitlines()
    assert lines[:2] == [f"A: {models[0]} on macbook-m1", f"B: {moved} on macbook-m1"]


def test_ops_are_matched_by_the_names_of_their_results(models: tuple[Path, Path]) -> None:
    small = models[0]
    arguments = ("plan", small, *DEVICE, "--against-device", "iphone12", "--rows", "op")
    out = optc(*arguments).out
    assert "op result in A in B ms in A ms in B" in [" ".join(line.split()) for line in out.splitlines()]
    assert "bytes in A" not in out
    data = json.loads(optc(*arguments, "--json").out)
    assert data["models"] == {"a": "small.onnx", "b": "small.onnx"}
    ops = {side: {op["name"]: op for op in data[side]["ops"]} for side in ("a", "b")}
    assert data["differences"]
    for row in data["differences"]:
        for side in ("a", "b"):
            op = ops[side][row["name"]]
            assert row[side] == {key: op[key] for key in ("op", "unit", "ms", "fused_into")}


def test_what_only_one_model_has_is_listed_on_its_side(models: tuple[Path, Path], tmp_path: Path) -> None:
    text = "func @main(%x: f32[4]) -> (z: f32[4]) {\n  %p = exp(%x) : f32[4]\n  %z = sin(%p) : f32[4]\n  return %z\n}\n"
    (tmp_path / "other.optc").write_text(text)
    arguments = ("plan", models[0], "--device", "macbook-m1", "--against", tmp_path / "other.optc", "--rows", "op")
    out = optc(*arguments).out
    assert "only in A: 4 ops" in out
    assert "only in B: 2 ops" in out
    rows = json.loads(optc(*arguments, "--json", "--by", "time").out)["differences"]
    assert [row["name"] for row in rows if row["a"] is None] == ["p", "z"]
    alone = [row["a"]["ms"] for row in rows if row["b"] is None]
    assert alone == sorted(alone, reverse=True)


@pytest.mark.parametrize("rows", ["weight", "op"])
def test_nothing_differs_between_a_model_and_itself(models: tuple[Path, Path], rows: str) -> None:
    assert f"no {rows} differs" in optc("plan", models[0], *DEVICE, "--against", models[0], "--rows", rows).out
