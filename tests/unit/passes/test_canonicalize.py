"""Canonical forms: laws of algebra that hold bit for bit, layout, decided branches, static shapes."""

import numpy as np
import pytest

from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ops.catalog import CATALOG, OPS
from optc.ops.dynamic import Dynamic
from optc.ops.dynamic_reduce import DynamicReduce
from optc.ops.elementwise import Max, Min
from optc.ops.quantize import DynamicQuantize
from optc.pipeline.passes import PassContext
from passes.cleanup.canonicalize import RULES, Canonicalize
from passes.rules.algebra import COMMUTATIVE
from passes.rules.static_shapes import STATIC_SHAPES
from tests.unit.passes.texts import bits, f32, main, names, program, run

SPECIAL = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-45, 3e38]
EDGES = [0, 1, -1, 7, -(1 << 31), (1 << 31) - 1]


def values_of(kind: str) -> np.ndarray:
    dtype = DType(kind)
    with np.errstate(over="ignore"):
        if dtype is DType.BOOL:
            return np.array([True, False])
        return np.array(SPECIAL).astype(dtype.numpy) if dtype.is_float else np.array(EDGES).astype(dtype.numpy)


# element type, ops (x is the operand, c a scalar constant), the constant, and the op that is left ("" for none)
LAWS = [
    ("f32", "add(%x, %c)", "-0.0", ""),
    ("f16", "add(%x, %c)", "-0.0", ""),
    ("bf16", "add(%c, %x)", "-0.0", ""),
    ("i32", "add(%c, %x)", "0", ""),
    ("f32", "sub(%x, %c)", "0.0", ""),
    ("f64", "mul(%x, %c)", "1.0", ""),
    ("i32", "mul(%c, %x)", "1", ""),
    ("f32", "mul(%x, %c)", "-1.0", "neg"),
    ("i32", "mul(%c, %x)", "-1", "neg"),
    ("f32", "div(%x, %c)", "1.0", ""),
    ("i32", "div(%x, %c)", "1", ""),
    ("i32", "floor_div(%x, %c)", "1", ""),
    ("f32", "max(%c, %x)", "-inf", "max"),
    ("f32", "max(%x, %c)", "-inf", ""),
    ("i32", "max(%x, %c)", "-2147483648", ""),
    ("f16", "min(%x, %c)", "inf", ""),
    ("i32", "min(%x, %c)", "2147483647", ""),
    ("bool", "logical_and(%c, %x)", "true", ""),
    ("bool", "logical_or(%x, %c)", "false", ""),
    ("bool", "logical_xor(%x, %c)", "false", ""),
    ("i32", "bit_and(%x, %c)", "-1", ""),
    ("u8", "bit_and(%x, %c)", "255", ""),
    ("i32", "bit_or(%x, %c)", "0", ""),
    ("i32", "bit_xor(%c, %x)", "0", ""),
    ("u32", 'bit_shift(%x, %c) {direction = "left"}', "0", ""),
    # what only looks like a law
    ("f32", "add(%x, %c)", "0.0", "add"),
    ("f32", "sub(%x, %c)", "-0.0", "sub"),
    ("f32", "sub(%c, %x)", "0.0", "sub"),
    ("f32", "div(%c, %x)", "1.0", "div"),
    ("f32", "floor_div(%x, %c)", "1.0", "floor_div"),
    ("f32", "mul(%x, %c)", "0.0", "mul"),
    ("u32", "mul(%x, %c)", "4294967295", "mul"),
    ("f32", "max(%x, %c)", "-3.4028234663852886e38", "max"),
    ("u8", "bit_and(%x, %c)", "127", "bit_and"),
]


@pytest.mark.parametrize(("dtype", "law", "number", "left"), LAWS, ids=[f"{d} {law} {n}" for d, law, n, _ in LAWS])
def test_a_neutral_constant_goes_and_no_bit_changes(dtype: str, law: str, number: str, left: str) -> None:
    call, _, attributes = law.partition(" {")
    lines = f"%c = const() {{value = {dtype}[] [{number}]}} : {dtype}[]\n%y = {call}"
    lines += f" {{{attributes} : {dtype}[n]" if attributes else f" : {dtype}[n]"
    before = main(f"%x: {dtype}[n]", lines, f"%y: {dtype}[n]")
    after = run(Canonicalize(), before, clean=True)
    assert [name for name in names(after) if name != "const"] == ([left] if left else [])
    assert bits(before, values_of(dtype)) == bits(after, values_of(dtype))


@pytest.mark.parametrize("shape", ["3", "2,1", "1,1,1"])
def test_a_neutral_constant_that_widens_the_shape_stays(shape: str) -> None:
    kind = f"f32[{shape}]"
    elements = ", ".join(["1.0"] * np.prod([int(d) for d in shape.split(",")]))
    result = {"3": "f32[1,3]", "2,1": "f32[2,1]", "1,1,1": "f32[1,1,1]"}[shape]
    before = main(
        "%x: f32[1,1]",
        f"%c = const() {{value = {kind} [{elements}]}} : {kind}\n%y = mul(%x, %c) : {result}",
        f"%y: {result}",
    )
    assert Canonicalize().run(before, PassContext()) is before


@pytest.mark.parametrize(
    ("dtype", "lines", "left"),
    [
        ("f32", "%a = neg(%x) : f32[n]\n%y = neg(%a) : f32[n]", []),
        ("i32", "%a = bit_not(%x) : i32[n]\n%y = bit_not(%a) : i32[n]", []),
        ("bool", "%a = logical_not(%x) : bool[n]\n%y = logical_not(%a) : bool[n]", []),
        ("f32", "%a = relu(%x) : f32[n]\n%y = relu(%a) : f32[n]", ["relu"]),
        ("f16", "%a = relu(%x) : f16[n]\n%y = relu(%a) : f16[n]", ["relu"]),
        ("f16", "%a = relu(%x) : f16[n]\n%y = abs(%a) : f16[n]", ["relu", "abs"]),
        ("f32", "%a = abs(%x) : f32[n]\n%y = abs(%a) : f32[n]", ["abs"]),
        ("f32", "%a = sign(%x) : f32[n]\n%y = sign(%a) : f32[n]", ["sign"]),
        ("f32", "%a = round(%x) : f32[n]\n%y = floor(%a) : f32[n]", ["round"]),
        ("f32", "%a = clip(%x) {max = 1.0} : f32[n]\n%y = clip(%a) {max = 1.0} : f32[n]", ["clip"]),
        ("f32", "%a = clip(%x) {max = 1.0} : f32[n]\n%y = clip(%a) {max = 2.0} : f32[n]", ["clip", "clip"]),
        ("f32", "%a = neg(%x) : f32[n]\n%y = abs(%a) : f32[n]", ["abs"]),
        ("i32", "%a = neg(%x) : i32[n]\n%y = abs(%a) : i32[n]", ["abs"]),
        ("f32", "%y = max(%x, %x) : f32[n]", []),
        ("f32", "%y = sub(%x, %x) : f32[n]", ["sub"]),
        ("bool", "%y = logical_or(%x, %x) : bool[n]", []),
        ("f32", "%a = neg(%x) : f32[n]\n%y = add(%x, %a) : f32[n]", ["sub"]),
        ("f16", "%a = neg(%x) : f16[n]\n%y = sub(%x, %a) : f16[n]", ["add"]),
        ("f32", "%a = equal(%x, %x) : bool[n]\n%y = logical_not(%a) : bool[n]", ["not_equal"]),
        ("f32", "%a = less(%x, %x) : bool[n]\n%y = logical_not(%a) : bool[n]", ["less", "logical_not"]),
        ("f32", "%p = less(%x, %x) : bool[n]\n%y = select(%p, %x, %x) : f32[n]", []),
    ],
)
def test_a_law_of_the_form_holds_for_every_special_value(dtype: str, lines: str, left: list[str]) -> None:
    before = main(f"%x: {dtype}[n]", lines, f"%y: {lines.rsplit(' : ', 1)[1]}")
    after = run(Canonicalize(), before, clean=True)
    assert names(after) == left
    assert bits(before, values_of(dtype)) == bits(after, values_of(dtype))


def test_constants_stand_right_of_every_commutative_op_but_not_of_which_one_is_chosen() -> None:
    before = main(
        "%x: f32[2], %i: i32[2]",
        "%c = const() {value = f32[2] [2.0, 3.0]} : f32[2]\n%k = const() {value = i32[2] [2, 3]} : i32[2]\n"
        "%a = mul(%c, %x) : f32[2]\n%b = sub(%c, %x) : f32[2]\n%d = min(%c, %x) : f32[2]\n%e = add(%k, %i) : i32[2]",
        "%a: f32[2]", "%b: f32[2]", "%d: f32[2]", "%e: i32[2]",
    )  # fmt: skip
    after = run(Canonicalize(), before)
    assert [op.operands[0].name for op in after.main.body.ops[2:]] == ["x", "c", "c", "i"]


def test_every_commutative_op_is_known_and_has_the_operands_that_are_exchanged() -> None:
    assert {"add", "mul", "equal", "logical_and", "bit_xor"} <= {op.spec.name for op in COMMUTATIVE}
    assert all([field.name for field in op.spec.operands] == ["x", "y"] for op in COMMUTATIVE)


@pytest.mark.parametrize("op", COMMUTATIVE, ids=lambda op: op.spec.name)
def test_exchanging_the_operands_of_a_commutative_op_changes_no_bit_of_any_pair_of_special_values(op: type[Op]) -> None:
    for dtype in op.spec.operands[0].dtypes:
        if dtype is DType.STR:
            continue
        values, builder = values_of(dtype.value), Builder()
        x, y = (builder.param(TensorType(dtype, (values.size**2,)), name) for name in "xy")
        made = builder.program(a=builder.add(op(x, y)), b=builder.add(op(y, x)))
        a, b = bits(made, values.repeat(values.size), np.tile(values, values.size))
        assert a[1:] == b[1:]


def test_of_two_zeros_the_order_decides_which_is_least_so_that_does_not_commute() -> None:
    assert not any(op.commutative for op in (Min, Max))


@pytest.mark.parametrize(("number", "kept"), [("true", "a"), ("false", "b")])
def test_a_known_condition_selects(number: str, kept: str) -> None:
    before = main(
        "%a: f32[2,n], %b: f32[2,n]",
        f"%c = const() {{value = bool[2,1] [{number}, {number}]}} : bool[2,1]\n%y = select(%c, %a, %b) : f32[2,n]",
        "%y: f32[2,n]",
    )
    assert [value.name for value in run(Canonicalize(), before).main.body.results] == [kept]


def test_a_selection_that_also_broadcasts_stays() -> None:
    before = main(
        "%a: f32[1], %b: f32[2]",
        "%c = const() {value = bool[] [true]} : bool[]\n%y = select(%c, %a, %b) : f32[2]",
        "%y: f32[2]",
    )
    assert Canonicalize().run(before, PassContext()) is before


@pytest.mark.parametrize(("number", "left"), [("true", ["neg"]), ("false", [])])
def test_of_a_decided_branch_only_the_ops_that_run_are_left(number: str, left: list[str]) -> None:
    before = main(
        "%x: f32[2]",
        f"%p = const() {{value = bool[] [{number}]}} : bool[]\n"
        "%y = cond(%p) : f32[2] then () {\n%a = neg(%x) : f32[2]\nyield %a\n} else () {\nyield %x\n}",
        "%y: f32[2]",
    )
    assert names(run(Canonicalize(), before, clean=True)) == left


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("f32[n,8,1,1]", "flatten(%x) : f32[n,8]", "reshape(%x) {shape = [-1, 8]} : f32[n,8]"),
        ("f32[2,1]", "squeeze(%x) {axes = [1]} : f32[2]", "reshape(%x) {shape = [2]} : f32[2]"),
        ("f32[n]", "unsqueeze(%x) {axes = [1]} : f32[n,1]", "reshape(%x) {shape = [-1, 1]} : f32[n,1]"),
        ("f32[1,2,3]", "transpose(%x) {perm = [1, 0, 2]} : f32[2,1,3]", "reshape(%x) {shape = [2, 1, 3]} : f32[2,1,3]"),
        ("f32[n,m]", "unsqueeze(%x) {axes = [1]} : f32[n,1,m]", "unsqueeze(%x) {axes = [1]} : f32[n,1,m]"),
        (
            "f32[1,2,3]",
            "transpose(%x) {perm = [2, 0, 1]} : f32[3,1,2]",
            "transpose(%x) {perm = [2, 0, 1]} : f32[3,1,2]",
        ),
    ],
    ids=["flatten", "squeeze", "unsqueeze", "transpose", "two open sizes", "true transpose"],
)
def test_what_only_gives_another_shape_is_a_reshape(kind: str, before: str, after: str) -> None:
    result = f"%y: {after.rsplit(' : ', 1)[1]}"
    canonical = run(Canonicalize(), main(f"%x: {kind}", f"%y = {before}", result))
    assert str(canonical) == str(main(f"%x: {kind}", f"%y = {after}", result))


SETTLED = [
    ("f32[2,3]", "dynamic_reshape(%x, %k) : f32[?,?]", "i64[2] [3, -1]", "reshape", "f32[3,2]"),
    ("f32[2,1]", "dynamic_squeeze(%x, %k) : f32[?]", "i64[1] [-1]", "squeeze", "f32[2]"),
    ("f32[2]", "dynamic_unsqueeze(%x, %k) : f32[?,?]", "i64[1] [0]", "unsqueeze", "f32[1,2]"),
    ("f32[2,1]", "dynamic_expand(%x, %k) : f32[2,?]", "i64[2] [2, 4]", "expand", "f32[2,4]"),
    ("f32[5]", "dynamic_slice(%x, %k, %k) {axes = [0]} : f32[?]", "i64[1] [3]", "slice", "f32[0]"),
    ("f32[3]", "dynamic_pad(%x, %k) {axes = [0]} : f32[?]", "i64[2] [1, 2]", "pad", "f32[6]"),
    ("f32[3]", "dynamic_tile(%x, %k) : f32[?]", "i64[1] [2]", "tile", "f32[6]"),
    ("f32[3]", "dynamic_reduce_sum(%x, %k) : f32[1]", "i64[1] [-1]", "reduce_sum", "f32[1]"),
    ("f32[n,3]", "dynamic_reduce_max(%x, %k) {keepdims = false} : f32[]", "i64[0] []", "reduce_max", "f32[]"),
    ("f32[3]", "dynamic_clip(%x, %k) : f32[3]", "f32[] [-0.0]", "clip", "f32[3]"),
    ("bf16[3]", "dynamic_clip(%x, %k) : bf16[3]", "bf16[] [0.5]", "clip", "bf16[3]"),
    ("i32[3]", "dynamic_clip(%x, _, %k) : i32[3]", "i32[] [2]", "clip", "i32[3]"),
    ("f32[3,3]", "dynamic_trilu(%x, %k) : f32[3,3]", "i64[] [1]", "trilu", "f32[3,3]"),
    ("f32[1,4]", "dynamic_resize(%x, %k) {axes = [1]} : f32[1,?]", "i64[1] [2]", "resize", "f32[1,2]"),
]


@pytest.mark.parametrize(("kind", "op", "parameter", "twin", "result"), SETTLED, ids=[row[3] for row in SETTLED])
def test_constant_parameters_become_attributes(kind: str, op: str, parameter: str, twin: str, result: str) -> None:
    lines = f"%k = const() {{value = {parameter}}} : {parameter.split(' ')[0]}\n%y = {op}\n"
    before = main(f"%x: {kind}", lines, f"%y: {op.rsplit(' : ', 1)[1]}")
    after = run(Canonicalize(), before, clean=True)
    layouts = {"squeeze": "reshape", "unsqueeze": "reshape"}
    assert names(after) == [layouts.get(twin, twin)]
    assert str(after.main.outputs["out0"]) == result


@pytest.mark.parametrize(
    ("kind", "op", "parameter"),
    [
        ("f32[2,3]", "dynamic_squeeze(%x, %k) : f32[?]", "i64[1] [1]"),
        ("f32[2,3]", "dynamic_reshape(%x, %k) : f32[?]", "i64[1] [7]"),
        ("f32[2]", "dynamic_reduce_sum(%x, %k) : f32[1]", "i64[1] [4]"),
        ("f32[2]", "dynamic_clip(%x, %k) : f32[2]", "f32[] [nan]"),
        ("i64[2]", "dynamic_clip(%x, %k) : i64[2]", "i64[] [9007199254740993]"),
    ],
)
def test_parameters_that_no_attribute_can_say_stay_operands(kind: str, op: str, parameter: str) -> None:
    lines = f"%k = const() {{value = {parameter}}} : {parameter.split(' ')[0]}\n%y = {op}\n"
    before = main(f"%x: {kind}", lines, f"%y: {op.rsplit(' : ', 1)[1]}")
    assert Canonicalize().run(before, PassContext()) is before


def test_every_op_with_parameters_as_operands_is_settled_by_a_rule() -> None:
    dynamic: set[type[Op]] = {op for name, op in CATALOG.items() if name.startswith("dynamic_")}
    by_name = {rule.name: rule.starts_at for rule in STATIC_SHAPES}
    settled = (*by_name["settle"], *by_name["settle-reduce"], *by_name["settle-clip"])
    assert {Dynamic, DynamicReduce} < set(settled)
    assert {op for op in dynamic if not issubclass(op, settled)} == {DynamicQuantize}  # has no parameters


def test_shapes_are_worked_out_through_a_chain_in_one_run() -> None:
    layer = """
      %{o}.shape = shape(%{i}) : i64[2]
      %{o}.zero = const() {{value = i64[1] [0]}} : i64[1]
      %{o}.one = const() {{value = i64[1] [1]}} : i64[1]
      %{o}.rows = dynamic_slice(%{o}.shape, %{o}.zero, %{o}.one) {{axes = [0]}} : i64[?]
      %{o}.columns = gather(%{o}.shape, %{o}.one) : i64[1]
      %{o}.swapped = concat([%{o}.columns, %{o}.rows]) {{axis = 0}} : i64[2]
      %{o}.relu = relu(%{i}) : {kind}
      %{o} = dynamic_reshape(%{o}.relu, %{o}.swapped) : f32[?,?]"""
    values = ["x", *(f"v{k}" for k in range(20))]
    kinds = ["f32[2,3]", *["f32[?,?]"] * 20]
    layers = "".join(
        layer.format(i=i, o=o, kind=kind) for i, o, kind in zip(values[:-1], values[1:], kinds, strict=False)
    )
    before = main("%x: f32[2,3]", layers, "%v19: f32[?,?]")
    after = run(Canonicalize(), before, clean=True)
    assert set(names(after)) == {"relu", "reshape"}
    assert str(after.main.outputs["out0"]) == "f32[2,3]"


def test_the_size_of_a_static_tensor_is_a_constant_and_that_of_another_is_not() -> None:
    before = main(
        "%x: f32[2,3], %z: f32[n,3]",
        "%a = size(%x) : i64[]\n%b = size(%z) : i64[]\n%c = shape(%z) {start = 1} : i64[1]\n%d = shape(%z) : i64[2]",
        "%a: i64[]", "%b: i64[]", "%c: i64[1]", "%d: i64[2]",
    )  # fmt: skip
    assert names(run(Canonicalize(), before)) == ["const", "size", "const", "shape"]


def test_weights_are_not_computed_with() -> None:
    before = main(
        "",
        "%w = fill() {shape = [1000], value = f32[] [1.0]} : f32[1000]\n%y = neg(%w) : f32[1000]",
        "%y: f32[1000]",
    )
    assert Canonicalize().run(before, PassContext()) is before


def test_nested_blocks_are_canonical_too() -> None:
    before = program(
        """
        func @main(%p: bool[], %x: f32[2]) -> (y: f32[2]) {
          %one = const() {value = f32[] [1.0]} : f32[]
          %y = cond(%p) : f32[2] then () {
            %a = mul(%one, %x) : f32[2]
            yield %a
          } else () {
            yield %x
          }
          return %y
        }
        """
    )
    after = run(Canonicalize(), before, clean=True)
    assert names(after) == ["cond"]
    assert bits(after, np.array(True), f32(1, 2)) == bits(before, np.array(True), f32(1, 2))


def test_every_row_has_a_name_of_its_own_and_says_what_it_does() -> None:
    rows = (*RULES, *STATIC_SHAPES)
    assert len({rule.name for rule in rows}) == len(rows)
    assert all("->" in rule.doc for rule in rows)
    assert all(kind is Op or any(issubclass(op, kind) for op in OPS) for rule in rows for kind in rule.starts_at)
