"""Every op that ONNX can express computes what ONNX Runtime computes, and comes back from ONNX as what it was."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidGraph, RuntimeException
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotImplemented_

from optc.formats.onnx.reader import program_of
from optc.formats.onnx.tables import EXPORTERS
from optc.formats.onnx.writer import model_of
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.interpreter import interpret
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.testing.samplers.catalog import SAMPLERS
from optc.testing.source import Source, random_array

# Largest difference allowed, relative to the largest magnitude of the output: float rounding of another order of
# summation, by element type. Ops whose runtime kernels approximate say so in LOOSER.
TOLERANCE = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-6, "bfloat16": 1.6e-2}
LOOSER: Mapping[str, float] = {}
# Ops whose other element types (of constants, of results) may lack a kernel when their inputs are float32.
SEVERAL_DTYPES = frozenset({"cast", "quantize", "dequantize", "scatter_elements", "scatter_nd", "eye_like"})


def examples() -> int:
    """A third of the profile's number: there are many ops. At least so many that a few have a runtime kernel."""
    assert settings.default is not None
    return max(25, settings.default.max_examples // 3)


F32 = "/f32"  # what is added to the name of an input or output that is f32 in place of bf16
EXPORTED = sorted((op for op in SAMPLERS if op in EXPORTERS), key=lambda op: op.spec.name)


def one_op_program(draw: Any, op: type[Op]) -> tuple[Program, dict[str, Any]]:
    """A program of one op (and what its sampler adds), with inputs."""
    builder = Builder()
    source = Source(draw, builder)
    made = SAMPLERS[op](source)
    builder.append(made)
    program = builder.program(**{f"out{i}": v for i, v in enumerate(made.results)})
    seed = source.seed()
    inputs = {
        p.name: random_array(seed + i, p.tensor.dtype, p.tensor.static_shape) for i, p in enumerate(builder.params)
    }
    return program, inputs


def f32_for_bf16(model: onnx.ModelProto) -> list[str]:
    """Let a model take and give f32 for bf16, which ONNX Runtime's Python cannot pass; names of what was changed."""
    graph, changed = model.graph, []
    casts: list[onnx.NodeProto] = []
    for values, to_f32 in ((graph.input, False), (graph.output, True)):
        for value in values:
            if value.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16:
                ends = [value.name, value.name + F32] if to_f32 else [value.name + F32, value.name]
                to = onnx.TensorProto.FLOAT if to_f32 else onnx.TensorProto.BFLOAT16
                casts.append(onnx.helper.make_node("Cast", [ends[0]], [ends[1]], to=to))
                changed.append(value.name)
                value.name += F32
                value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    inner = list(graph.node)
    del graph.node[:]
    graph.node.extend([c for c in casts if c.input[0].endswith(F32)] + inner)
    graph.node.extend(c for c in casts if c.output[0].endswith(F32))
    return changed


def run_onnxruntime(program: Program, inputs: Mapping[str, Any]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    model = model_of(program)
    feeds = dict(inputs)
    for name in f32_for_bf16(model):
        if name in feeds:
            feeds[name + F32] = feeds.pop(name).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    types = [v.tensor.dtype for v in program.main.body.results]
    found = zip(session.run(None, feeds), types, strict=True)
    return [a.astype(dtype.numpy) if dtype is DType.BF16 else a for a, dtype in found]


def run_or_none(program: Program, inputs: Mapping[str, Any]) -> list[Any] | None:
    """The outputs, or None where ONNX Runtime has no kernel for the element types (it says so in several ways)."""
    try:
        return run_onnxruntime(program, inputs)
    except (NotImplemented_, InvalidGraph):
        return None
    except RuntimeException as error:
        if "does not support" not in str(error):
            raise
        return None


def only_float32(program: Program) -> bool:
    """Whether all inputs of a program with inputs are float32."""
    dtypes = {p.tensor.dtype.value for p in program.main.body.params}
    return dtypes == {"f32"}


def assert_close(name: str, ours: Any, theirs: Any) -> None:
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    if ours.dtype.kind not in "fV":
        np.testing.assert_array_equal(ours, theirs)
        return
    tolerance = max(TOLERANCE.get(str(ours.dtype), 1e-5), LOOSER.get(name, 0.0))
    wide, other = ours.astype(np.float64), theirs.astype(np.float64)
    finite = np.abs(other[np.isfinite(other)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    np.testing.assert_allclose(wide, other, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("op", EXPORTED, ids=lambda op: op.spec.name)
def test_op_agrees_with_onnxruntime_and_survives_the_round_trip(op: type[Op]) -> None:
    compared = 0

    @settings(max_examples=examples(), suppress_health_check=list(HealthCheck))
    @given(st.data())
    def law(data: st.DataObject) -> None:
        nonlocal compared
        program, inputs = one_op_program(data.draw, op)
        if not all(isinstance(v.type, TensorType) for v in program.main.body.results):
            return
        ours = interpret(program, inputs)
        theirs = run_or_none(program, inputs)
        if theirs is None:
            assert op.spec.name in SEVERAL_DTYPES or not only_float32(program), "no kernel for float32"
            return
        for (name, array), other in zip(ours.items(), theirs, strict=True):
            assert_close(op.spec.name, array, other)
            assert name in program.main.output_names
        back = program_of(model_of(program))
        for name, array in interpret(back, {k: v for k, v in inputs.items() if k in back.main.inputs}).items():
            assert_close(op.spec.name, array, ours[name])
        compared += 1

    law()
    assert compared >= 1, "no draw could be compared"
