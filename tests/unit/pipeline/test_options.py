"""Options of passes: what is accepted, in which form it is kept, and what each refusal says."""

import math
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest

from optc.errors import UsageError
from optc.ir.block import Program
from optc.pipeline.options import Option, options_of, show
from optc.pipeline.passes import Pass, PassContext, option
from tests.unit.pipeline.toys import Fail, Many, Ordered, Shorten


def test_options_are_read_from_the_fields_in_order() -> None:
    found = {o.name: o for o in options_of(Many)}
    assert list(found)[:3] == ["needed", "ratio", "scale"]
    assert found["needed"] == Option("needed", "int", attrs.NOTHING, help="no default")
    assert found["needed"].required
    assert found["limit"] == Option("limit", "int", None, optional=True, minimum=0)
    assert found["flags"] == Option("flags", "bool", None, many=True, optional=True)
    assert found["mode"].one_of == ("kmeans", "uniform", "two words")


def test_values_are_kept_in_one_form() -> None:
    made = Many(needed=np.int64(4), ratio=1, scale=-0.0, sizes=[np.uint8(2)], names=["b"])  # type: ignore[arg-type]  # wider than declared
    assert made == Many(needed=4, ratio=1.0, scale=0.0, sizes=(2,), names=("b",))
    assert [type(value) for value in (made.needed, made.ratio, made.sizes, made.sizes[0])] == [int, float, tuple, int]
    assert math.copysign(1, made.scale) == 1


@pytest.mark.parametrize(
    ("given", "slug", "message"),
    [
        ({"needed": True}, "option-kind", "option needed must be an integer (got true)"),
        ({"needed": 4.0}, "option-kind", "option needed must be an integer (got 4.0)"),
        ({"needed": "4"}, "option-kind", 'option needed must be an integer (got "4")'),
        ({"needed": 1 << 63}, "option-kind", "option needed must be an integer (got 9223372036854775808)"),
        ({"needed": None}, "option-kind", "option needed must be an integer (got none)"),
        ({"ratio": 1.5}, "option-range", "option ratio must be from 0.0 to 1.0 (got 1.5)"),
        ({"ratio": math.nan}, "option-kind", "option ratio must be a number (got nan)"),
        ({"ratio": "x"}, "option-kind", "option ratio must be a number (got x)"),
        ({"strict": 1}, "option-kind", "option strict must be true or false (got 1)"),
        ({"note": b"x"}, "option-kind", "option note must be a text (got b'x')"),
        ({"mode": "kmean"}, "option-choice",
            'option mode must be one of kmeans, uniform, "two words" (got kmean); did you mean kmeans?'),
        ({"limit": -1}, "option-range", "option limit must be at least 0 (got -1)"),
        ({"sizes": 3}, "option-kind", "option sizes must be a list of integers (got 3)"),
        ({"sizes": "34"}, "option-kind", 'option sizes must be a list of integers (got "34")'),
        ({"sizes": (3, "4")}, "option-kind", 'option sizes must be a list of integers (got [3,"4"])'),
        ({"sizes": (3, 0)}, "option-range", "option sizes must be at least 1 (got 0)"),
        ({"flags": (0,)}, "option-kind", "option flags must be a list of truth values (got [0])"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_in_one_clear_message(given: dict[str, Any], slug: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Many(**{"needed": 1, **given})
    assert str(caught.value) == f"pass many: {message}"
    assert caught.value.slug == slug
    assert caught.value.exit_code == 2


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(UsageError, match=r"must be an integer \(got x{77}\.\.\.\)$"):
        Many(needed="x" * 1000)  # type: ignore[arg-type]  # the point of it


def test_a_bound_on_one_side_is_said_as_such() -> None:
    with pytest.raises(UsageError, match="must be at most 2 "):
        Option("n", "int", 0, maximum=2).check(3, "here")


def test_any_real_number_will_do_for_a_float() -> None:
    assert Many(needed=1, scale=Fraction(1, 4)).scale == 0.25  # type: ignore[arg-type]  # wider than declared
    assert Many(needed=1, scale=math.inf).scale == math.inf


def test_the_text_of_a_pass_leaves_out_what_is_at_its_default() -> None:
    assert str(Shorten()) == "shorten"
    assert str(Shorten(by=3)) == "shorten{by=3}"
    assert str(Fail(how="refuse")) == "fail{how=refuse}"
    assert str(Many(needed=1, ratios=(), limit=0, title="none")) == 'many{needed=1,limit=0,title="none",ratios=[]}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4, "4"), (0.5, "0.5"), (1e-9, "1e-09"), (math.inf, "inf"), (True, "true"), (None, "none"),
        ("a-b.0/c", "a-b.0/c"),
        ("", '""'), ("two words", '"two words"'), ("true", '"true"'), ("8", '"8"'), ('"', '"\\""'), ("a,b", '"a,b"'),
        ((1, 2), "[1,2]"), ((), "[]"), (("none", "x"), '["none",x]'),
    ],
)  # fmt: skip
def test_values_are_shown_as_pipeline_text(value: Any, text: str) -> None:
    assert show(value) == text


def test_a_rule_between_options_is_the_business_of_the_pass() -> None:
    with pytest.raises(UsageError) as caught:
        Ordered(low=5, high=4)
    assert str(caught.value) == "pass ordered: option low must be at most high, 4 (got 5)"


@pytest.mark.parametrize("annotation", [dict[str, int], list[int], int | str, tuple[int, int], "Program"])
def test_an_option_of_another_type_is_a_mistake_in_the_declaration(annotation: Any) -> None:
    class Odd(Pass):
        __annotations__ = {"odd": annotation}  # what Python itself puts there
        odd: Any = option(None)

        def run(self, program: Program, cx: PassContext) -> Program:
            return program

    with pytest.raises(TypeError, match="option odd of Odd cannot be annotated"):
        options_of(attrs.frozen(Odd))


def test_a_default_that_is_made_anew_is_a_mistake_in_the_declaration() -> None:
    @attrs.frozen
    class Odd(Pass):
        odd: tuple[int, ...] = option(attrs.Factory(tuple))

        def run(self, program: Program, cx: PassContext) -> Program:
            return program

    with pytest.raises(TypeError, match="option odd of Odd cannot have a default"):
        options_of(Odd)
