"""Equal weights: which one is kept, and what is said of the others."""

from optc.ir.block import Program
from optc.ir.const import Const
from optc.pipeline.passes import PassContext
from passes.cleanup.deduplicate_weights import DeduplicateWeights
from tests.unit.passes.texts import main, names, run

W = "const() {value = f32[2] [1.0, 2.0]} : f32[2]"


def weights(made: Program) -> list[str]:
    return [op.result.name for op in made.walk() if isinstance(op, Const)]


def test_the_first_of_equal_tensors_is_kept_and_each_other_is_told_of() -> None:
    before = main(
        "%x: f32[2]",
        f"%a = {W}\n%b = {W}\n%c = {W}\n%p = add(%x, %b) : f32[2]\n%q = mul(%p, %c) : f32[2]\n"
        "%y = sub(%q, %a) : f32[2]",
        "%y: f32[2]",
    )
    cx = PassContext(DeduplicateWeights())
    after = run(DeduplicateWeights(), before, cx)
    assert weights(after) == ["a"]
    assert [op.operands[1].name for op in after.main.body.ops[1:]] == ["a", "a", "a"]
    assert [str(remark) for remark in cx.ledger] == [
        "deduplicate-weights: weight b: done, duplicate (kept a)",
        "deduplicate-weights: weight c: done, duplicate (kept a)",
    ]
    assert [(remark.bytes_before, remark.bytes_after) for remark in cx.ledger] == [(8, 0), (8, 0)]


def test_a_nested_block_uses_the_weight_of_the_block_round_it() -> None:
    before = main(
        "%p: bool[], %x: f32[2]",
        f"%a = {W}\n%y = cond(%p) : f32[2] then () {{\n%b = {W}\nyield %b\n}} else () {{\nyield %a\n}}",
        "%y: f32[2]",
    )
    assert weights(run(DeduplicateWeights(), before)) == ["a"]


def test_branches_do_not_see_each_others_weights() -> None:
    before = main(
        "%p: bool[], %x: f32[2]",
        f"%y = cond(%p) : f32[2] then () {{\n%b = {W}\nyield %b\n}} else () {{\n%c = {W}\nyield %c\n}}\n%d = {W}",
        "%y: f32[2]", "%d: f32[2]",
    )  # fmt: skip
    assert DeduplicateWeights().run(before, PassContext()) is before


def test_tensors_that_differ_in_shape_in_type_in_a_late_byte_or_in_the_sign_of_zero_are_kept() -> None:
    long = ", ".join(["1.0"] * 15)
    before = main(
        "",
        "%a = const() {value = f32[2] [0.0, 0.0]} : f32[2]\n%b = const() {value = f32[2,1] [0.0, 0.0]} : f32[2,1]\n"
        "%c = const() {value = i32[2] [0, 0]} : i32[2]\n%d = const() {value = f32[2] [0.0, -0.0]} : f32[2]\n"
        f"%e = const() {{value = f64[16] [{long}, 2.0]}} : f64[16]\n"
        f"%f = const() {{value = f64[16] [{long}, 3.0]}} : f64[16]",
        "%a: f32[2]", "%b: f32[2,1]", "%c: i32[2]", "%d: f32[2]", "%e: f64[16]", "%f: f64[16]",
    )  # fmt: skip
    cx = PassContext()
    assert DeduplicateWeights().run(before, cx) is before
    assert len(cx.ledger) == 0


def test_single_numbers_are_merged_without_a_word() -> None:
    one = "const() {value = f32[] [1.0]} : f32[]"
    before = main(
        "%x: f32[2]",
        f"%a = {one}\n%b = {one}\n%p = add(%x, %a) : f32[2]\n%y = sub(%p, %b) : f32[2]",
        "%y: f32[2]",
    )
    cx = PassContext(DeduplicateWeights())
    assert names(run(DeduplicateWeights(), before, cx)) == ["const", "add", "sub"]
    assert len(cx.ledger) == 0


def test_a_weight_that_is_an_output_keeps_its_outputs_name() -> None:
    before = main("", f"%a = {W}\n%b = {W}", "%a: f32[2]", "%b: f32[2]")
    after = run(DeduplicateWeights(), before)
    assert after.main.output_names == ("out0", "out1")
    assert [value.name for value in after.main.body.results] == ["a", "a"]
