"""Programs with free sizes: planned like what compression makes of them, and the same results at the sizes given."""

from collections.abc import Callable, Mapping

import attrs
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import optc
from optc.driver.facade import cleaned
from optc.driver.sized import sized
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.activations import Relu
from optc.ops.elementwise import Mul
from optc.ops.join import Concat
from optc.ops.matmul import MatMul
from optc.ops.shape import DynamicReshape, ShapeOf, Transpose

WIDTH = 16


def integers(b: Builder, *values: int) -> Value:
    return b.const(np.int64(values), dtype=DType.I64)


def product(b: Builder, x: Value) -> Value:
    return b.add(MatMul(x, b.const(np.random.default_rng(0).standard_normal((WIDTH, WIDTH)).astype(np.float32), "w")))


def times_one(b: Builder, x: Value) -> Value:
    return b.add(Mul(x, b.const(np.ones(1, np.float32))))


def to_its_own_shape(b: Builder, x: Value) -> Value:
    return b.add(DynamicReshape(x, b.add(ShapeOf(x))))


def to_twice_the_rows(b: Builder, x: Value) -> Value:
    """Sizes that are computed, and that inference cannot say."""
    rows = b.add(Mul(b.add(ShapeOf(x, end=1)), integers(b, 2)))
    return b.add(DynamicReshape(b.add(Concat((x, x), axis=1)), b.add(Concat((rows, integers(b, WIDTH)), axis=0))))


def to_rows_as_written(b: Builder, x: Value) -> Value:
    """The same with a type that says them, as readers write it."""
    to_twice_the_rows(b, x)
    made = Value(x.tensor.with_shape((x.tensor.shape[0] * 2, WIDTH)))
    b.ops[-1] = b.ops[-1].evolve(results=(made,))
    return made


def there_and_back(b: Builder, x: Value) -> Value:
    return b.add(Transpose(b.add(Relu(b.add(Transpose(x, perm=(1, 0))))), perm=(1, 0)))


STEPS: Mapping[str, Callable[[Builder, Value], Value]] = {
    step.__name__: step
    for step in (product, times_one, to_its_own_shape, to_twice_the_rows, to_rows_as_written, there_and_back)
}


@st.composite
def programs_of_any_length(draw: st.DrawFn) -> Program:
    b = Builder()
    x = b.param(TensorType(DType.F32, (SymDim.named("n"), WIDTH)), "x")
    for name in draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6)):
        x = STEPS[name](b, x)
    return b.program(y=x)


@given(programs_of_any_length(), st.integers(1, 5), st.sampled_from(("iphone14pro", "x86-server")))
def test_a_program_and_its_cleaned_up_form_have_one_plan(program: Program, size: int, device: str) -> None:
    made, again = (optc.plan(p, device, sizes={"n": size}) for p in (program, cleaned(program)))
    as_planned = attrs.evolve(made.totals, disk_bytes=again.totals.disk_bytes)  # clean-up stores equal weights once
    assert again.totals == as_planned
    assert again.totals.disk_bytes <= made.totals.disk_bytes
    assert [(d.name, d.choice) for d in again.decisions] == [(d.name, d.choice) for d in made.decisions]


@given(programs_of_any_length(), st.integers(1, 5))
def test_it_gives_the_same_at_the_sizes_that_it_is_for(program: Program, size: int) -> None:
    x = np.random.default_rng(size).standard_normal((size, WIDTH)).astype(np.float32)
    before, after = (optc.run(p, {"x": x})["y"] for p in (program, sized(program, {"n": size})))
    assert after.tolist() == before.tolist()
