"""Programs that compute sizes are planned at the sizes that are given."""

import numpy as np
import pytest

import optc
from optc.driver.sized import sized, symbols

TEXT = """
func @main(%x: f32[n,4]) -> (y: f32[?,?]) {
  %count = shape(%x) {end = 1} : i64[1]
  %two = const() {value = i64[1] [2]} : i64[1]
  %rows = mul(%count, %two) : i64[1]
  %sizes = concat([%rows, %two]) {axis = 0} : i64[2]
  %y = dynamic_reshape(%x, %sizes) : f32[?,?]
  return %y
}
"""


def test_a_program_that_computes_sizes_is_made_static_and_gives_the_same() -> None:
    program = optc.parse(TEXT)
    static = sized(program, {"n": 3})
    assert str(static.main.outputs["y"]) == "f32[6,2]"
    assert [op.name for op in static.main.body.ops if not op.constant] == ["reshape"]
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert optc.run(static, {"x": x})["y"].tolist() == optc.run(program, {"x": x})["y"].tolist()
    assert symbols(program) == {"n"}


def test_a_program_whose_types_say_all_sizes_stays_as_it_is() -> None:
    program = optc.parse("func @main(%x: f32[n]) -> (y: f32[n]) {\n  %y = relu(%x) : f32[n]\n  return %y\n}\n")
    assert sized(program, {"n": 3}) is program


PLACES = """
func @main(%x: f32[n,2]) -> (y: f32[n,2]) {
  %places = const() {value = f32[2,2] [1.0, 2.0, 3.0, 4.0]} : f32[2,2]
  %zero = const() {value = i64[1] [0]} : i64[1]
  %one = const() {value = i64[1] [1]} : i64[1]
  %count = shape(%x) {end = 1} : i64[1]
  %rows = dynamic_slice(%places, %zero, %count, %one) {axes = [0]} : f32[?,2]
  %y = add(%x, %rows) : f32[n,2]
  return %y
}
"""


def test_sizes_at_which_the_program_cannot_be_computed_are_refused() -> None:
    program = optc.parse(PLACES)
    assert optc.plan(program, "iphone14pro", sizes={"n": 2}).totals.predict_ms > 0
    with pytest.raises(optc.UsageError, match=r"such that the program can be computed \(got n=3\)") as refused:
        optc.plan(program, "iphone14pro", sizes={"n": 3})
    assert refused.value.slug == "sizes"


def test_sizes_that_are_not_given_are_taken_to_be_1_and_said() -> None:
    plan = optc.plan(optc.parse(TEXT), "iphone14pro")
    assert plan.request.assumed == ("n",)
    assert optc.plan(optc.parse(TEXT), "iphone14pro", sizes={"n": 2}).request.assumed == ()
