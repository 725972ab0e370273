"""The central law: for every choice of decisions, load then predict computes what the program computes."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.decision import CHOICES, decided_weights
from backends.lowering import lower
from optc.ir.block import Program
from optc.ir.dtypes import Array, DType
from optc.ir.interpreter import Cell, interpret
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ir.verifier import verify
from optc.ops.constexpr import LutToDense, ShiftScale
from optc.ops.elementwise import Add, Mul
from optc.testing.outputs import outputs_of
from optc.testing.programs import programs, random_inputs
from optc.testing.source import Source


def palettized_operand(source: Source) -> Value:
    """A palettized weight that is added to a value."""
    x = source.fresh(TensorType(DType.F32, (2, 3)))
    indices = source.constant(source.array(DType.U2, (2, 3)), DType.U2)
    lut = source.constant(source.array(DType.F32, (1, 1, 4, 1)), DType.F32)
    weight = source.builder.add(LutToDense(indices, lut), "palette.weight")
    return source.builder.add(Add(x, weight))


def quantized_operand(source: Source) -> Value:
    """A quantized weight that is used twice."""
    x = source.fresh(TensorType(DType.F32, (2, 3)))
    data = source.constant(source.array(DType.I8, (2, 3)), DType.I8)
    scale = source.constant(source.array(DType.F32, (2, 1)), DType.F32)
    weight = source.builder.add(ShiftScale(data, scale), "weight")
    return source.builder.add(Add(source.builder.add(Mul(x, weight)), weight))


def same_bits(a: Array, b: Array) -> bool:
    return a.tolist() == b.tolist() if a.dtype == np.object_ else a.tobytes() == b.tobytes()


@settings(suppress_health_check=list(HealthCheck))
@given(programs(idioms=(palettized_operand, quantized_operand)), st.data())
def test_load_then_predict_computes_the_bits_of_the_program(program: Program, data: st.DataObject) -> None:
    weights = decided_weights(program, min_elements=1)
    choices = {w.name: data.draw(st.sampled_from(CHOICES)) for w in weights}
    lowered = lower(program, weights, choices)
    verify(lowered.program)
    resident = interpret(lowered.program, {}, "load")
    given_inputs = random_inputs(program, 0)
    cells = {name: value for name, value in given_inputs.items() if isinstance(value, Cell)}
    arrays = {name: value for name, value in given_inputs.items() if name not in cells}
    after = interpret(lowered.program, {**resident, **arrays}, "predict", cells)
    for name, array in outputs_of(program, 0).items():
        if not name.startswith("state "):
            assert (after[name].dtype, after[name].shape) == (array.dtype, array.shape)
            assert (
                after[name].tolist() == array.tolist() if array.dtype == np.object_ else same_bits(after[name], array)
            )


@given(programs(idioms=(palettized_operand, quantized_operand), samplers={}, most=4))
def test_expanding_at_load_leaves_no_constexpr_op_in_predict(program: Program) -> None:
    weights = decided_weights(program, min_elements=1)
    lowered = lower(program, weights, {w.name: "load" for w in weights})
    predict = lowered.program.function("predict")
    assert not [op for op in predict.body.ops if op.constant and op.name != "const"]
    assert len(lowered.resident) == len(weights)
