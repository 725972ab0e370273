"""Variants of ONNX's operators on shapes that our own writer does not make: old opsets, and run-time parameters."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from optc.errors import OptcError
from optc.formats.onnx.reader import program_of
from optc.formats.onnx.writer import model_of
from optc.ir.interpreter import interpret
from optc.ir.opaque import Opaque

X = np.arange(-6, 6, dtype=np.float32).reshape(1, 2, 1, 6)
Attributes = dict[str, Any]


def integers(*values: int) -> Any:
    return np.array(values, np.int64)


def floats(*values: float) -> Any:
    return np.array(values, np.float32)


def model(
    op_type: str,
    opset: int,
    rest: tuple[Any, ...],
    attributes: Attributes,
    run_time: bool,
    outputs: int = 1,
    first: Any = X,
) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """One node on X (or `first`) and further arrays (None: left out), which are inputs of the model or initializers."""
    arrays = {f"p{i}": array for i, array in enumerate(rest) if array is not None}
    names = ["x", *("" if array is None else f"p{i}" for i, array in enumerate(rest))]
    inputs = {"x": first} | (arrays if run_time else {})
    types = {n: helper.np_dtype_to_tensor_dtype(a.dtype) for n, a in inputs.items()}
    graph = helper.make_graph(
        [helper.make_node(op_type, names, [f"y{i}" for i in range(outputs)], **attributes)], "g",
        [helper.make_tensor_value_info(n, types[n], a.shape) for n, a in inputs.items()],
        [helper.make_empty_tensor_value_info(f"y{i}") for i in range(outputs)],
        [] if run_time else [numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7), inputs


def check_against_onnxruntime(made: onnx.ModelProto, inputs: dict[str, Any]) -> list[str]:
    """Hold the program, and what it is written as, against ONNX Runtime; the names of its ops."""
    program = program_of(made)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    again = onnxruntime.InferenceSession(model_of(program).SerializeToString(), providers=["CPUExecutionProvider"])
    found = interpret(program, inputs)
    for ours, theirs, written in zip(found.values(), session.run(None, inputs), again.run(None, inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
        np.testing.assert_allclose(written, theirs, rtol=1e-6)
    return [op.name for op in program.walk() if op.name != "const"]


STATIC = [
    ("squeeze", "Squeeze", 11, (), {"axes": [-2, 0]}, 1),
    ("squeeze", "Squeeze", 11, (), {}, 1),
    ("squeeze", "Squeeze", 13, (), {}, 1),
    ("unsqueeze", "Unsqueeze", 11, (), {"axes": [-1, 0]}, 1),
    ("split", "Split", 11, (), {"axis": -1, "split": [2, 4]}, 2),
    ("split", "Split", 11, (), {"axis": 3}, 3),
    ("split", "Split", 18, (), {"axis": 3, "num_outputs": 4}, 4),
    ("transpose", "Transpose", 13, (), {}, 1),
    ("flatten", "Flatten", 13, (), {"axis": -3}, 1),
    ("shape", "Shape", 15, (), {"start": -3, "end": -1}, 1),
    ("shape", "Shape", 15, (), {"start": 3, "end": 1}, 1),
    ("reshape", "Reshape", 14, (integers(0, -1),), {"allowzero": 0}, 1),
    ("slice", "Slice", 11, (integers(0, 0, 0), integers(1, 1, 9)), {}, 1),
    ("slice", "Slice", 11, (integers(5, 1), integers(-9, 2), integers(-1, 1), integers(-2, 1)), {}, 1),
    ("pad", "Pad", 11, (integers(0, 0, 0, 1, 0, 0, 0, -2), np.array(7, np.float32)), {}, 1),
    ("pad", "Pad", 18, (integers(2, 1), None, integers(-1)), {"mode": "reflect"}, 1),
    ("resize", "Resize", 11, (floats(), floats(), integers(1, 2, 2, 3)), {"mode": "linear"}, 1),
    ("resize", "Resize", 11, (floats(), floats(1, 1, 1, 0.5)), {"nearest_mode": "ceil"}, 1),
    ("resize", "Resize", 18, (None, floats(3), None), {"axes": [-1]}, 1),
    ("trilu", "Trilu", 14, (), {"upper": 0}, 1),
]
DYNAMIC = [
    ("dynamic_reshape", "Reshape", 14, (integers(0, 3, -1),), {}),
    ("dynamic_squeeze", "Squeeze", 13, (integers(-2),), {}),
    ("dynamic_unsqueeze", "Unsqueeze", 13, (integers(-1, 0),), {}),
    ("dynamic_expand", "Expand", 13, (integers(3, 1, 2, 1),), {}),
    ("dynamic_tile", "Tile", 13, (integers(2, 1, 1, 3),), {}),
    ("dynamic_split", "Split", 13, (integers(1, 5),), {"axis": -1}),
    ("dynamic_slice", "Slice", 13, (integers(0, 1, 0, 1), integers(9, 2, 1, -1)), {}),
    ("dynamic_pad", "Pad", 13, (integers(0, 0, 0, 1, 0, 0, 0, -2), np.array(7, np.float32)), {}),
    ("dynamic_resize", "Resize", 13, (None, None, integers(1, 2, 3, 9)), {"mode": "linear"}),
    ("dynamic_resize", "Resize", 13, (None, floats(1, 1, 2, 0.5)), {}),
    ("dynamic_trilu", "Trilu", 14, (np.array(2),), {}),
]


@pytest.mark.parametrize(("name", "op_type", "opset", "rest", "attributes", "outputs"), STATIC)
def test_constant_parameters_become_attributes(
    name: str, op_type: str, opset: int, rest: tuple[Any, ...], attributes: Attributes, outputs: int
) -> None:
    assert check_against_onnxruntime(*model(op_type, opset, rest, attributes, False, outputs)) == [name]


@pytest.mark.parametrize(("name", "op_type", "opset", "rest", "attributes"), DYNAMIC)
def test_parameters_that_are_inputs_make_the_op_dynamic(
    name: str, op_type: str, opset: int, rest: tuple[Any, ...], attributes: Attributes
) -> None:
    outputs = 2 if op_type == "Split" else 1
    assert check_against_onnxruntime(*model(op_type, opset, rest, attributes, True, outputs)) == [name]


@pytest.mark.parametrize(
    ("name", "op_type", "first", "rest"),
    [
        ("dynamic_range", "Range", np.array(3), (np.array(9), np.array(2))),
        ("dynamic_fill", "ConstantOfShape", integers(2, 3), ()),
        ("dynamic_one_hot", "OneHot", integers(0, -1, 4), (np.array(3), floats(-1, 1))),
    ],
)
def test_what_is_made_from_inputs_is_dynamic(name: str, op_type: str, first: Any, rest: tuple[Any, ...]) -> None:
    assert check_against_onnxruntime(*model(op_type, 13, rest, {}, True, first=first)) == [name]


@pytest.mark.parametrize(
    ("op_type", "opset", "rest", "attributes"),
    [
        ("Resize", 18, (None, None, integers(1, 2, 1, 3)), {"mode": "linear", "antialias": 1}),
        ("Resize", 18, (None, None, integers(1, 2, 1, 3)), {"keep_aspect_ratio_policy": "not_larger"}),
        (
            "Resize", 13, (floats(0, 0, 0, 0, 1, 1, 1, 1), None, integers(1, 2, 1, 3)),
            {"coordinate_transformation_mode": "tf_crop_and_resize"},
        ),
        ("Pad", 13, (integers(0, 0, 0, -1, 0, 0, 0, 1),), {"mode": "edge"}),
    ],
)  # fmt: skip
def test_a_variant_without_an_op_is_carried_as_it_is(
    op_type: str, opset: int, rest: tuple[Any, ...], attributes: Attributes
) -> None:
    program = program_of(model(op_type, opset, rest, attributes, False)[0])
    assert [type(op) for op in program.walk() if op.name != "const"] == [Opaque]


def test_upsample_rounds_places_down() -> None:
    program = program_of(model("Upsample", 11, (floats(1, 1, 1, 1.5),), {}, False)[0])
    (found,) = interpret(program, {"x": X}).values()
    assert found[0, 0, 0].tolist() == [X[0, 0, 0, i] for i in (0, 0, 1, 2, 2, 3, 4, 4, 5)]


@pytest.mark.parametrize(
    ("op_type", "rest", "attributes", "slug"),
    [
        ("Reshape", (integers(5, -1),), {}, "reshape-size"),
        ("Concat", (), {"axis": 7}, "axis"),
        ("Concat", (), {}, "onnx-node"),
        ("Transpose", (), {"perm": [0, 1, 1, 2]}, "permutation"),
        ("Slice", (integers(0), integers(1), integers(9)), {}, "axis"),
        ("Slice", (integers(0), integers(1), integers(0), integers(0)), {}, "slice-step"),
        ("Pad", (integers(1),), {}, "pads-count"),
        ("Expand", (integers(*[1] * 40),), {}, "rank-limit"),
    ],
)
def test_a_malformed_node_is_refused_by_name(
    op_type: str, rest: tuple[Any, ...], attributes: Attributes, slug: str
) -> None:
    with pytest.raises(OptcError) as caught:
        program_of(model(op_type, 13, rest, attributes, False)[0])
    assert caught.value.slug == slug
    assert f"{op_type} node" in str(caught.value)
