"""Operators that the catalog lacks are carried through ONNX with all that they have."""

from pathlib import Path

import attrs
import onnx
import pytest
from onnx import TensorProto, helper

from optc.driver.facade import load, save
from optc.errors import OptcError
from optc.ir.opaque import Opaque
from optc.ir.types import TensorType, UnknownType


def written(tmp_path: Path, *nodes: onnx.NodeProto, declared: bool = True) -> Path:
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 3]) for n in ("x", "y")]
    if not declared:
        ends[1] = onnx.ValueInfoProto(name="y")
    graph = helper.make_graph(list(nodes), "g", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("acme", 3)]
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())
    return path


def test_attributes_of_every_kind_and_empty_lists_come_back(tmp_path: Path) -> None:
    node = helper.make_node(
        "Odd", ["", "x"], ["y"], name="mine", domain="acme", number=3, share=0.5, text="t", many=[1, 2],
        shares=[0.5, 2.0], texts=["a", "b"], odd=b"\xce\xff",
    )  # fmt: skip
    node.attribute.append(helper.make_attribute("none", [], attr_type=onnx.AttributeProto.INTS))
    program = load(written(tmp_path, node))
    save(program, tmp_path / "again.onnx")
    assert load(tmp_path / "again.onnx") == program
    (again,) = onnx.load(tmp_path / "again.onnx").graph.node
    assert (again.name, again.domain, list(again.output)) == ("mine", "acme", ["y"])
    assert {a.name: helper.get_attribute_value(a) for a in again.attribute} == {
        a.name: helper.get_attribute_value(a) for a in node.attribute
    }


def test_types_that_only_onnx_knows_are_asked_of_it(tmp_path: Path) -> None:
    """What a known operator computes behind a carried one is known as well."""
    odd = helper.make_node("Hardmax", ["x"], ["h"], axis=1)
    program = load(written(tmp_path, odd, helper.make_node("Relu", ["h"], ["y"]), declared=False))
    first, second = program.main.body.ops
    if isinstance(first, Opaque):
        assert isinstance(first.results[0].type, TensorType)
    assert second.name == "relu"


def test_a_model_that_makes_onnx_itself_fail_is_read_all_the_same(tmp_path: Path) -> None:
    """ONNX's inference aborts at more outputs than an operator says that it has."""
    split = helper.make_node("Split", ["x"], ["a", "b", "c"], axis=0, num_outputs=1)
    odd = helper.make_node("Odd", ["x"], ["y"], domain="acme")
    try:
        program = load(written(tmp_path, odd, split, declared=False))
    except OptcError as error:
        assert error.slug  # noqa: PT017  (either is fine; the process lives)
    else:
        carried = next(op for op in program.walk() if isinstance(op, Opaque))
        assert isinstance(carried.results[0].type, UnknownType)


def test_functions_that_do_not_go_with_the_model_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, helper.make_node("Mine", ["x"], ["y"], domain="acme"))
    model = onnx.load(path)
    body = [helper.make_node("Relu", ["a"], ["b"])]
    made = helper.make_function("acme", "Mine", ["a"], ["b"], body, [helper.make_opsetid("", 11)])
    model.functions.extend([made, made])
    path.write_bytes(model.SerializeToString())
    with pytest.raises(OptcError) as caught:
        load(path)
    assert caught.value.slug == "onnx-functions"


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, helper.make_node("Relu", ["x"], ["y"], name="layer"))
    path.write_bytes(path.read_bytes().replace(b"layer", b"\xff\xfe\xfdyz"))
    with pytest.raises(OptcError) as caught:
        load(path)
    assert caught.value.slug == "not-utf8"


def test_a_program_of_several_functions_is_refused_rather_than_cut(tmp_path: Path) -> None:
    program = load(written(tmp_path, helper.make_node("Relu", ["x"], ["y"])))
    other = attrs.evolve(program.main, name="other")
    with pytest.raises(OptcError, match="functions must be one, as an ONNX model has one graph"):
        save(attrs.evolve(program, functions=(program.main, other)), tmp_path / "both.onnx")
