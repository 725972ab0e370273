"""Dead code: what goes, and what has an effect and stays."""

from collections import Counter

from optc.pipeline.passes import PassContext
from passes.cleanup.dead_code import DeadCode
from tests.unit.passes.texts import main, names, run


def test_chains_and_constants_that_nothing_uses_go() -> None:
    before = main(
        "%x: f32[2], %unused: f32[2]",
        "%w = const() {value = f32[2] [1.0, 2.0]} : f32[2]\n%a = add(%x, %w) : f32[2]\n%b = relu(%a) : f32[2]\n"
        "%y = neg(%x) : f32[2]",
        "%y: f32[2]",
    )
    statistics: Counter[str] = Counter()
    after = run(DeadCode(), before, PassContext(DeadCode(), statistics=statistics))
    assert names(after) == ["neg"]
    assert after.main.input_names == ("x", "unused")
    assert statistics == {"dead-code.removed": 3}


def test_an_op_stays_while_one_of_its_results_is_used() -> None:
    before = main("%x: f32[2]", "%a, %b = split(%x) {parts = 2} : f32[1], f32[1]", "%b: f32[1]")
    assert DeadCode().run(before, PassContext()) is before


def test_what_only_a_nested_block_uses_stays_and_what_is_dead_in_it_goes() -> None:
    before = main(
        "%p: bool[], %x: f32[2]",
        "%a = neg(%x) : f32[2]\n%b = abs(%x) : f32[2]\n"
        "%y = cond(%p) : f32[2] then () {\n%c = relu(%b) : f32[2]\nyield %a\n} else () {\nyield %x\n}",
        "%y: f32[2]",
    )
    assert names(run(DeadCode(), before)) == ["neg", "cond"]


def test_a_branch_that_nothing_uses_goes_with_all_that_is_in_it() -> None:
    before = main(
        "%p: bool[], %x: f32[2]",
        "%a = neg(%x) : f32[2]\n%b = cond(%p) : f32[2] then () {\n%c = relu(%a) : f32[2]\nyield %c\n"
        "} else () {\nyield %x\n}\n%y = abs(%x) : f32[2]",
        "%y: f32[2]",
    )
    assert names(run(DeadCode(), before)) == ["abs"]


def test_effects_stay_also_in_nested_blocks_and_so_does_what_they_need() -> None:
    before = main(
        "%p: bool[], %s: state<f32[2]>, %x: f32[2]",
        '%a = neg(%x) : f32[2]\n%o = opaque([%a]) {operator = "acme:Log"} : f32[2]\n%r = state.read(%s) : f32[2]\n'
        "%v = abs(%x) : f32[2]\n%c = cond(%p) : f32[2] then () {\nstate.write(%s, %v)\nyield %x\n"
        "} else () {\nyield %x\n}",
        "%x: f32[2]",
    )
    assert DeadCode().run(before, PassContext()) is before
