"""Blocks, functions and programs: what they refuse, and when they stay the same object."""

import pytest

from optc.errors import OptcError
from optc.ir.block import Block, Function, Program
from optc.ir.builder import Builder
from optc.ir.types import TensorType
from optc.ir.value import Value
from tests.unit.ir.ops_for_tests import F2, Neg, Twice

X = Value(F2, "x")
NEG = Neg(X).named("y")
BODY = Block((X,), (NEG,), (NEG.result,))


def a_program(*names: str) -> Program:
    return Program(tuple(Function(name, BODY, ("y",)) for name in names))


def test_walk_gives_nested_ops_before_their_holder() -> None:
    inner = Builder()
    inner.append(Neg(inner.param(F2)))
    builder = Builder()
    x = builder.param(F2, "x")
    builder.append(Twice(x, inner.block(inner.ops[0].result)))
    assert [op.name for op in builder.block().walk()] == ["neg", "twice"]


@pytest.mark.parametrize("names", [(), ("a", "b"), ("",)])
def test_each_output_needs_a_name(names: tuple[str, ...]) -> None:
    with pytest.raises(OptcError) as caught:
        Function("main", BODY, names)
    assert caught.value.slug == "output-names"


@pytest.mark.parametrize("params", [(X, Value(F2, "x")), (Value(F2),)])
def test_inputs_need_distinct_names(params: tuple[Value, ...]) -> None:
    with pytest.raises(OptcError) as caught:
        Function("main", Block(params, (), ()), ())
    assert caught.value.slug == "input-names"


def test_inputs_and_outputs_are_typed_by_name() -> None:
    function = Function("main", BODY, ("out",))
    assert function.inputs == {"x": F2}
    assert function.outputs == {"out": F2}


def test_the_main_function_is_the_one_of_that_name_or_the_first() -> None:
    assert a_program("f").main.name == "f"
    assert a_program("f", "main").main.name == "main"
    assert a_program("f", "g").main.name == "f"


def test_functions_need_distinct_names() -> None:
    with pytest.raises(OptcError) as caught:
        a_program("f", "f")
    assert caught.value.slug == "function-names"


def test_a_program_whose_bodies_stay_is_the_same_object() -> None:
    program = a_program("f", "g")
    assert program.map_bodies(lambda body: body) is program
    changed = program.map_bodies(lambda body: Block(body.params, (), body.params))
    assert [f.body.ops for f in changed.functions] == [(), ()]


def test_metadata_is_sorted_by_key() -> None:
    assert Program((), {"b": "1", "a": "2"}).metadata == (("a", "2"), ("b", "1"))


def test_repr_is_short_and_str_is_the_text() -> None:
    program = a_program("main")
    assert repr(program) == "<Program of 1 ops: @main>"
    assert str(program).startswith("func @main(%x: f32[2]) -> (y: f32[2]) {\n")


def test_a_value_that_is_no_tensor_says_so() -> None:
    assert X.tensor == TensorType(F2.dtype, (2,))
    with pytest.raises(TypeError, match="not a tensor"):
        _ = Value("f32", "z").tensor  # type: ignore[arg-type]  # the point of the test
