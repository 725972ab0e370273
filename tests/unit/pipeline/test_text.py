"""Wrong pipeline text: one message each, with the place."""

import pytest

from optc.errors import UsageError
from optc.pipeline.pipeline import Fixpoint, Pipeline
from tests.unit.pipeline.toys import CATALOG, Fail, Keep, Many, Shorten


def parse(text: str) -> Pipeline:
    return Pipeline.parse(text, CATALOG)


def refusal(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.exit_code == 2
    return caught.value


def test_every_construct_is_read() -> None:
    text = (
        'keep, shorten{by=2 , down_to=1},\n fixpoint{max=5}(fail{how="crash"}, fixpoint(keep)),many{needed=1,names=[]}'
    )
    assert parse(text) == Pipeline(
        (Keep(), Shorten(2, 1), Fixpoint((Fail(), Fixpoint((Keep(),))), 5), Many(needed=1, names=()))
    )
    assert str(parse(text)) == (
        "keep,shorten{by=2,down_to=1},fixpoint{max=5}(fail,fixpoint(keep)),many{needed=1,names=[]}"
    )


@pytest.mark.parametrize("text", ["", " \n ", "fixpoint()"])
def test_no_steps_are_steps_too(text: str) -> None:
    assert list(parse(text).passes()) == []


def test_a_preset_stands_for_its_steps() -> None:
    tidy = (Keep(), Fixpoint((Shorten(2),)))
    assert parse("@tidy,tidy,keep") == Pipeline((*tidy, *tidy, Keep()))
    assert parse("fixpoint(@tidy-twice)") == Pipeline((Fixpoint((*tidy, *tidy)),))
    assert str(parse("tidy")) == "keep,fixpoint(shorten{by=2})"


def test_a_value_is_read_as_the_option_s_type_says() -> None:
    text = (
        'many{needed=+07,ratio=1,scale=-1e3,strict=true,note=8,limit=none,title=none,flags=[true,false],names=["",x]}'
    )
    assert parse(text).steps == (
        Many(needed=7, ratio=1.0, scale=-1000.0, strict=True, note="8", flags=(True, False), names=("", "x")),
    )
    assert parse('many{needed=1,title="none"}').steps == (Many(needed=1, title="none"),)


WRONG = {
    "kep": ("unknown-pass", 1, "step must be a pass or a preset (got kep); did you mean keep?"),
    "@tody": ("unknown-pass", 1, "step must be a pass or a preset (got @tody); did you mean @tidy?"),
    "keep,zzz": (
        "unknown-pass", 6, "step must be a pass or a preset (got zzz); known are fixpoint, keep, shorten, fail, many, "
        "ordered, loop, pool, tidy, tidy-twice",
    ),
    "keep{bits=1}": ("unknown-option", 6, "option must be absent, as there are no options here (got bits)"),
    "shorten{bye=1}": ("unknown-option", 9, "option must be one of by, down_to (got bye); did you mean by?"),
    "fixpoint{rounds=1}(keep)": ("unknown-option", 10, "option must be one of max (got rounds)"),
    "many": ("missing-option", 1, "option needed must be given"),
    "shorten{by=0}": ("option-range", 12, "option by must be from 1 to 9 (got 0)"),
    "shorten{by=four}": ("option-kind", 12, "option by must be an integer (got four)"),
    'shorten{by="4"}': ("option-kind", 12, 'option by must be an integer (got "4")'),
    "shorten{by=99999999999999999999}": (
        "option-kind", 12, 'option by must be an integer (got "99999999999999999999")',
    ),
    "shorten{by=[1]}": ("option-kind", 12, "option by must be an integer (got [1])"),
    "many{needed=1,sizes=4}": ("option-kind", 21, "option sizes must be a list of integers (got 4)"),
    "fail{how=crush}": (
        "option-choice", 10, "option how must be one of crash, refuse, usage, nothing (got crush); did you mean crash?",
    ),
    "ordered{low=5,high=4}": ("low-above-high", 1, "option low must be at most high, 4 (got 5)"),
    "fixpoint{max=0}(keep)": ("option-range", 14, "option max must be from 1 to 1000 (got 0)"),
    "fixpoint": ("group-without-steps", 1, "fixpoint must be followed by its steps in parentheses"),
    "keep(keep)": ("pass-with-steps", 1, "pass keep must be written without parentheses; only fixpoint holds steps"),
    "@tidy{by=1}": ("preset-with-options", 1, "preset tidy must be named without options or steps"),
    "shorten{by=1,by=2}": ("duplicate-option", 14, "option by must be given once"),
    "keep,": ("pipeline-syntax", 6, "text must be the name of a pass (got the end of the text)"),
    "keep keep": ("pipeline-syntax", 6, "text must be ',' or the end (got keep)"),
    "keep)": ("pipeline-syntax", 5, "text must be ',' or the end (got ))"),
    "fixpoint(keep": ("pipeline-syntax", 14, "text must be ',' or ')' (got the end of the text)"),
    "shorten{}": ("pipeline-syntax", 9, "text must be the name of an option (got })"),
    "shorten{by}": ("pipeline-syntax", 11, "text must be '=' and a value (got })"),
    "shorten{by=}": ("pipeline-syntax", 12, "text must be a value (got })"),
    "shorten{by=1": ("pipeline-syntax", 13, "text must be ',' or '}' (got the end of the text)"),
    "many{sizes=[1}": ("pipeline-syntax", 14, "text must be ',' or ']' (got })"),
    "many{sizes=[[1]]}": ("pipeline-syntax", 13, "text must be a value (got [)"),
    'many{note="a}': ("pipeline-string", 11, 'string must be closed by " on its line'),
    r'many{note="\q"}': ("pipeline-string", 11, r'string must be a JSON string (got "\q")'),
    "x" * 50 + " y": ("pipeline-syntax", 52, "text must be ',' or the end (got y)"),
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_wrong_text_is_refused_with_its_place(text: str) -> None:
    slug, column, message = WRONG[text]
    error = refusal(text)
    caret = " " * (column - 1) + "^"
    assert str(error) == f"pipeline line 1 column {column}: {message}\n1 | {text}\n  | {caret}"
    assert error.slug == slug


def test_the_place_is_in_the_right_line() -> None:
    assert str(refusal("keep,\n  shorten{\n    by=x}")).splitlines() == [
        "pipeline line 3 column 8: option by must be an integer (got x)",
        "1 | keep,",
        "2 |   shorten{",
        "3 |     by=x}",
        "  |        ^",
    ]


def test_of_a_long_line_the_part_round_the_place_is_shown() -> None:
    error = refusal(",".join(["keep"] * 60 + ["kep"] + ["keep"] * 60))
    _, shown, caret = str(error).splitlines()
    assert error.where == "pipeline line 1 column 301"
    assert len(shown) < 140
    assert shown.startswith("1 | ...")
    assert shown.endswith("...")
    assert shown[caret.index("^") :].startswith("kep,")


def test_a_mistake_in_a_preset_is_placed_in_the_preset() -> None:
    assert (
        str(refusal("keep,@loop")).splitlines()[0]
        == "preset @pool line 1 column 1: preset loop must be made without itself"
    )


def test_deep_nesting_is_refused_before_it_exhausts_the_stack() -> None:
    assert refusal("fixpoint(" * 100_000).slug == "pipeline-nesting"
    assert str(parse("fixpoint(" * 16 + "keep" + ")" * 16)).count("fixpoint") == 16


def test_the_label_says_where_the_text_is_from() -> None:
    with pytest.raises(UsageError, match=r"^config\.yaml line 1 column 1: step must be"):
        Pipeline.parse("zzz", CATALOG, "config.yaml")
