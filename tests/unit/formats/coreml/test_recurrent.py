"""Recurrent layers in packages: the order of gates, one weight for each direction, and what has no form there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from optc.errors import OptcError
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.proto.model_pb2 import Model
from optc.formats.coreml.reader import read_coreml
from optc.formats.coreml.values import value_message
from optc.formats.coreml.writer import model_of, write_coreml
from optc.formats.interface import restored
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import Array, DType
from optc.ir.interpreter import interpret
from optc.ir.opaque import Opaque
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.constexpr import LutToDense, ShiftScale, SparseShiftScale, SparseToDense
from optc.ops.elementwise import Add
from optc.ops.recurrent import Lstm
from optc.ops.weights import weights_of
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from tests.recurrent_layers import OPEN, compressed, layer, layer_of, matrices_of

INT8 = (Quantize(**OPEN),)


def one_unit(weight: Callable[[Builder], Value], dtype: DType = DType.F32, inputs: int = 1) -> Program:
    """A layer of one hidden unit, whose weight `weight(builder)` makes: [1, 4, inputs]."""
    b = Builder()
    x = b.param(TensorType(dtype, (2, 1, inputs)), "x")
    op = Lstm(x, weight(b), b.const(np.zeros((1, 4, 1), dtype.numpy), "r"))
    b.append(op)
    return b.program(y=op.results[0])


def codes(b: Builder) -> Value:
    """Gates, in the order of the catalog, are 10, 40, 90, 160."""
    data = b.const(np.array([1, 2, 3, 4], np.int8).reshape(1, 4, 1), "w.data", DType.I8)
    scale = b.const(np.array([10, 20, 30, 40], np.float32).reshape(1, 4, 1), "w.scale")
    return b.add(ShiftScale(data, scale), "w")


def operations(model: Model) -> dict[str, mil.Operation]:
    """The operations of the program by the names of their first outputs."""
    (block,) = model.ml_program.functions["main"].block_specializations.values()
    return {operation.outputs[0].name: operation for operation in block.operations}


def argument(found: dict[str, mil.Operation], operation: mil.Operation, name: str) -> mil.Operation:
    return found[operation.inputs[name].arguments[0].name]


def lstm_in(found: dict[str, mil.Operation]) -> mil.Operation:
    (layer,) = (operation for operation in found.values() if operation.type == "lstm")
    return layer


def floats(constant: mil.Operation) -> list[float]:
    return list(constant.attributes["val"].immediate.tensor.floats.values)


def test_the_gates_of_a_weight_are_in_the_order_of_core_ml() -> None:
    values = np.array([10, 40, 90, 160], np.float32).reshape(1, 4, 1)
    found = operations(model_of(one_unit(lambda b: b.const(values, "w")))[0])
    assert floats(argument(found, lstm_in(found), "weight_ih")) == [10, 90, 40, 160]


def test_codes_and_their_scales_are_in_the_order_of_the_gates() -> None:
    found = operations(model_of(one_unit(codes), "ios18")[0])
    weight = argument(found, lstm_in(found), "weight_ih")
    assert weight.type == "constexpr_blockwise_shift_scale"
    assert floats(argument(found, weight, "scale")) == [10, 30, 20, 40]
    data = argument(found, weight, "data").attributes["val"].immediate.tensor.bytes.values
    assert list(np.frombuffer(data, np.int8)) == [1, 3, 2, 4]


def test_scales_of_two_gates_are_repeated_where_these_part() -> None:
    def weight(b: Builder) -> Value:
        data = b.const(np.zeros((1, 4, 4), np.int8), "w.data", DType.I8)
        return b.add(ShiftScale(data, b.const(np.array([1, 2], np.float32).reshape(1, 2, 1), "w.scale")), "w")

    found = operations(model_of(one_unit(weight, inputs=4), "ios18")[0])
    scale = argument(found, argument(found, lstm_in(found), "weight_ih"), "scale")
    assert floats(scale) == [1, 2, 1, 2]


@pytest.mark.parametrize(("direction", "count"), [("forward", 2), ("bidirectional", 4)])
def test_only_the_form_that_the_layer_uses_is_written(direction: str, count: int) -> None:
    model, _ = model_of(compressed(layer(direction, DType.F32), INT8), "ios18")
    kinds = [operation.type for operation in operations(model).values()]
    assert sum(kind.startswith("constexpr") for kind in kinds) == count


def test_a_weight_that_other_ops_use_too_is_written_for_these_as_it_is(tmp_path: Path) -> None:
    program = one_unit(codes)
    op = layer_of(program)
    b = Builder()
    b.params, b.ops = list(program.main.body.params), list(program.main.body.ops)
    program = b.program(y=op.results[0], z=b.add(Add(op.weight, op.weight)))
    write_coreml(program, tmp_path / "m.mlpackage", "ios18")
    back = read_coreml(tmp_path / "m.mlpackage")
    dense = np.array([10, 40, 90, 160], np.float32).reshape(1, 4, 1)
    found = {weight.consumers[0].name: weight for weight in weights_of(back) if weight.scheme == "quantized"}
    assert {name: weight.expanded().tolist() for name, weight in found.items()} == {
        "lstm": dense.tolist(), "add": dense.tolist(),
    }  # fmt: skip


def test_a_weight_that_is_an_output_too_or_the_input_of_its_layer_is_written_as_it_is(tmp_path: Path) -> None:
    program = one_unit(codes)
    op = layer_of(program)
    b = Builder()
    b.params, b.ops = list(program.main.body.params), list(program.main.body.ops[:-1])
    b.append(own := Lstm(op.weight, op.weight, op.recurrent_weight))
    b.append(other := Lstm(op.x, weight := codes(b), op.recurrent_weight))
    program = b.program(y=own.results[0], z=other.results[0], w=weight)
    write_coreml(program, tmp_path / "m.mlpackage", "ios18")
    inputs = {"x": np.array([0.5, 0.25], np.float32).reshape(2, 1, 1)}
    before, after = (interpret(made, inputs) for made in (program, restored(read_coreml(tmp_path / "m.mlpackage"))))
    assert {name: array.tolist() for name, array in before.items()} == {
        name: array.tolist() for name, array in after.items()
    }


def test_nothing_is_read_that_nothing_uses(tmp_path: Path) -> None:
    write_coreml(compressed(layer("bidirectional", DType.F32), INT8), tmp_path / "m.mlpackage", "ios18")
    back = read_coreml(tmp_path / "m.mlpackage")
    used = {value for op in back.walk() for value in op.operands}
    assert all(used & set(op.results) for op in back.walk() if op.constant)


def test_names_of_weights_and_biases_survive(tmp_path: Path) -> None:
    program = compressed(layer("bidirectional", DType.F32), INT8)
    write_coreml(program, tmp_path / "m.mlpackage", "ios18")
    back = layer_of(read_coreml(tmp_path / "m.mlpackage"))
    assert back.bias is not None
    assert [back.weight.name, back.recurrent_weight.name, back.bias.name] == ["w", "r", "b"]


def test_vectors_that_lie_in_two_gates_are_refused_by_name() -> None:
    program = compressed(layer("forward", DType.F32, hidden=3), (Palettize(bits=1, cluster_dim=2, **OPEN),))
    with pytest.raises(OptcError, match=r"op %w = .*vectors of a palette must be each of one gate") as refused:
        model_of(program, "ios18")
    assert refused.value.slug == "not-in-coreml"
    assert "divides the hidden size" in refused.value.hint


def test_groups_whose_parts_would_take_more_than_the_weight_are_refused_by_name() -> None:
    program = compressed(layer("forward", DType.F32, hidden=5), (Palettize(bits=4, group_size=4, **OPEN),))
    with pytest.raises(OptcError, match=r"groups of rows of %w must be of one gate each.*that divide 5") as refused:
        model_of(program, "ios18")
    assert refused.value.slug == "not-in-coreml"


def test_a_sparse_weight_whose_values_have_a_scale_for_them_alone_is_refused_by_name() -> None:
    def weight(b: Builder) -> Value:
        mask = b.const(np.ones((1, 4, 1), np.uint8), "w.mask", DType.U1)
        data = b.const(np.arange(4, dtype=np.int8), "w.data", DType.I8)
        return b.add(SparseToDense(mask, b.add(ShiftScale(data, b.const(np.ones(1, np.float32))), "w.values")), "w")

    with pytest.raises(OptcError, match=r"op %w.values .*of a form that can be cut into gates.*decompress"):
        model_of(one_unit(weight), "ios18")


def test_a_sparse_weight_whose_values_were_scaled_for_other_places_is_refused_by_name() -> None:
    def weight(b: Builder) -> Value:
        kept = np.array([[1, 1, 0, 0], [0, 1, 0, 1]], np.uint8).reshape(2, 1, 4, 1)
        masks = [b.const(bits, "", DType.U1) for bits in kept]
        data = b.const(np.array([1, 2], np.int8), "w.data", DType.I8)
        b.append(op := SparseShiftScale(masks[0], data, b.const(np.ones((1, 4, 1), np.float32))))
        return b.add(SparseToDense(masks[1], op.results[1]), "w")

    with pytest.raises(OptcError, match=r"of a form that can be cut into gates.*decompress"):
        model_of(one_unit(weight), "ios18")


def test_compressed_weights_of_float16_need_the_target_whose_layers_take_float16() -> None:
    program = compressed(layer("forward", DType.F16), INT8)
    with pytest.raises(OptcError) as refused:
        model_of(program, "ios16")
    assert (refused.value.slug, refused.value.hint) == ("target-too-old", "use --target ios17")
    assert model_of(program)[0].specification_version == model_of(program, "ios17")[0].specification_version


def test_directions_of_two_forms_are_read_dense(tmp_path: Path) -> None:
    program = compressed(layer("bidirectional", DType.F32), INT8)
    package = tmp_path / "m.mlpackage"
    write_coreml(program, package, "ios18")
    file = package / "Data/com.apple.CoreML/model.mlmodel"
    model = Model.FromString(file.read_bytes())
    given = lstm_in(operations(model)).inputs["weight_ih_back"].arguments[0]
    other: Array = np.arange(24 * 8, dtype=np.float32).reshape(24, 8)
    given.value.CopyFrom(value_message(Tensor.of(other)))
    file.write_bytes(model.SerializeToString())
    before, after = matrices_of(program)[0], matrices_of(read_coreml(package))[0]
    assert after.scheme == "dense"
    rows = np.arange(24).reshape(4, 6)[[0, 2, 1, 3]].reshape(-1)
    assert after.expanded().tolist() == [before.expanded()[0].tolist(), other[rows].tolist()]


def test_a_small_file_that_asks_for_a_huge_weight_is_carried(tmp_path: Path) -> None:
    def weight(b: Builder) -> Value:
        indices = b.const(np.zeros((1, 4, 4096), np.uint8), "w.indices", DType.U1)
        return b.add(LutToDense(indices, b.const(np.zeros((1, 1, 1, 2, 4096), np.float32), "w.lut"), 2), "w")

    write_coreml(one_unit(weight, inputs=4096 * 4096), tmp_path / "m.mlpackage", "ios18")
    assert [op.operator for op in read_coreml(tmp_path / "m.mlpackage").walk() if isinstance(op, Opaque)] == [
        "mil:lstm@ios18"
    ]
