"""Wrong lowered programs, each beside its exact message."""

import pytest

from backends.lowered_ops import CATALOG
from backends.lowered_verifier import INVARIANTS, verify_lowered
from optc.errors import OptcError
from optc.ir.parser import parse_program

LOAD = "func @load() -> (w: f32[2]) { %w = const() {value = f32[2] [1, 2]} : f32[2] return %w }"
EMPTY = "func @load() -> () { return }"
KERNEL = '%y = npu.kernel() {kind = "relu"} : f32[2] body () { %z = relu(%x) : f32[2] yield %z }'
OUT = "-> (out: f32[2])"
HINT = "a handover gives it to another unit"


def predict(*lines: str, given: str = "%x: f32[2]", out: str = "%y") -> str:
    """`@predict` of these lines."""
    return "\n".join([f"func @predict({given}) {OUT} {{", *lines, f"return {out}", "}"])


def kernel(unit: str, result: str, op: str) -> str:
    """A kernel of one op."""
    body = f"%in_{result} = {op} : f32[2] yield %in_{result}"
    return f'%{result} = {unit}.kernel() {{kind = "k"}} : f32[2] body () {{ {body} }}'


def hand_over(result: str, of: str, source: str, target: str) -> str:
    return f'%{result} = handover(%{of}) {{source = "{source}", target = "{target}"}} : f32[2]'


GOOD = f"{LOAD}\n" + predict(
    kernel("npu", "a", "add(%x, %w)"),
    hand_over("b", "a", "npu", "cpu"),
    kernel("cpu", "y", "add(%b, %x)"),
    given="%w: f32[2], %x: f32[2]",
)

WRONG = {
    "functions": (
        predict(KERNEL),
        "lowered-functions",
        "program: functions must be @load and @predict (got @predict)",
    ),
    "order": (
        f"{predict(KERNEL)}\n{EMPTY}",
        "lowered-functions",
        "program: functions must be @load and @predict (got @predict, @load)",
    ),
    "load_input": (
        "func @load(%a: f32[2]) -> () { return }\n" + predict(KERNEL),
        "resident",
        "function @load: inputs must be none (got a)",
    ),
    "resident_missing": (
        f"{LOAD}\nfunc @predict() -> () {{ return }}",
        "resident",
        "function @predict: input must be w: f32[2], as @load returns it (got none)",
    ),
    "resident_type": (
        f"{LOAD}\n" + predict(KERNEL, given="%w: f32[3], %x: f32[2]"),
        "resident",
        "function @predict: input must be w: f32[2], as @load returns it (got w: f32[3])",
    ),
    "load_op": (
        LOAD.replace("return %w", "%r = relu(%w) : f32[2] return %r") + "\n"
        + predict(KERNEL, given="%w: f32[2], %x: f32[2]"),
        "stage-op",
        "op %r = relu in @load: op at the top level of @load must be a constant or a constexpr op (got relu)",
    ),
    "bare_op": (
        f"{EMPTY}\n" + predict("%y = relu(%x) : f32[2]"),
        "stage-op",
        "op %y = relu in @predict: op at the top level of @predict must be a const, a kernel or a handover (got relu)",
    ),
    "bare_constexpr": (
        f"{EMPTY}\n"
        + predict(
            "%c = const() {value = f16[2] [1, 2]} : f16[2]", "%y = constexpr.cast(%c) : f32[2]",
        ),
        "stage-op",
        "op %y = constexpr.cast in @predict: op at the top level of @predict must be a const, a kernel or a handover "
        "(got constexpr.cast)",
    ),
    "kernel_in_kernel": (
        f"{EMPTY}\n" + predict(f'%a = npu.kernel() {{kind = "k"}} : f32[2] body () {{ {KERNEL} yield %y }}', out="%a"),
        "stage-op",
        "op %a = npu.kernel in @predict: op inside a kernel must be no kernel and no handover (got npu.kernel)",
    ),
    "illegal_on_unit": (
        f"{EMPTY}\n" + predict(
            '%y = npu.kernel() {kind = "k"} : f32[2] body () { %z = cumsum(%x) {axis = 0} : f32[2] yield %z }'
        ),
        "unit-op",
        "op %y = npu.kernel in @predict: op cumsum inside must be one that npu runs (got data-dependent); "
        "picks and sorts by what the data say",
    ),
    "elsewhere": (
        f"{EMPTY}\n" + predict(kernel("npu", "a", "relu(%x)"), kernel("cpu", "y", "relu(%a)")),
        "residence",
        "op %y = cpu.kernel in @predict: value %a: f32[2] must be on cpu (got npu); " + HINT,
    ),
    "handed_to_another": (
        f"{EMPTY}\n" + predict(
            kernel("npu", "a", "relu(%x)"), hand_over("b", "a", "npu", "gpu"), kernel("cpu", "y", "relu(%b)")
        ),
        "residence",
        "op %y = cpu.kernel in @predict: value %b: f32[2] must be on cpu (got gpu); " + HINT,
    ),
    "handed_from_elsewhere": (
        f"{EMPTY}\n" + predict(
            kernel("npu", "a", "relu(%x)"), hand_over("b", "a", "gpu", "cpu"), kernel("cpu", "y", "relu(%b)")
        ),
        "residence",
        "op %b = handover in @predict: value %a: f32[2] must be on gpu (got npu); " + HINT,
    ),
    "input_handed_over": (
        f"{EMPTY}\n" + predict(hand_over("b", "x", "npu", "cpu"), kernel("cpu", "y", "relu(%b)")),
        "needless-handover",
        "op %b = handover in @predict: operand x must be the result of a kernel (got %x: f32[2]); "
        "others are everywhere",
    ),
    "handed_over_twice": (
        f"{EMPTY}\n" + predict(
            kernel("npu", "a", "relu(%x)"), hand_over("b", "a", "npu", "cpu"), hand_over("c", "a", "npu", "cpu"),
            kernel("cpu", "y", "add(%b, %c)"),
        ),
        "needless-handover",
        "op %c = handover in @predict: hand-over to cpu must be the only one of its value (got %a: f32[2])",
    ),
}  # fmt: skip

ILL_FORMED = {
    "tiles": (
        predict(KERNEL.replace('"relu"', '"relu", tiles = 0')),
        "attribute-minimum",
        "attribute tiles must be at least 1 (got 0)",
    ),
    "same_unit": (
        predict(KERNEL, hand_over("b", "y", "npu", "npu"), out="%b"),
        "handover-target",
        "target must be another unit than the source (got npu)",
    ),
    "unknown_unit": (
        predict(KERNEL, hand_over("b", "y", "npu", "tpu"), out="%b"),
        "attribute-choice",
        "attribute target must be one of cpu, gpu, npu (got tpu)",
    ),
    "parameters": (
        predict(KERNEL.replace("body ()", "body (%p: f32[2])")),
        "region-params",
        "number of parameters of body must be 0 (got 1)",
    ),
    "handed_state": (
        "func @predict(%s: state<f32[2]>) -> () {\n"
        '%b = handover(%s) {source = "npu", target = "cpu"} : f32[2]\nreturn }',
        "operand-type",
        "operand x must be no state (got state<f32[2]>)",
    ),
}


def test_a_right_lowered_program_is_accepted() -> None:
    verify_lowered(parse_program(GOOD, CATALOG))


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_lowered_program_is_refused_with_its_message(case: str) -> None:
    text, slug, message = WRONG[case]
    with pytest.raises(OptcError) as caught:
        verify_lowered(parse_program(text, CATALOG))
    assert str(caught.value).split("\n")[0] == message
    assert caught.value.slug == slug


def test_every_invariant_has_a_wrong_program() -> None:
    assert {slug for _, slug, _ in WRONG.values()} == {rule.slug for rule in INVARIANTS}


@pytest.mark.parametrize("case", ILL_FORMED)
def test_what_breaks_the_rule_of_a_lowered_op_is_refused_too(case: str) -> None:
    text, slug, message = ILL_FORMED[case]
    with pytest.raises(OptcError) as caught:
        verify_lowered(parse_program(text, CATALOG))
    assert message in str(caught.value).split("\n")[0]
    assert caught.value.slug == slug


def test_the_message_shows_the_place() -> None:
    text, _, _ = WRONG["elsewhere"]
    with pytest.raises(OptcError) as caught:
        verify_lowered(parse_program(text, CATALOG))
    assert "%y = cpu.kernel()" in str(caught.value)


def test_without_rules_of_units_any_op_may_run_anywhere() -> None:
    text, _, _ = WRONG["illegal_on_unit"]
    verify_lowered(parse_program(text, CATALOG), rules={})
