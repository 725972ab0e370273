"""The text form: what it looks like, and that it reads back as the same program."""

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.ir.block import Block, Function, Program
from optc.ir.builder import Builder
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.fields import float_bits
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ir.parser import parse_program
from optc.ir.printer import print_lines, print_op, print_program
from optc.ir.tensor import Tensor
from optc.ir.types import StateType, TensorType, Type, UnknownType
from optc.ir.value import Value
from optc.testing.strategies import extras, names, tensors, types
from tests.unit.ir.ops_for_tests import CATALOG, F2, Add, Cond, Kinds, Neg, Nothing, Places, SplitInTwo, Twice, block_of
from tests.unit.ir.strategies import attributes

F1 = TensorType(DType.F32, (1,))


def assert_reads_back(program: Program) -> None:
    text = print_program(program)
    again = parse_program(text, CATALOG)
    assert again == program
    assert hints(again) == hints(program)
    assert print_program(again) == text


def hints(program: Program) -> list[str]:
    return [value.name for op in program.walk() for value in op.results]


def program_of(*ops: Op, inputs: tuple[Value, ...] = ()) -> Program:
    return Program((Function("main", Block(inputs, ops, ()), ()),))


@given(attributes)
def test_attributes_of_every_kind_read_back(held: dict[str, Any]) -> None:
    assert_reads_back(program_of(Kinds(**held)))


@given(tensors(most=5))
def test_tensors_of_every_dtype_read_back_bit_for_bit(tensor: Tensor) -> None:
    builder = Builder()
    builder.const(tensor, "w")
    assert_reads_back(Program((Function("main", builder.block(), ()),)))


@given(st.lists(names, min_size=1, max_size=8), names.filter(bool), st.dictionaries(names, names, max_size=2))
def test_names_are_hints_that_read_back(of_values: list[str], name: str, metadata: dict[str, str]) -> None:
    x = Value(F2, name)
    ops = [Neg(x, results=(Value(F2, hint),)) for hint in of_values]
    body = Block((x,), ops, (ops[-1].result,))
    assert_reads_back(Program((Function(name, body, (name,)),), metadata))


@given(st.lists(types, max_size=4))
def test_types_read_back_wherever_they_stand(kinds: list[Type]) -> None:
    inputs = tuple(Value(kind, f"x{i}") for i, kind in enumerate(kinds))
    op = Opaque("t:Op", inputs, results=tuple(Value(kind) for kind in kinds))
    body = Block(inputs, (op,), op.results)
    assert_reads_back(Program((Function("main", body, tuple(f"y{i}" for i in range(len(kinds)))),)))


@given(st.data())
def test_operands_of_every_form_read_back(data: st.DataObject) -> None:
    inputs = tuple(Value(F1, name) for name in "abc")
    one = st.sampled_from(inputs)
    maybe = st.none() | one
    places = Places(
        data.draw(one),
        data.draw(maybe),
        data.draw(st.lists(one, max_size=3)),
        data.draw(st.lists(maybe, max_size=3)),
        data.draw(maybe),
    )
    assert_reads_back(program_of(places, inputs=inputs))


@given(extras, st.lists(st.sampled_from([0, 1, None]), max_size=4), st.integers(0, 2))
def test_opaque_ops_with_gaps_and_bodies_read_back(held: Any, inputs: list[int | None], bodies: int) -> None:
    x, y = Value(F2, "x"), Value(UnknownType(), "y")
    operands = tuple(None if i is None else (x, y)[i] for i in inputs)
    results = (Value(UnknownType(), "r"), Value(F2))
    op = Opaque("onnx:a.b/C", operands, held, tuple(block_of(Neg, x) for _ in range(bodies)), results=results)
    assert_reads_back(program_of(op, inputs=(x, y)))


@st.composite
def nested_programs(draw: st.DrawFn) -> Program:
    """Programs of ops with regions in each other; inner blocks use outer values."""
    builder = Builder()
    c = builder.param(TensorType(DType.BOOL), "c")
    known = [builder.param(F2, "x")]

    def fill(into: Builder, depth: int, known: list[Value]) -> Value:
        for _ in range(draw(st.integers(1, 3))):
            x = draw(st.sampled_from(known))
            kind = draw(st.sampled_from(["neg", "add"] + ["cond", "twice"] * (depth < 3)))
            hint = draw(st.sampled_from(["", "y", "z"]))
            if kind == "cond":
                then, other = Builder(), Builder()
                blocks = [b.block(fill(b, depth + 1, [*known])) for b in (then, other)]
                known.append(into.add(Cond(c, *blocks), hint))
            elif kind == "twice":
                inner = Builder()
                param = inner.param(F2, hint)
                known.append(into.add(Twice(x, inner.block(fill(inner, depth + 1, [*known, param]))), hint))
            else:
                known.append(into.add(Neg(x) if kind == "neg" else Add(x, known[0]), hint))
        return known[-1]

    return builder.program(y=fill(builder, 0, known))


@given(nested_programs())
def test_nested_regions_read_back(program: Program) -> None:
    assert_reads_back(program)


@given(nested_programs())
def test_the_line_of_an_op_is_where_the_text_defines_it(program: Program) -> None:
    text, line_of_op = print_lines(program)
    lines = text.split("\n")
    for op in program.walk():
        assert f"{op.name}(" in lines[line_of_op[id(op)] - 1]


def test_a_program_looks_like_this() -> None:
    builder = Builder()
    x = builder.param(TensorType(DType.F32, (2, SymDim.named("n"))), "x")
    builder.param(StateType(F2), "cache")
    c = builder.param(TensorType(DType.BOOL), "1")
    w = builder.const(np.array([1, 0.1], np.float32), "conv/w:0")
    builder.append(SplitInTwo(x).named("", "y"))
    builder.append(Nothing())
    builder.append(
        Kinds(a_float=1.0, ints=(1, 2), dims=(3, SymDim.named("n") * 2), a_str='"', results=(Value(F1, "y"),))
    )
    builder.append(Places(w, None, (), (x, None)))
    builder.add(Cond(c, block_of(Neg, w), block_of(Neg, w)), "an odd name")
    program = Program((builder.function("main", out=x),), {"producer": "me"})
    assert (
        str(program)
        == """metadata "producer" = "me"

func @main(%x: f32[2,n], %cache: state<f32[2]>, %"1": bool[]) -> (out: f32[2,n]) {
  %conv/w:0 = const() {value = f32[2] [1.0, 0.1]} : f32[2]
  %0, %y = split_in_two(%x) : f32[1,n], f32[1,n]
  nothing()
  %y#1 = kinds() {a_float = 1.0, a_str = "\\"", ints = [1, 2], dims = [3, <2*n>]} : f32[1]
  %1 = places(%conv/w:0, _, [], [%x, _]) : f32[1]
  %"an odd name" = cond(%"1") : f32[2] then () {
    %z = neg(%conv/w:0) : f32[2]
    yield %z
  } other () {
    %z#1 = neg(%conv/w:0) : f32[2]
    yield %z#1
  }
  return %x
}
"""
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e300, "1e+300"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (-math.nan, "nan(fff8000000000000)"),
    ],
)
def test_floats_keep_their_bits(value: float, text: str) -> None:
    op = Kinds(floats=(value,))
    assert f"floats = [{text}]" in print_op(op)
    again = next(parse_program(str(program_of(op)), CATALOG).walk())
    assert float_bits(again.attribute_values()["floats"]) == (struct.pack("<d", value),)


def test_a_float_that_differs_from_its_default_only_in_sign_is_written() -> None:
    assert "a_float = -0.0" in print_op(Kinds(a_float=-0.0))


def test_larger_constants_go_into_the_side_dictionary_once() -> None:
    builder = Builder()
    for value in (np.arange(16.0), np.arange(17.0), np.arange(17.0)):
        builder.const(value)
    program = Program((Function("main", builder.block(), ()),))
    tensors: dict[str, Tensor] = {}
    text = print_program(program, tensors)
    (sha256,) = tensors
    assert text.count(f"f64[17] #{sha256}") == 2
    assert parse_program(text, CATALOG, tensors) == program


def test_tensors_with_odd_bits_are_written_in_base64() -> None:
    for tensor in (
        Tensor.of(np.array([math.nan], np.float32)),
        Tensor.from_stored(DType.U4, (1,), b"\xf3"),
        Tensor.from_stored(DType.BOOL, (1,), b"\2"),
        Tensor.from_stored(DType.BF16, (1,), b"\x81\x7f"),  # a signalling NaN
    ):
        assert 'b64"' in print_op(Kinds(a_tensor=tensor))
