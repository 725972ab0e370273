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


@pytest.mark.parametrize("size", ["n", "3"])
def test_a_clean_program_whose_types_say_all_sizes_stays_as_it_is(size: str) -> None:
    text = f"func @main(%x: f32[{size}]) -> (y: f32[{size}]) {{\n  %y = relu(%x) : f32[{size}]\n  return %y\n}}\n"
    program = optc.parse(text)
    assert sized(program, {"n": 3}) is program


SCALED = """
func @main(%x: f32[n,4]) -> (y: f32[n*2,4]) {
  %count = shape(%x) {end = 1} : i64[1]
  %two = const() {value = i64[1] [2]} : i64[1]
  %four = const() {value = i64[1] [4]} : i64[1]
  %rows = mul(%count, %two) : i64[1]
  %sizes = concat([%rows, %four]) {axis = 0} : i64[2]
  %twice = concat([%x, %x]) {axis = 1} : f32[n,8]
  %y = dynamic_reshape(%twice, %sizes) : f32[n*2,4]
  return %y
}
"""


def test_sizes_that_are_computed_but_known_by_type_are_worked_out_as_well() -> None:
    static = sized(optc.parse(SCALED), {"n": 3})
    assert [op.name for op in static.main.body.ops if not op.constant] == ["concat", "reshape"]


WINDOW = """
func @main(%x: f32[1,1,n]) -> (y: f32[1,1,n-2]) {
  %y = max_pool(%x) {kernel_shape = [3]} : f32[1,1,n-2]
  return %y
}
"""


def test_sizes_that_an_op_cannot_take_are_refused() -> None:
    assert optc.plan(optc.parse(WINDOW), "iphone14pro", sizes={"n": 3}).totals.predict_ms > 0
    with pytest.raises(optc.UsageError, match=r"computed .got 1 each.; .*at least as long as the window") as refused:
        optc.plan(optc.parse(WINDOW), "iphone14pro")
    assert refused.value.slug == "sizes"
    assert refused.value.hint.endswith("; --size NAME=N gives a size to dimensions of the inputs, n")


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
