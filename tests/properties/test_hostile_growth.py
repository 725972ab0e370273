"""Small files that ask for much: what they would grow to is bounded before it is made, and one clear error says so."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from optc.driver.inspection import inspect
from optc.driver.models import load, save
from optc.errors import OptcError
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.proto.model_pb2 import Model
from optc.ir.builder import Builder
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType, parse_type
from optc.ops.catalog import CATALOG
from optc.ops.constexpr import LutToDense
from tests.command_line import optc

MODEL = Path("Data/com.apple.CoreML/model.mlmodel")


def info(
    name: str, dtype: int = TensorProto.FLOAT, shape: tuple[int | str, ...] | None = (1, 2)
) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: list[onnx.NodeProto],
    weights: tuple[onnx.TensorProto, ...] = (),
    functions: tuple[onnx.FunctionProto, ...] = (),
    shape: tuple[int | str, ...] = (1, 2),
) -> onnx.ModelProto:
    """A model from x and the condition c to y."""
    ends = [info("x", shape=shape), info("c", TensorProto.BOOL, ())], [info("y", shape=None)]
    graph = helper.make_graph(nodes, "g", *ends, weights)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("d", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions)


def doubled(levels: int) -> onnx.ModelProto:
    """Functions, each of which calls the one before twice."""

    def function(level: int, *nodes: onnx.NodeProto) -> onnx.FunctionProto:
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("d", 1)]
        return helper.make_function("d", f"f{level}", ["a"], ["b"], nodes, opsets)

    made = [function(0, helper.make_node("Relu", ["a"], ["b"]))]
    for level in range(1, levels + 1):
        calls = [helper.make_node(f"f{level - 1}", [i], [o], domain="d") for i, o in (("a", "m"), ("m", "b"))]
        made.append(function(level, *calls))
    return model([helper.make_node(f"f{levels}", ["x"], ["y"], domain="d")], functions=tuple(made))


def branches(depth: int) -> onnx.ModelProto:
    """Choices in each other between a float and an integer, which must be carried, and so be read twice."""
    inner = helper.make_node("Relu", ["x"], [f"t{depth}"])
    for level in range(depth - 1, -1, -1):
        name = f"t{level}" if level else "y"
        then = helper.make_graph([inner], "then", [], [info(f"t{level + 1}", shape=None)])
        cast = helper.make_node("Cast", ["x"], [f"e{level}"], to=TensorProto.INT64)
        other = helper.make_graph([cast], "else", [], [info(f"e{level}", TensorProto.INT64, None)])
        inner = helper.make_node("If", ["c"], [name], then_branch=then, else_branch=other)
    return model([inner])


def squares(times: int, shape: tuple[int | str, ...]) -> onnx.ModelProto:
    """The number of elements is squared, and squared again."""
    nodes, last = [], "x"
    for i in range(times):
        nodes += [
            helper.make_node("Flatten", [last], [f"row{i}"], axis=0),
            helper.make_node("Transpose", [f"row{i}"], [f"column{i}"]),
            helper.make_node("MatMul", [f"column{i}", f"row{i}"], [f"square{i}"]),
        ]
        last = f"square{i}"
    return model([*nodes, helper.make_node("Relu", [last], ["y"])], shape=shape)


def weight(change: Callable[[onnx.TensorProto], object]) -> onnx.ModelProto:
    made = numpy_helper.from_array(np.ones((1, 2), np.float32), "w")
    change(made)
    return model([helper.make_node("Add", ["x", "w"], ["y"])], (made,))


def dims(*sizes: int) -> Callable[[onnx.TensorProto], object]:
    def change(tensor: onnx.TensorProto) -> None:
        tensor.dims[:] = sizes
        tensor.raw_data = b"" if 0 in sizes else tensor.raw_data

    return change


def empty_and_huge(tensor: onnx.TensorProto) -> None:
    dims(0, (1 << 63) - 1, 4)(tensor)
    tensor.ClearField("raw_data")


def external(location: str) -> Callable[[onnx.TensorProto], object]:
    def change(tensor: onnx.TensorProto) -> None:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


ONNX: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "functions that double each other": (lambda: doubled(30), "onnx-functions"),
    "functions that call each other too deep": (lambda: doubled(300), "onnx-functions"),
    "branches that are read again and again": (lambda: branches(16), "nesting"),
    "sizes that are squared": (lambda: squares(30, (1, 2)), "result-size"),
    "a weight of rank 70": (lambda: weight(dims(*[1] * 69, 2)), "tensor-shape"),
    "an empty weight of absurd sizes": (lambda: weight(dims(0, (1 << 63) - 1, 4)), "tensor-shape"),
    "an empty weight of absurd sizes without raw data": (lambda: weight(empty_and_huge), "tensor-shape"),
    "an input of rank 70": (lambda: model([helper.make_node("Relu", ["x"], ["y"])], shape=(1,) * 70), "tensor-shape"),
    "external data in a file of a long name": (lambda: weight(external("x" * 5000)), "external-data"),
    "external data in a file with a zero in its name": (lambda: weight(external("a\0b")), "external-data"),
    "external data behind a link to itself": (lambda: weight(external("circle")), "external-data"),
    "external data behind a link to a folder": (lambda: weight(external("away/hostname")), "external-data"),
}


@pytest.mark.parametrize("what", ONNX)
def test_an_onnx_file_that_asks_for_too_much_gets_one_error(what: str, tmp_path: Path) -> None:
    make, slug = ONNX[what]
    path = tmp_path / "model.onnx"
    path.write_bytes(make().SerializeToString())
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "away").symlink_to("/etc")
    with pytest.raises(OptcError) as caught:
        load(path)
    assert caught.value.slug == slug
    done = optc("inspect", path)
    assert (done.code, done.out, done.err.count("error: ")) == (1, "", 1)
    assert len(done.err) < 5000
    assert "internal" not in done.err


def test_functions_branches_and_sizes_of_ordinary_size_are_read(tmp_path: Path) -> None:
    for made in (doubled(8), branches(3), squares(3, (1, 2))):
        (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
        seen = inspect(load(tmp_path / "model.onnx"))
        assert seen.ops


def test_symbolic_sizes_that_are_squared_become_unknown_and_the_text_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(squares(40, ("n", "m")).SerializeToString())
    program = load(tmp_path / "model.onnx")
    assert isinstance(program.main.body.results[0].type, TensorType)
    assert program.main.body.results[0].type.shape[-1] == UNKNOWN
    save(program, tmp_path / "model.optc")
    assert load(tmp_path / "model.optc") == program


@pytest.mark.parametrize(
    "grow", [lambda d: d * d, lambda d: d + d, lambda d: (d + 1) // 2, lambda d: d * SymDim.named("m") + 1]
)
def test_what_dimensions_grow_to_is_always_read_back_or_unknown(grow: Callable[[object], object]) -> None:
    dim: object = SymDim.named("n")
    for _ in range(200):
        dim = grow(dim)
        kind = TensorType(DType.F32, (dim,))  # type: ignore[arg-type]  # arithmetic of dimensions is typed Any
        assert parse_type(str(kind)) == kind
    assert dim == UNKNOWN


def test_nested_blocks_of_core_ml_that_are_read_again_and_again_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.mlpackage"
    b = Builder()
    x = b.param(TensorType(DType.F32, (1, 2)), "x")
    save(b.program(y=b.add(CATALOG["relu"](x))), path)  # type: ignore[call-arg]  # fields of a class in the catalog
    proto = Model.FromString((path / MODEL).read_bytes())
    main = proto.ml_program.functions["main"]
    block = main.block_specializations[main.opset]
    inner = block.operations[-1]
    name, kind = block.outputs[0], inner.outputs[0].type
    for level in range(16):
        inner.outputs[0].name = f"v{level}"
        outer = mil.Operation(type="cond")
        outer.inputs["pred"].arguments.add().name = "c"
        outer.inputs["more"].arguments.add().name = "x"  # which `cond` does not have, so that it is carried
        outer.outputs.add(name=name).type.CopyFrom(kind)
        for _ in range(2):
            made = outer.blocks.add(outputs=[f"v{level}"])
            made.operations.add().CopyFrom(inner)
            inner = mil.Operation(type="relu", outputs=inner.outputs)
            inner.inputs["x"].arguments.add().name = "x"
        inner = outer
    block.operations[-1].CopyFrom(inner)
    condition = main.inputs.add(name="c")
    condition.type.tensor.data_type = mil.BOOL
    (path / MODEL).write_bytes(proto.SerializeToString())
    with pytest.raises(OptcError, match="nested blocks must be read at most 20 times each") as caught:
        load(path)
    assert caught.value.slug == "nesting"


def test_a_manifest_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "model.mlpackage"
    path.mkdir()
    os.mkfifo(path / "Manifest.json")
    with pytest.raises(OptcError, match="file must be a regular file"):
        load(path)


def test_a_weight_that_expands_beyond_all_use_is_not_expanded_to_be_shown() -> None:
    entries = 1 << 14
    b = Builder()
    indices = b.const(Tensor.of(np.zeros((1 << 16,), np.uint8), DType.U1), "i")
    lut = b.const(np.ones((1, 2, entries), np.float32), "lut")
    w = b.add(LutToDense(indices, lut, 0), "w")
    x = b.param(w.tensor, "x")
    program = b.program(y=b.add(CATALOG["add"](x, w), "y"))  # type: ignore[call-arg]  # as above
    (row,) = inspect(program).weights
    assert row.dense_bytes == (1 << 18) * entries
    assert (row.sparsity, row.unique) == (None, None)
