"""Wrong text gives one error that points at the place; hostile text costs nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.parser import parse_program
from optc.ir.tensor import Tensor
from tests.unit.ir.ops_for_tests import CATALOG

GOOD = """
func @main(%x: f32[2], %c: bool[]) -> (y: f32[2]) {
  %w = const() {value = f32[2] [1.0, 2.0]} : f32[2]  // a weight
  %y = add(%x, %w) : f32[2]
  %k = kinds() {ints = [1, 2], extras = {a = 1}, a_dim = <n>, choice = "left"} : f32[]
  %z = cond(%c) : f32[2] then () {
    %i = neg(%y) : f32[2]
    yield %i
  } other () { yield %x }
  return %z
}
"""


def parse_ops(*lines: str) -> Program:
    return parse_program("func @main(%x: f32[2], %c: bool[]) -> () {\n" + "\n".join(lines) + "\nreturn }", CATALOG)


def parsed(text: str) -> Program | OptcError:
    try:
        return parse_program(text, CATALOG)
    except OptcError as error:
        return error


def test_space_and_comments_do_not_matter() -> None:
    dense = " ".join(line.partition("//")[0].strip() for line in GOOD.split("\n"))
    assert parse_program(dense, CATALOG) == parse_program(GOOD, CATALOG)


def test_regions_may_come_in_any_order_and_values_may_be_quoted() -> None:
    swapped = '%z = cond(%"c") : f32[2] other () { yield %x } then () { %i = neg(%"x") : f32[2] yield %"i" }'
    plain = "%z = cond(%c) : f32[2] then () { %i = neg(%x) : f32[2] yield %i } other () { yield %x }"
    assert parse_ops(swapped) == parse_ops(plain)


def test_written_types_are_taken_as_they_are() -> None:
    (op,) = parse_ops("%y = neg(%x) : f16[?,7]").walk()
    assert str(op.result.type) == "f16[?,7]"


def test_whole_numbers_are_read_as_floats_where_floats_are_meant() -> None:
    values = [op.attribute_values() for op in parse_ops(
        "%k = kinds() {a_float = 3} : f32[]", "%w = const() {value = f16[2] [1, inf]} : f16[2]"
    ).walk()]  # fmt: skip
    assert values[0]["a_float"] == 3.0
    assert values[1]["value"].array().tolist() == [1.0, math.inf]


@pytest.mark.parametrize(
    ("slug", "line", "column"),
    [
        ("syntax", "$", 1),
        ("syntax", "%y neg(%x) : f32[2]", 4),
        ("syntax", "%y = neg(%x : f32[2]", 13),
        ("syntax", "%y = neg(%x)", 13),
        ("syntax", "%y = neg(3) : f32[2]", 10),
        ("syntax", '%y = neg(%"\\q") : f32[2]', 10),
        ("syntax", '%k = kinds() {a_str = "open} : f32[]', 23),
        ("syntax", "%k = kinds() {a_int = [[1]]} : f32[]", 24),
        ("syntax", "%k = kinds() {a_int = -} : f32[]", 23),
        ("syntax", "%k = kinds() {a_int = " + "9" * 5000 + "} : f32[]", 23),
        ("syntax", "%k = kinds() {1 = 2} : f32[]", 15),
        ("syntax", "%w = const() {value = f32[2] 7} : f32[2]", 30),
        ("syntax", "%k = kinds() {extras = {é = 1}} : f32[]", 25),
        ("unknown-op", "%y = nag(%x) : f32[2]", 6),
        ("undefined-value", "%y = neg(%z) : f32[2]", 10),
        ("undefined-value", "%y = neg(%y) : f32[2]", 10),
        ("undefined-value", "%t = twice(%x) : f32[2] body (%i: f32[2]) { yield %i } %y = neg(%i) : f32[2]", 65),
        ("defined-twice", "%x = neg(%x) : f32[2]", 1),
        ("defined-twice", '%a, %"a" = split_in_two(%x) : f32[1], f32[1]', 5),
        ("unknown-attribute", "%k = kinds() {int = [1]} : f32[]", 15),
        ("repeated-attribute", "%k = kinds() {a_int = 1, a_int = 2} : f32[]", 26),
        ("missing-attribute", "%w = const() : f32[2]", 6),
        ("attribute-kind", "%k = kinds() {a_int = 1.5} : f32[]", 1),
        ("attribute-kind", "%k = kinds() {ints = [1, true]} : f32[]", 1),
        ("attribute-choice", '%k = kinds() {choice = "up"} : f32[]', 1),
        ("attribute-minimum", "%k = kinds() {positive = [0]} : f32[]", 1),
        ("missing-operand", "%y = add(%x) : f32[2]", 9),
        ("operand-count", "%y = neg(%x, %x) : f32[2]", 9),
        ("operand-form", "%y = neg([%x]) : f32[2]", 1),
        ("operand-form", "%y = neg(_) : f32[2]", 1),
        ("operand-form", "%p = places(%x, _, %x) : f32[1]", 1),
        ("operand-form", "%p = places(%x, _, [_]) : f32[1]", 1),
        ("operand-dtype", "%y = neg(%c) : bool[]", 1),
        ("result-count", "%a, %b = split_in_two(%x) : f32[1]", 35),
        ("result-count", "neg(%x)", 1),
        ("missing-region", "%z = cond(%c) : f32[2] then () { yield %x }", 24),
        ("repeated-region", "%z = cond(%c) : f32[2] then () { yield %x } then () { yield %x }", 45),
        ("bad-type", "%y = neg(%x) : f33[2]", 16),
        ("bad-type", "%y = neg(%x) : f32[(]", 16),
        ("bad-type", "%w = const() {value = f32[n] [1.0]} : f32[n]", 23),
        ("bad-type", "%w = const() {value = f32[-1] []} : f32[1]", 23),
        ("bad-type", "%w = const() {value = f32[0,9999999999999999999] []} : f32[1]", 23),
        ("bad-dimension", "%k = kinds() {a_dim = <n+>} : f32[]", 23),
        ("tensor-size", "%w = const() {value = f32[9999999999] [1.0]} : f32[2]", 23),
        ("tensor-size", '%w = const() {value = f32[2] b64"AAAA"} : f32[2]', 23),
        ("tensor-size", '%w = const() {value = str[9999999] b64"AAAA"} : str[1]', 23),
        ("tensor-bytes", '%w = const() {value = f32[2] b64"?"} : f32[2]', 23),
        ("tensor-element", "%w = const() {value = i8[1] [1.0]} : i8[1]", 23),
        ("tensor-element", "%w = const() {value = bool[1] [1]} : bool[1]", 23),
        ("value-out-of-range", "%w = const() {value = u4[1] [16]} : u4[1]", 23),
        ("value-out-of-range", "%w = const() {value = f16[1] [1e6]} : f16[1]", 23),
        ("value-out-of-range", "%w = const() {value = f64[1] [1" + "0" * 400 + "]} : f64[1]", 23),
        ("unknown-tensor", "%w = const() {value = f32[2] #" + "0" * 64 + "} : f32[2]", 23),
    ],
)  # fmt: skip
def test_a_wrong_op_is_refused_at_its_place(slug: str, line: str, column: int) -> None:
    with pytest.raises(OptcError) as caught:
        parse_ops(line)
    assert caught.value.slug == slug
    place = f"text: line 2 column {column}"
    # What is missing at the end of the line is missed at the next token, on the line after.
    assert caught.value.where == (place if column <= len(line) else "text: line 3 column 1")
    assert "^" in caught.value.excerpt


@pytest.mark.parametrize(
    ("slug", "text"),
    [
        ("syntax", "neg"),
        ("syntax", "func main() -> () { return }"),
        ("syntax", "func @main() -> () { return"),
        ("syntax", "func @main() -> () { return } }"),
        ("syntax", 'metadata "a" = 3'),
        ("syntax", "func @main(%x) -> () { return }"),
        ("output-type", "func @main(%x: f32[2]) -> (y: f32[3]) { return %x }"),
        ("output-names", "func @main(%x: f32[2]) -> () { return %x }"),
        ("output-names", "func @main(%x: f32[2]) -> (y: f32[2], y: f32[2]) { return %x, %x }"),
        ("input-names", "func @main(%0: f32[2]) -> () { return }"),
        ("input-names", "func @main(%x: f32[2], %x#1: f32[2]) -> () { return }"),
        ("function-names", "func @f() -> () { return } func @f() -> () { return }"),
        ("nesting-depth", "func @f(%x: f32[2]) -> () {" + "%y = twice(%x) : f32[2] body () {" * 100),
        ("bad-type", "func @main(%x: f32[" + "(a+b)*" * 60 + "1]) -> () { return }"),
    ],
)
def test_a_wrong_program_is_refused(slug: str, text: str) -> None:
    with pytest.raises(OptcError) as caught:
        parse_program(text, CATALOG, where="m.optc")
    assert caught.value.slug == slug
    assert caught.value.where.startswith("m.optc: line 1 column ")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("%y = nag(%x) : f32[2]", "did you mean neg?"),
        ("%k = kinds() {a_flaot = 1.0} : f32[]", "did you mean a_float"),
        ("%t = twice(%x) : f32[2] body (%i: f32[2]) { yield %i } %y = neg(%i) : f32[2]", "in a block that has ended"),
    ],
)
def test_the_hint_says_what_was_meant(line: str, hint: str) -> None:
    with pytest.raises(OptcError) as caught:
        parse_ops(line)
    assert hint in caught.value.hint


def test_an_error_shows_the_line_and_a_caret() -> None:
    with pytest.raises(OptcError) as caught:
        parse_ops("%y = neg(%x) : f32[2]", "%z = neg(%w) : f32[2]")
    assert str(caught.value) == (
        "text: line 3 column 10: value %w must be defined before its use\n"
        "1 | func @main(%x: f32[2], %c: bool[]) -> () {\n"
        "2 | %y = neg(%x) : f32[2]\n"
        "3 | %z = neg(%w) : f32[2]\n"
        "  |          ^\n"
        "4 | return }"
    )


@given(
    st.integers(0, len(GOOD) - 1),
    st.integers(0, 4),
    st.sampled_from(["", "%", "{", "}", '"', "#1", "[", "1", "é", "//"]),
)
def test_damaged_text_is_a_program_or_an_error_with_a_place(at: int, cut: int, put: str) -> None:
    found = parsed(GOOD[:at] + put + GOOD[at + cut :])
    if isinstance(found, OptcError):
        assert found.where.startswith("text: line ")
    else:
        assert parse_program(str(found), CATALOG) == found


@given(st.text("%@\"'#[]{}()<>:,=_-1.ex \nfunc2//~\\", max_size=60))
def test_any_text_is_a_program_or_an_error_with_a_place(text: str) -> None:
    found = parsed(text)
    assert found == Program(()) if isinstance(found, Program) else found.where.startswith("text: line ")


def test_a_tensor_beside_must_have_the_written_type() -> None:
    weight = np.zeros(2, np.float32)
    tensor = Tensor.of(weight)
    text = f"func @main() -> () {{ %w = const() {{value = f32[3] #{tensor.sha256}}} : f32[3] return }}"
    with pytest.raises(OptcError) as caught:
        parse_program(text, CATALOG, {tensor.sha256: tensor})
    assert caught.value.slug == "tensor-type"
