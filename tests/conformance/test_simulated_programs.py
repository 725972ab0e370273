"""What every simulator must do with programs: be the reference where asked, and else differ by its rounding alone."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from backends.execution import execute
from backends.kernels import kernels_of
from backends.lowered_ops import KernelOp
from backends.lowering import EXPANSIONS, lower
from backends.simulators import SIMULATORS, Simulator
from backends.uses import decided_weights
from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import Array, DType, dtype_of_numpy
from optc.ir.interpreter import Cell, evaluate, interpret
from optc.ir.op import Op, RunBlock
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.activations import Relu
from optc.ops.constexpr import LutToDense, ShiftScale
from optc.ops.elementwise import Add
from optc.ops.matmul import MatMul
from optc.testing.programs import programs, random_inputs
from optc.testing.source import Source
from tests.conformance.test_simulators import DIGITS, DTYPES, LEAST, every_dtype, every_simulator, is_held

any_program = settings(suppress_health_check=list(HealthCheck))
UNITS = tuple(SIMULATORS)


def rough(array: Array) -> Array:
    """Thirds of an array's values, which are of many digits; integers and short floats stay."""
    return array / array.dtype.type(3) if array.dtype in (np.float32, np.float64) else array


def palettized_operand(source: Source) -> Value:
    """A palettized weight that is added to a value, and that to itself."""
    x = source.fresh(TensorType(DType.F32, (2, 3)))
    indices = source.constant(source.array(DType.U2, (2, 3)), DType.U2)
    lut = source.constant(rough(source.array(DType.F32, (1, 1, 4, 1))), DType.F32)
    weight = source.builder.add(LutToDense(indices, lut), "palette.weight")
    return source.builder.add(Add(source.builder.add(Add(x, weight)), weight))


def quantized_product(source: Source) -> Value:
    """A product with a quantized weight."""
    x = source.fresh(TensorType(DType.F32, (2, 3)))
    data = source.constant(source.array(DType.I8, (3, 4)), DType.I8)
    scale = source.constant(rough(source.array(DType.F32, (1, 4))), DType.F32)
    return source.builder.add(MatMul(x, source.builder.add(ShiftScale(data, scale), "weight")))


PROGRAMS = programs(idioms=(palettized_operand, quantized_product))


def lowered_on(program: Program, data: st.DataObject, units: tuple[str, ...]) -> Program:
    """The program with its kernels on any of these units, and its weights expanded at any time."""
    kernels = kernels_of(program.main.body)
    placed = [data.draw(st.sampled_from(units)) for _ in kernels]
    weights = decided_weights(program, min_elements=1)
    expansions = {(w.name, unit): data.draw(st.sampled_from(EXPANSIONS)) for w in weights for unit in units}
    return lower(program, kernels, placed, weights, expansions, [1] * len(kernels)).program


def inputs_of(program: Program) -> tuple[dict[str, Array], dict[str, Cell]]:
    """Seeded arrays by input, and fresh cells by state."""
    given = random_inputs(program, 0)
    cells = {name: value for name, value in given.items() if isinstance(value, Cell)}
    return {name: rough(value) for name, value in given.items() if name not in cells}, cells


def run(
    lowered: Program, original: Program, simulators: Mapping[str, Simulator] | None, watch: Any = None
) -> dict[str, Any]:
    """Outputs and final states of a lowered program."""
    arrays, cells = inputs_of(original)
    outputs = execute(lowered, arrays, simulators, cells, watch)
    return {**outputs, **{f"state {name}": cell.array for name, cell in cells.items()}}


def expected(program: Program, simulator: Simulator | None = None) -> dict[str, Any]:
    """Outputs and final states of a program that was not lowered; with a simulator, each op between roundings."""

    def held(operand: Any) -> Any:
        if isinstance(operand, tuple):
            return tuple(map(held, operand))
        return simulator.entering(operand) if simulator and isinstance(operand, np.ndarray) else operand

    def compute(op: Op, operands: tuple[Any, ...], block: RunBlock) -> tuple[Any, ...]:
        if op.constant or simulator is None:
            return evaluate(op, operands, block)
        results = evaluate(op, tuple(map(held, operands)), block)
        return tuple(simulator.computed(np.asarray(r)) if not isinstance(r, Cell) else r for r in results)

    arrays, cells = inputs_of(program)
    outputs = interpret(program, arrays, states=cells, compute=compute)
    return {**outputs, **{f"state {name}": cell.array for name, cell in cells.items()}}


def bits(array: Array) -> Any:
    return (array.dtype, array.shape, array.tolist() if array.dtype == np.object_ else array.tobytes())


def all_bits(outputs: Mapping[str, Array]) -> dict[str, Any]:
    return {name: bits(array) for name, array in outputs.items()}


@every_simulator
@any_program
@given(program=PROGRAMS, data=st.data())
def test_at_reference_precision_outputs_are_the_interpreters_bit_for_bit(
    unit: str, program: Program, data: st.DataObject
) -> None:
    assert all_bits(run(lowered_on(program, data, (unit,)), program, None)) == all_bits(expected(program))


@every_simulator
@every_dtype
@any_program
@given(program=PROGRAMS, data=st.data())
def test_every_result_of_a_kernel_is_of_the_units_type(
    unit: str, dtype: DType, program: Program, data: st.DataObject
) -> None:
    seen: list[tuple[Op, Array]] = []

    def keep(op: Op, _: Value, array: Any) -> None:
        if not op.constant and not isinstance(op, KernelOp) and isinstance(array, np.ndarray):
            seen.append((op, array))

    try:
        run(lowered_on(program, data, (unit,)), program, {unit: SIMULATORS[unit](dtype)}, keep)
    except OptcError:
        reject()  # what became infinite may be no size, and no integer
    for op, array in seen:
        kind = dtype_of_numpy(array.dtype)
        wide = kind.is_float and kind.bits > dtype.bits and not (unit == "cpu" and kind is DType.F64)
        assert not wide or is_held(array, dtype), op.name
        assert unit != "npu" or not kind.is_float or kind.bits < 16 or not np.isnan(array).any(), op.name


@every_simulator
@every_dtype
@any_program
@given(program=PROGRAMS, data=st.data())
def test_each_op_of_a_program_computes_between_one_rounding_of_its_operands_and_one_of_its_result(
    unit: str, dtype: DType, program: Program, data: st.DataObject
) -> None:
    simulator = SIMULATORS[unit](dtype)
    try:
        outputs = expected(program, simulator)
    except OptcError:
        reject()
    constant = {value for op in program.main.body.ops if op.constant for value in op.results}
    kept = {
        name
        for name, value in zip(program.main.output_names, program.main.body.results, strict=True)
        if value not in constant
    }
    found = run(lowered_on(program, data, (unit,)), program, {unit: simulator})
    assert {n: bits(found[n]) for n in found if n in kept} == {n: bits(outputs[n]) for n in outputs if n in kept}


@every_dtype
@any_program
@given(program=PROGRAMS, data=st.data())
def test_when_a_weight_is_expanded_changes_no_bit_at_the_precision_of_the_unit(
    dtype: DType, program: Program, data: st.DataObject
) -> None:
    unit = data.draw(st.sampled_from(UNITS))
    simulators = {unit: SIMULATORS[unit](dtype)}
    try:
        first, second = (run(lowered_on(program, data, (unit,)), program, simulators) for _ in range(2))
    except OptcError:
        reject()
    assert all_bits(first) == all_bits(second)


@any_program
@given(program=PROGRAMS, data=st.data())
def test_a_unit_that_computes_in_float32_changes_no_bit_of_a_float32_program(
    program: Program, data: st.DataObject
) -> None:
    simulators = {unit: SIMULATORS[unit](DType.F32) for unit in ("cpu",)}
    assert all_bits(run(lowered_on(program, data, ("cpu",)), program, simulators)) == all_bits(expected(program))


@any_program
@given(program=PROGRAMS, data=st.data())
def test_kernels_on_several_units_compute_each_in_its_own_type(program: Program, data: st.DataObject) -> None:
    types = {unit: data.draw(st.sampled_from(DTYPES)) for unit in UNITS}
    lowered = lowered_on(program, data, UNITS)
    assert all_bits(run(lowered, program, None)) == all_bits(expected(program))
    held = {id(op): kernel.unit for kernel in kernel_ops(lowered) for op in kernel.body.walk() if not op.constant}

    def check(op: Op, _: Value, array: Any) -> None:
        if id(op) in held and isinstance(array, np.ndarray) and array.dtype == np.float32:
            assert is_held(array, types[held[id(op)]]), op.name

    try:
        run(lowered, program, {unit: SIMULATORS[unit](dtype) for unit, dtype in types.items()}, check)
    except OptcError:
        reject()


def kernel_ops(lowered: Program) -> list[KernelOp]:
    return [op for op in lowered.function("predict").body.ops if isinstance(op, KernelOp)]


class Layers:
    """Layers `relu(x @ w + b)` and how far a unit may be off after them, by the usual analysis of rounding.

    With unit roundoff u: an operand that enters is off by u of itself, a sum of n products in float32 by n roundings
    of float32 of the sum of their sizes, and a result by u of itself, or half a subnormal step.
    """

    def __init__(self, dtype: DType, x: Array) -> None:
        self.u = 2.0 ** -DIGITS[dtype]
        # Processors make subnormal bfloat16 zero.
        self.step = LEAST[dtype] if dtype is DType.BF16 else LEAST[dtype] * 2.0 ** (1 - DIGITS[dtype])
        self.exact = x.astype(np.float64)
        self.off = self.rounding(np.abs(self.exact))

    def rounding(self, size: Array) -> Array:
        return self.u * size + self.step

    def product(self, w: Array) -> None:
        size = np.abs(w.astype(np.float64))
        reach = (np.abs(self.exact) + self.off) @ (size + self.rounding(size))
        off = self.off @ size + (np.abs(self.exact) + self.off) @ self.rounding(size)
        self.exact = self.exact @ w.astype(np.float64)
        off = off + w.shape[0] * 2.0**-23 * reach
        self.off = off + self.rounding(np.abs(self.exact) + off)

    def sum(self, b: Array) -> None:
        off = self.off + self.rounding(np.abs(b.astype(np.float64)))
        self.exact = self.exact + b
        self.off = off + self.rounding(np.abs(self.exact) + off) + 2.0**-23 * np.abs(self.exact)

    def relu(self) -> None:
        self.exact = np.maximum(self.exact, 0)


@every_simulator
@every_dtype
@given(data=st.data(), seed=st.integers(0, 1 << 32), widths=st.lists(st.integers(1, 6), min_size=2, max_size=4))
def test_a_network_is_off_by_no_more_than_the_rounding_of_its_type(
    unit: str, dtype: DType, data: st.DataObject, seed: int, widths: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    builder = Builder()
    value = builder.param(TensorType(DType.F32, (2, widths[0])), "x")
    x = rng.standard_normal((2, widths[0])).astype(np.float32)
    bound = Layers(dtype, x)
    for before, after in pairwise(widths):
        w = rng.standard_normal((before, after)).astype(np.float32)
        b = rng.standard_normal(after).astype(np.float32)
        value = builder.add(MatMul(value, builder.const(w, "w", DType.F32)))
        value = builder.add(Relu(builder.add(Add(value, builder.const(b, "b", DType.F32)))))
        bound.product(w)
        bound.sum(b)
        bound.relu()
    lowered = lowered_on(builder.program(y=value), data, (unit,))
    y = execute(lowered, {"x": x}, {unit: SIMULATORS[unit](dtype)})["y"]
    assert (np.abs(y - bound.exact) <= bound.off).all()
    assert is_held(y, dtype)


@pytest.mark.parametrize(("terms", "total"), [(16384, 16384.0), (4096, 4096.0)])
def test_sums_are_wider_than_float16(terms: int, total: float) -> None:
    builder = Builder()
    x = builder.param(TensorType(DType.F32, (1, terms)), "x")
    ones = builder.const(np.ones((terms, 1), np.float32), "ones", DType.F32)
    program = builder.program(y=builder.add(MatMul(x, ones)))
    kernels = kernels_of(program.main.body)
    lowered = lower(program, kernels, ["npu"], decided_weights(program), {}, [1]).program
    outputs = execute(lowered, {"x": np.ones((1, terms), np.float32)}, {"npu": SIMULATORS["npu"](DType.F16)})
    assert outputs["y"].tolist() == [[total]]


def test_an_input_of_two_units_is_rounded_on_each_to_its_own_type_and_a_hand_over_keeps_what_was_stored() -> None:
    builder = Builder()
    x = builder.param(TensorType(DType.F32, (1,)), "x")
    there = builder.add(Add(x, x))
    here = builder.add(Add(x, x))
    program = builder.program(there=there, here=here, both=builder.add(Add(there, x)))
    kernels = kernels_of(program.main.body)
    lowered = lower(program, kernels, ["npu", "cpu", "cpu"], [], {}).program
    simulators = {"npu": SIMULATORS["npu"](DType.F16), "cpu": SIMULATORS["cpu"](DType.F32)}
    third = np.float32(1 / 3)
    stored = np.float32(np.float16(third) * np.float16(2))
    outputs = execute(lowered, {"x": third.reshape(1)}, simulators)
    assert {name: float(array[0]) for name, array in outputs.items()} == {
        "there": float(stored),
        "here": float(third + third),
        "both": float(stored + third),
    }
