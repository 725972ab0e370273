"""Constant folding: what is computed, and what is left alone."""

from collections import Counter

import numpy as np
import pytest

from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ops.reduce import ReduceSum
from optc.ops.shape import Transpose
from optc.pipeline.passes import PassContext
from passes.cleanup.fold_constants import FoldConstants
from tests.unit.passes.texts import main, names, run


def test_what_depends_on_constants_alone_becomes_a_constant_under_its_name() -> None:
    before = main(
        "%x: f32[2]",
        "%a = const() {value = f32[2] [1.0, -2.0]} : f32[2]\n%b = neg(%a) : f32[2]\n%c = abs(%b) : f32[2]\n"
        "%y = add(%x, %c) : f32[2]",
        "%y: f32[2]",
    )
    after = main(
        "%x: f32[2]",
        "%a = const() {value = f32[2] [1.0, -2.0]} : f32[2]\n%b = const() {value = f32[2] [-1.0, 2.0]} : f32[2]\n"
        "%c = const() {value = f32[2] [1.0, 2.0]} : f32[2]\n%y = add(%x, %c) : f32[2]",
        "%y: f32[2]",
    )
    statistics: Counter[str] = Counter()
    folded = run(FoldConstants(), before, PassContext(FoldConstants(), statistics=statistics))
    assert str(folded) == str(after)
    assert statistics == {"fold-constants.folded": 2}


def test_an_op_with_several_results_becomes_as_many_constants() -> None:
    before = main(
        "%x: i64[2]",
        "%a = const() {value = i64[3] [1, 2, 3]} : i64[3]\n"
        "%b, %c = split(%a) {sizes = [2, 1]} : i64[2], i64[1]\n%y = add(%x, %b) : i64[2]\n%z = add(%y, %c) : i64[2]",
        "%z: i64[2]",
    )
    folded = run(FoldConstants(), before)
    assert names(folded) == ["const", "const", "const", "add", "add"]
    assert [op.result.name for op in folded.walk()] == ["a", "b", "c", "y", "z"]


def test_a_result_whose_size_was_not_known_makes_later_types_more_precise() -> None:
    before = main(
        "",
        "%a = const() {value = i64[3] [0, 5, 6]} : i64[3]\n%b = nonzero(%a) : i64[1,?]\n%c = neg(%b) : i64[1,?]",
        "%c: i64[1,?]",
    )
    folded = run(FoldConstants(), before)
    assert names(folded) == ["const"] * 3
    assert str(folded.main.outputs["out0"]) == "i64[1,2]"


def test_constants_of_an_enclosing_block_are_seen_in_a_nested_one() -> None:
    before = main(
        "%p: bool[]",
        "%a = const() {value = f32[1] [1.0]} : f32[1]\n"
        "%y = cond(%p) : f32[1] then () {\n%b = neg(%a) : f32[1]\nyield %b\n} else () {\nyield %a\n}",
        "%y: f32[1]",
    )
    assert names(run(FoldConstants(), before)) == ["const", "const", "cond"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            "%i = const() {value = u1[2] [0, 1]} : u1[2]\n%t = const() {value = f32[1,2,1] [3.0, 4.0]} : f32[1,2,1]\n"
            "%y = constexpr.lut_to_dense(%i, %t) : f32[2]",
            id="compressed weight",
        ),
        pytest.param(
            "%i = const() {value = i8[2] [0, 1]} : i8[2]\n%s = const() {value = f32[] [3.0]} : f32[]\n"
            "%y = dequantize(%i, %s) : f32[2]",
            id="weight stored as codes",
        ),
        pytest.param(
            "%i = const() {value = i64[1] [7]} : i64[1]\n%t = const() {value = f32[2] [3.0, 4.0]} : f32[2]\n"
            "%u = gather(%t, %i) : f32[1]\n%y = concat([%u, %u]) {axis = 0} : f32[2]",
            id="op that refuses its operands",
        ),
        pytest.param(
            '%i = const() {value = f32[2] [3.0, 4.0]} : f32[2]\n%y = opaque([%i]) {operator = "acme:Square"} : f32[2]',
            id="opaque op",
        ),
    ],
)
def test_it_leaves_alone(lines: str) -> None:
    before = main("", lines, "%y: f32[2]")
    assert FoldConstants().run(before, PassContext()) is before


@pytest.mark.parametrize(("max_bytes", "ops"), [(16, 2), (15, 1)])
def test_a_result_that_grows_is_kept_only_up_to_the_bound(max_bytes: int, ops: int) -> None:
    before = main(
        "",
        "%a = const() {value = f32[1] [3.0]} : f32[1]\n%y = tile(%a) {repeats = [4]} : f32[4]",
        "%y: f32[4]",
    )
    assert names(run(FoldConstants(max_bytes), before)).count("const") == ops


def test_a_result_that_does_not_grow_is_kept_whatever_the_bound() -> None:
    before = main("", "%a = const() {value = f32[1] [3.0]} : f32[1]\n%y = neg(%a) : f32[1]", "%y: f32[1]")
    assert all(isinstance(op, Const) for op in run(FoldConstants(0), before).walk())


def test_a_fill_of_any_size_is_not_even_tried() -> None:
    before = main(
        "", "%y = fill() {shape = [1000000000], value = f32[] [1.0]} : f32[1000000000]", "%y: f32[1000000000]"
    )
    assert FoldConstants().run(before, PassContext()) is before


def test_sums_do_not_depend_on_how_their_operand_lay_in_memory_when_it_was_computed() -> None:
    b = Builder()
    w = b.const(np.random.default_rng(0).standard_normal((64, 300)), "w")
    y = b.add(ReduceSum(b.add(Transpose(w, (1, 0))), (0, 1)), "y")
    assert names(run(FoldConstants(), b.program(y=y))) == ["const"] * 3


def test_where_a_more_precise_type_does_not_fit_the_function_stays_and_a_remark_says_so() -> None:
    before = main(
        "%p: bool[], %x: f32[3]",
        "%a = const() {value = i64[3] [0, 5, 6]} : i64[3]\n"
        "%y = cond(%p) : i64[1,?] then () {\n%b = nonzero(%a) : i64[1,?]\n"
        "%c = const() {value = i64[1,3] [1, 2, 3]} : i64[1,3]\n%d = add(%b, %c) : i64[1,3]\nyield %d\n"
        "} else () {\n%e = nonzero(%x) : i64[1,?]\nyield %e\n}",
        "%y: i64[1,?]",
    )
    cx = PassContext(FoldConstants())
    assert FoldConstants().run(before, cx) is before
    (remark,) = cx.ledger
    assert (remark.subject, remark.decision, remark.reason, remark.kind) == ("main", "refused", "broadcast", "program")
