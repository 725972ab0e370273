"""What viewers of models show: a name for each node, and names and shapes for all that goes between nodes."""

from pathlib import Path
from typing import Any

import onnx
import pytest

from optc.driver import facade
from optc.formats.onnx.writer import model_of
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from tests.unit.driver.small_model import write_model


def shapes(model: onnx.ModelProto) -> dict[str, list[Any]]:
    """The declared shapes by name of the value; names of dimensions stand for themselves."""
    graph = model.graph
    return {
        info.name: [dim.dim_param or dim.dim_value for dim in info.type.tensor_type.shape.dim]
        for info in (*graph.input, *graph.value_info, *graph.output)
    }


def checked(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, which ONNX's own checker takes, and whose declared types ONNX's inference agrees with."""
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


@pytest.fixture
def program(tmp_path: Path) -> facade.Program:
    return facade.load(write_model(tmp_path / "model.onnx"))


def test_every_value_between_nodes_has_its_shape(program: facade.Program) -> None:
    model = checked(model_of(program))
    found = shapes(model)
    assert {name for node in model.graph.node for name in node.output} <= set(found)
    assert {"x": ["batch", 64], "h": ["batch", 96], "r": ["batch", 96], "y": ["batch", 64]}.items() <= found.items()
    declared = [info.name for info in (*model.graph.input, *model.graph.value_info, *model.graph.output)]
    assert len(set(declared)) == len(declared)


@pytest.mark.parametrize("scheme", [Palettize(bits=4), Palettize(bits=6), Quantize("int4"), Quantize("uint8")], ids=str)
def test_an_expanded_weight_has_its_shape(scheme: Any, program: facade.Program) -> None:
    model = checked(model_of(facade.compress(program, scheme)))
    found = shapes(model)
    assert [sorted(found[name]) for name in ("first", "second")] == [[64, 96], [64, 96]]


def test_every_node_has_a_name_of_its_own_and_the_file_says_who_wrote_it(program: facade.Program) -> None:
    model = model_of(facade.compress(program, Palettize(bits=4)))
    names = [node.name for node in model.graph.node]
    assert all(names)
    assert len(set(names)) == len(names)
    assert model.producer_name == "optc"
    assert model.graph.name


def test_types_of_carried_operators_survive_writing_and_reading(program: facade.Program, tmp_path: Path) -> None:
    source = model_of(program)
    node = source.graph.node.add(op_type="Mystery", domain="acme", name="odd", input=["r"], output=["z"])
    assert node.op_type == "Mystery"
    source.opset_import.add(domain="acme", version=1)
    source.graph.value_info.append(onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, ["batch", 7]))
    source.graph.node.add(op_type="Relu", name="last", input=["z"], output=["q"])
    source.graph.output.append(onnx.helper.make_tensor_value_info("q", onnx.TensorProto.FLOAT, ["batch", 7]))
    onnx.save(source, tmp_path / "carried.onnx")
    held = facade.load(tmp_path / "carried.onnx")
    facade.save(held, tmp_path / "again.onnx")
    assert shapes(onnx.load(tmp_path / "again.onnx"))["z"] == ["batch", 7]
    assert facade.load(tmp_path / "again.onnx") == held


def test_a_weight_keeps_its_name_behind_what_has_none() -> None:
    program = facade.parse(
        "func @main(%x: f32[4]) -> (y: f32[4,2]) {\n"
        "  %1 = unsqueeze(%x) {axes = [1]} : f32[4,1]\n"
        "  %2 = reduce_mean(%1) {axes = [1]} : f32[4,1]\n"
        "  %c = const() {value = f32[1,2] [1.0, 2.0]} : f32[1,2]\n"
        "  %v_0 = add(%2, %c) : f32[4,2]\n"
        "  %y = relu(%v_0) : f32[4,2]\n"
        "  return %y\n"
        "}\n"
    )
    graph = checked(model_of(program)).graph
    (named,) = (tensor for tensor in graph.initializer if tensor.dims == [1, 2])
    others = {tensor.name for tensor in graph.initializer} - {"c"}
    assert (named.name, others) == ("c", {"c_0"})
    assert "v_0" in {name for node in graph.node for name in node.output}
