"""Compressed weights in ONNX: small in the file, expanded by plain ONNX Runtime, and known again when read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper, parser

from optc.errors import OptcError
from optc.formats.onnx.constexpr import full_shape, linear_form
from optc.formats.onnx.functions import DOMAIN, functions
from optc.formats.onnx.reader import program_of
from optc.formats.onnx.writer import model_of
from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.interpreter import interpret
from optc.ir.liveness import definitions
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import constexpr as c
from optc.ops.cast import Cast
from optc.ops.control import Cond
from optc.ops.matmul import MatMul
from optc.testing.samplers.constexpr import SAMPLERS
from optc.testing.source import Source


def form_of(value: Value, defined: Mapping[Value, Op]) -> Any:
    """How a weight is stored: its op, attributes and constants."""
    op = defined[value]
    if isinstance(op, Const):
        return op.value
    operands = tuple(None if v is None else form_of(v, defined) for v in op.arguments())
    return type(op), operands, tuple(op.attribute_values().items()), op.results.index(value), value.type


@pytest.mark.parametrize("op", SAMPLERS, ids=lambda op: op.spec.name)
@given(data=st.data())
def test_a_constexpr_op_comes_back_from_onnx_as_what_it_was(op: type[Op], data: st.DataObject) -> None:
    builder = Builder()
    made = SAMPLERS[op](Source(data.draw, builder))
    builder.append(made)
    program = builder.program(**{f"w{i}": v for i, v in enumerate(made.results)})
    back = program_of(model_of(program))
    before, after = definitions(program.main.body), definitions(back.main.body)
    for a, b in zip(program.main.body.results, back.main.body.results, strict=True):
        # A mask that goes in as a constant and out unchanged is that constant.
        assert form_of(b, after) == form_of(a, before)
    assert not any(isinstance(o, Cast) for o in back.walk())


shapes = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


@given(shapes, st.data())
def test_the_form_of_a_scale_says_its_full_shape(shape: tuple[int, ...], data: st.DataObject) -> None:
    scale = tuple(data.draw(st.sampled_from([d for d in range(1, dim + 1) if dim % d == 0])) for dim in shape)
    form = linear_form(shape, scale)
    if form is None:
        assert sum(a != b for a, b in zip(shape, scale, strict=True)) > 1
    else:
        assert full_shape(len(shape), form.scale, form.axis or 0) == scale


def codes(dtype: DType, *shape: int) -> Any:
    low, high = dtype.integer_range
    return np.random.default_rng(0).integers(low, high + 1, shape).astype(dtype.numpy)


def palettized(b: Builder, dtype: DType, groups: int = 1) -> Op:
    entries = 1 << dtype.bits
    lut = np.linspace(-1, 1, groups * entries, dtype=np.float32).reshape(1, groups, entries, 1)
    return c.LutToDense(b.const(codes(dtype, 256, 256), "w_indices", dtype), b.const(lut, "w_lut"))


def quantized(b: Builder, dtype: DType, blocks: tuple[int, int]) -> Op:
    scale = np.linspace(0.5, 1, blocks[0] * blocks[1], dtype=np.float32).reshape(blocks)
    return c.ShiftScale(b.const(codes(dtype, 256, 256), "w_codes", dtype), b.const(scale, "w_scale"))


def sparse(b: Builder) -> Op:
    mask = codes(DType.U1, 256, 256) & codes(DType.U1, 256, 256)
    values = np.arange(1, mask.sum() + 1, dtype=np.float32)
    return c.SparseToDense(b.const(mask, "w_mask", DType.U1), b.const(values, "w_values"))


def sparse_palettized(b: Builder) -> Op:
    mask = codes(DType.U1, 256, 256)
    lut = np.linspace(-1, 1, 8, dtype=np.float32).reshape(1, 1, 8, 1)
    indices = b.const(codes(DType.U3, int(mask.sum())), dtype=DType.U3)
    return c.SparseToDense(*b.append(c.LutToSparse(b.const(mask, dtype=DType.U1), indices, b.const(lut))))


FORMS: dict[str, Any] = {
    **{f"palette {d}": lambda b, d=d: palettized(b, d) for d in c.UNSIGNED_INDEX},
    "palette u4 in groups": lambda b: palettized(b, DType.U4, 16),
    "i8 per channel": lambda b: quantized(b, DType.I8, (256, 1)),
    "i4 in blocks": lambda b: quantized(b, DType.I4, (8, 256)),
    "u4 in blocks along two axes": lambda b: quantized(b, DType.U4, (8, 8)),
    "sparse": sparse,
    "sparse palette": sparse_palettized,
}


def network(form: str) -> tuple[Program, int]:
    """`x @ w` with `w` in this form, and the bytes of the constants."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (2, 256)), "x")
    w = b.add(FORMS[form](b), "w")
    program = b.program(y=b.add(MatMul(x, w)))
    return program, sum(op.value.stored_bytes for op in program.walk() if isinstance(op, Const))


@pytest.mark.parametrize("form", FORMS)
def test_the_file_is_as_small_as_the_stored_form_and_a_few_kilobytes(form: str) -> None:
    program, stored = network(form)
    assert model_of(program).ByteSize() < stored + 6_000


@pytest.mark.parametrize("form", FORMS)
def test_plain_onnxruntime_computes_the_same_with_and_without_expanding_at_load(form: str) -> None:
    program, _ = network(form)
    x = np.random.default_rng(1).standard_normal((2, 256)).astype(np.float32)
    expected = interpret(program, {"x": x})["y"]
    data = model_of(program).SerializeToString()
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")  # activations stay floats
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (y,) = session.run(None, {"x": x})
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("form", FORMS)
def test_the_name_of_the_weight_survives(form: str) -> None:
    program, _ = network(form)
    back = program_of(model_of(program))
    (product,) = (op for op in back.walk() if isinstance(op, MatMul))
    assert product.y.name == "w"
    assert definitions(back.main.body)[product.y].constant


def test_a_packed_constant_means_the_same_to_any_operator() -> None:
    b = Builder()
    program = b.program(y=b.add(Cast(b.const([[1, 7, 3]], "w", DType.U3), DType.F32)))
    data = model_of(program).SerializeToString()
    (y,) = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {})
    assert y.tolist() == [[1, 7, 3]]
    back = program_of(onnx.load_from_string(data))
    assert any(isinstance(op, Const) and op.value.dtype is DType.U3 for op in back.walk())


def test_a_weight_that_only_a_nested_block_uses_is_known_again() -> None:
    b, then = Builder(), Builder()
    x, flag = b.param(TensorType(DType.F32, (2, 256)), "x"), b.param(TensorType(DType.BOOL), "flag")
    y = then.add(MatMul(x, then.add(palettized(then, DType.U4), "w")))
    program = b.program(y=b.add(Cond(flag, then.block(y), Block((), (), (x,)))))
    back = program_of(model_of(program))
    assert [op.results[0].name for op in back.walk() if isinstance(op, c.LutToDense)] == ["w"]
    inputs = {"x": np.ones((2, 256), np.float32), "flag": np.array(True)}
    np.testing.assert_array_equal(interpret(back, inputs)["y"], interpret(program, inputs)["y"])


def test_a_function_that_only_bears_one_of_our_names_is_not_trusted() -> None:
    program, _ = network("sparse")
    model = model_of(program)
    (own,) = (f for f in model.functions if f.name == "SparseToDense")
    del own.node[-1]
    own.node[-1].output[0] = own.output[0]
    assert not any(isinstance(op, c.SparseToDense) for op in program_of(model).walk())
    assert any(isinstance(op, c.SparseToDense) for op in program_of(model_of(program)).walk())


def test_functions_are_well_formed() -> None:
    for function in functions().values():
        onnx.checker.check_function(function)


def changed(form: str, change: Any) -> onnx.ModelProto:
    model = model_of(network(form)[0])
    change(model)
    return model


def shorten(model: onnx.ModelProto) -> None:
    (packed,) = (t for t in model.graph.initializer if t.data_type == onnx.TensorProto.UINT8)
    packed.dims[0] -= 3
    packed.raw_data = packed.raw_data[:-3]


def swap(model: onnx.ModelProto) -> None:
    (node,) = (n for n in model.graph.node if n.op_type == "LutToDense")
    (perm,) = (a for a in node.attribute if a.name == "perm")
    perm.ints[0], perm.ints[1] = perm.ints[1], perm.ints[0]


def retype(model: onnx.ModelProto) -> None:
    (node,) = (n for n in model.graph.node if n.op_type == "SparseToDense")
    (to,) = (a for a in node.attribute if a.name == "to")
    to.i = onnx.TensorProto.FLOAT16


@pytest.mark.parametrize(
    ("slug", "form", "change"),
    [
        ("tensor-size", "palette u3", shorten),
        ("onnx-node", "palette u4 in groups", swap),
        ("onnx-node", "sparse", retype),
    ],
)
def test_a_call_that_optc_cannot_have_written_is_refused(slug: str, form: str, change: Any) -> None:
    with pytest.raises(OptcError) as caught:
        program_of(changed(form, change))
    assert caught.value.slug == slug


def foreign(text: str, **initializers: Any) -> Program:
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["": 21]>\n{text}')
    model.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in initializers.items())
    return program_of(model)


def test_a_negative_axis_of_another_tool_is_understood() -> None:
    program = foreign(
        "g () => (float[2,3] w) { w = DequantizeLinear <axis = -1> (q, s, z) }",
        q=np.ones((2, 3), np.uint8), s=np.ones(3, np.float32), z=np.zeros(3, np.uint8),
    )  # fmt: skip
    (op,) = (op for op in program.walk() if isinstance(op, c.ShiftScale))
    assert op.scale.tensor.shape == (1, 3)
    assert op.offset is not None


def test_a_scale_too_short_for_its_axis_is_not_taken_for_blocks() -> None:
    with pytest.raises(OptcError) as caught:
        foreign(
            "g () => (float[2,4] w) { w = DequantizeLinear <axis = 1> (q, s) }",
            q=np.ones((2, 4), np.uint8), s=np.ones(2, np.float32),
        )  # fmt: skip
    assert caught.value.slug == "scale-shape"


def test_a_table_of_another_size_stays_a_gather() -> None:
    program = foreign(
        "g () => (float[2] w) { i = Cast <to = 7> (q) w = Gather (t, i) }",
        q=np.array([0, 1], np.uint8), t=np.ones(3, np.float32),
    )  # fmt: skip
    assert not any(isinstance(op, c.LutToDense) for op in program.walk())


def test_the_domain_of_the_functions_is_declared_once_also_after_reading() -> None:
    model = model_of(program_of(model_of(network("sparse")[0])))
    assert [entry.domain for entry in model.opset_import] == ["", DOMAIN]
    onnx.checker.check_model(model)


def test_quantized_weights_of_branches_lie_in_the_graph_of_their_branch_and_run() -> None:
    """ONNX Runtime's default optimization looks for the codes beside the node that uses them."""
    random = np.random.default_rng(3)
    outer = Builder()
    x = outer.param(TensorType(DType.F32, (3, 64)), "x")
    condition = outer.param(TensorType(DType.BOOL, ()), "c")
    blocks = []
    for name in ("then", "else"):
        inner = Builder()
        codes = inner.const(random.integers(-127, 128, (64, 64)), f"{name}.data", DType.I8)
        scale = inner.const(np.full((1, 64), 0.01), f"{name}.scale", DType.F32)
        weight = inner.add(c.ShiftScale(codes, scale), f"{name}.w")
        blocks.append(inner.block(inner.add(MatMul(x, weight))))
    program = outer.program(y=outer.add(Cond(condition, *blocks), "y"))
    model = model_of(program)
    assert not {t.name for t in model.graph.initializer} & {"then.data", "else.data"}
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for chosen in (True, False):
        given_inputs = {"x": random.standard_normal((3, 64)).astype(np.float32), "c": np.array(chosen)}
        (actual,) = session.run(None, given_inputs)
        expected = interpret(program, given_inputs)["y"]
        assert np.abs(actual - expected).max() < 0.02 * np.abs(expected).max()
