"""Common subexpressions: what counts as the same, and from where it is seen."""

from collections import Counter

import pytest

from optc.pipeline.passes import PassContext
from passes.cleanup.common_subexpressions import CommonSubexpressions
from tests.unit.passes.texts import main, names, run

CSE = CommonSubexpressions()


def test_equal_ops_on_the_same_values_become_one_and_so_do_those_that_follow() -> None:
    before = main(
        "%x: f32[2]",
        "%a = relu(%x) : f32[2]\n%b = relu(%x) : f32[2]\n%c = neg(%a) : f32[2]\n%d = neg(%b) : f32[2]\n"
        "%y = add(%c, %d) : f32[2]",
        "%y: f32[2]",
    )
    after = main(
        "%x: f32[2]",
        "%a = relu(%x) : f32[2]\n%c = neg(%a) : f32[2]\n%y = add(%c, %c) : f32[2]",
        "%y: f32[2]",
    )
    statistics: Counter[str] = Counter()
    assert str(run(CSE, before, PassContext(CSE, statistics=statistics))) == str(after)
    assert statistics == {"common-subexpressions.merged": 2}


def test_all_results_of_an_op_are_shared() -> None:
    before = main(
        "%x: f32[2]",
        "%a, %b = split(%x) {parts = 2} : f32[1], f32[1]\n%c, %d = split(%x) {parts = 2} : f32[1], f32[1]",
        "%a: f32[1]", "%d: f32[1]",
    )  # fmt: skip
    after = run(CSE, before)
    assert names(after) == ["split"]
    assert [value.name for value in after.main.body.results] == ["a", "b"]


def test_nested_blocks_use_what_is_computed_round_them_before() -> None:
    before = main(
        "%p: bool[], %x: f32[2]",
        "%a = neg(%x) : f32[2]\n"
        "%y = cond(%p) : f32[2] then () {\n%b = neg(%x) : f32[2]\nyield %b\n} else () {\n"
        "%i = cond(%p) : f32[2] then () {\n%c = neg(%x) : f32[2]\nyield %c\n} else () {\nyield %x\n}\nyield %i\n}",
        "%y: f32[2]", "%a: f32[2]",
    )  # fmt: skip
    assert names(run(CSE, before)) == ["neg", "cond", "cond"]


def test_what_one_branch_computes_is_not_in_sight_of_the_other_nor_after_both() -> None:
    before = main(
        "%p: bool[], %x: f32[2]",
        "%y = cond(%p) : f32[2] then () {\n%b = neg(%x) : f32[2]\nyield %b\n"
        "} else () {\n%c = neg(%x) : f32[2]\n%d = abs(%c) : f32[2]\nyield %d\n}\n%a = neg(%x) : f32[2]",
        "%y: f32[2]", "%a: f32[2]",
    )  # fmt: skip
    assert CSE.run(before, PassContext()) is before


def test_whole_branches_that_are_the_same_become_one() -> None:
    choice = "cond(%p) : f32[2] then () {\n%b = neg(%x) : f32[2]\nyield %b\n} else () {\nyield %x\n}\n"
    before = main(
        "%p: bool[], %x: f32[2]", f"%y = {choice}%z = {choice.replace('%b', '%c')}", "%y: f32[2]", "%z: f32[2]"
    )
    assert names(run(CSE, before)) == ["neg", "cond"]


@pytest.mark.parametrize(
    ("lines", "results"),
    [
        ("%a = elu(%x) : f32[n]\n%b = elu(%x) {alpha = 2.0} : f32[n]", ("%a: f32[n]", "%b: f32[n]")),
        ("%a = sub(%x, %w) : f32[n]\n%b = sub(%w, %x) : f32[n]", ("%a: f32[n]", "%b: f32[n]")),
        ("%a = clip(%x) {min = 0.0} : f32[n]\n%b = clip(%x) {min = -0.0} : f32[n]", ("%a: f32[n]", "%b: f32[n]")),
        ("%a = state.read(%s) : f32[n]\n%b = state.read(%s) : f32[n]", ("%a: f32[n]", "%b: f32[n]")),
        (
            '%a = opaque([%x]) {operator = "acme:Random"} : f32[n]\n'
            '%b = opaque([%x]) {operator = "acme:Random"} : f32[n]',
            ("%a: f32[n]", "%b: f32[n]"),
        ),
        (
            "%a = const() {value = f32[1] [1.0]} : f32[1]\n%b = const() {value = f32[1] [1.0]} : f32[1]",
            ("%a: f32[1]", "%b: f32[1]"),
        ),
        ("%a = nonzero(%x) : i64[1,?]\n%b = nonzero(%x) : i64[1,m]", ("%a: i64[1,?]", "%b: i64[1,m]")),
    ],
    ids=["attribute", "order", "sign of zero", "state", "effect", "constants", "written type"],
)
def test_what_differs_is_kept(lines: str, results: tuple[str, ...]) -> None:
    before = main("%x: f32[n], %w: f32[n], %s: state<f32[n]>", lines, *results)
    assert CSE.run(before, PassContext()) is before
