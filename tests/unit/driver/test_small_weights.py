"""Weights that are too small to be decided on are counted where bytes are, and said to be so where one is named."""

import json
from pathlib import Path

import pytest

import optc as facade
from tests.command_line import optc
from tests.unit.driver.small_model import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A compressed model whose bias has 96 elements."""
    program = facade.load(write_model(tmp_path / "dense.onnx"))
    facade.save(facade.compress(program, facade.Palettize(bits=4)), tmp_path / "small.onnx")
    return tmp_path / "small.onnx"


def test_plan_inspect_and_report_count_the_same_bytes(model: Path, tmp_path: Path) -> None:
    inspected = json.loads(optc("inspect", model, "--json").out)["totals"]["stored_bytes"]
    plan = json.loads(optc("plan", model, "--device", "iphone14pro", "--json").out)
    assert plan["totals"]["disk_bytes"] == inspected
    assert plan["small_weights"] == {"count": 1, "stored_bytes": 4 * 96}
    page = tmp_path / "page.html"
    optc("report", model, "--device", "iphone14pro", "-o", page)
    assert page.read_text("utf-8").count(f"{inspected:,}") >= 2  # the tile, and the plan


def test_they_are_said_below_the_table(model: Path) -> None:
    out = optc("plan", model, "--device", "iphone14pro").out
    assert "1 weight of fewer than 256 elements is part of its op (384 bytes stored)" in out


def test_a_model_that_is_cleaned_up_to_be_planned_is_counted_as_it_is_stored() -> None:
    model = facade.demo_model()
    inspected = json.loads(optc("inspect", model, "--json").out)["totals"]["stored_bytes"]
    assert json.loads(optc("plan", model, "--device", "iphone14pro", "--json").out)["totals"]["disk_bytes"] == inspected


def test_one_that_is_named_is_said_to_be_small(model: Path) -> None:
    result = optc("explain", model, "bias", "--device", "iphone14pro")
    assert result.err == (
        "error: explain: weight bias must be of 256 elements or more to be decided on; smaller ones are part of their "
        "ops (got 96 elements)\n"
    )
    assert result.code == 2


PLACES = """
func @main(%x: f32[n,2]) -> (y: f32[n,2]) {
  %places = const() {value = f32[300,2] @W} : f32[300,2]
  %zero = const() {value = i64[1] [0]} : i64[1]
  %count = shape(%x) {end = 1} : i64[1]
  %rows = dynamic_slice(%places, %zero, %count) {axes = [0]} : f32[?,2]
  %y = add(%x, %rows) : f32[n,2]
  return %y
}
"""


def test_one_that_is_folded_at_the_sizes_given_is_said_to_be_so() -> None:
    program = facade.parse(PLACES.replace("@W", "[" + ", ".join(["1.0"] * 600) + "]"))
    with pytest.raises(facade.UsageError, match="one that is left when the model is cleaned up") as refused:
        facade.explain(program, "places", "iphone14pro", sizes={"n": 2})
    assert refused.value.slug == "undecided-weight"


NESTED = """
func @main(%c: bool[], %x: f32[1,300]) -> (y: f32[1,300]) {
  %y = cond(%c) : f32[1,300] then () {
    %w = const() {value = f32[300] @W} : f32[300]
    %a = mul(%x, %w) : f32[1,300]
    yield %a
  } else () { yield %x }
  return %y
}
"""


def test_one_in_a_nested_block_is_said_to_be_there() -> None:
    program = facade.parse(NESTED.replace("@W", "[" + ", ".join(["1.0"] * 300) + "]"))
    with pytest.raises(facade.UsageError, match="weight w must be one of the main function, outside nested blocks"):
        facade.explain(program, "w", "iphone14pro")
