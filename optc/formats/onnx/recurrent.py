"""LSTM and GRU in ONNX, with the default activations; other variants are carried as they are."""

from collections.abc import Mapping
from typing import Any

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.widened import emit_wide, wide
from optc.ops.recurrent import Gru, Lstm, Recurrent


def _plain(n: Node, activations: tuple[str, ...]) -> bool:
    """Whether the node is of the form that the ops have."""
    named = [str(name).lower() for name in n.get("activations", ())]
    directions = 2 if n.get("direction", "forward") == "bidirectional" else 1
    if named not in ([], list(activations * directions)):
        return False
    if n.get("clip", 0.0) or n.get("input_forget", 0) or n.get("layout", 0):
        return False
    size = n.tensor(2).shape[-1:]
    return len(size) == 1 and isinstance(size[0], int)


def _fields(n: Node) -> dict[str, Any]:
    """What both layers have in common; ONNX has it in the order of the declaration."""
    given = [*(n.input(i) for i in range(3)), *(n.optional(i) for i in range(3, 6))]
    names = [field.name for field in Recurrent.spec.operands]
    return dict(zip(names, given, strict=True)) | {"direction": n.get("direction", "forward")}


def import_lstm(n: Node) -> Imported:
    """All but peepholes."""
    if n.has(7) or not _plain(n, ("sigmoid", "tanh", "tanh")):
        return None
    return n.all(Lstm(**_fields(n), initial_cell=n.optional(6)))


def import_gru(n: Node) -> Imported:
    """Both places of the reset gate."""
    if not _plain(n, ("sigmoid", "tanh")):
        return None
    return n.all(Gru(**_fields(n), linear_before_reset=bool(n.get("linear_before_reset", 0))))


def _inputs(op: Recurrent, g: Graph) -> list[str]:
    floats = [wide(g, v) for v in (op.x, op.weight, op.recurrent_weight, op.bias)]
    return [*floats, g.name(op.lengths), wide(g, op.initial_hidden)]


def export_lstm(op: Lstm, g: Graph) -> None:
    """In float32 for 16-bit floats: opset 21 has no bfloat16 form."""
    inputs = [*_inputs(op, g), wide(g, op.initial_cell)]
    emit_wide(op, g, "LSTM", inputs, hidden_size=op.hidden_size, direction=op.direction)


def export_gru(op: Gru, g: Graph) -> None:
    """In float32 for 16-bit floats: opset 21 has no bfloat16 form."""
    attributes = {"hidden_size": op.hidden_size, "direction": op.direction}
    emit_wide(op, g, "GRU", _inputs(op, g), linear_before_reset=op.linear_before_reset, **attributes)


IMPORTERS: Mapping[str, Importer] = {"LSTM": import_lstm, "GRU": import_gru}
EXPORTERS: Exporters = {Lstm: export_lstm, Gru: export_gru}
