"""Conversion between element types in ONNX."""

from collections.abc import Mapping

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.tensors import dtype_of
from optc.ir.dtypes import FLOAT8S, DType
from optc.ops.cast import Cast


def _cast(n: Node, to: DType) -> Imported:
    """Casts to and from strings are not in the catalog."""
    return None if to is DType.STR else n.add(Cast(n.input(0), to, bool(n.get("saturate", 1))))


def _export_cast(op: Cast, g: Graph) -> None:
    """ONNX gives `saturate` a meaning for 8-bit floats only."""
    g.emit(op, "Cast", [op.x], to=op.to, saturate=op.saturate if op.to in FLOAT8S else None)


IMPORTERS: Mapping[str, Importer] = {
    "Cast": lambda n: _cast(n, dtype_of(n.get("to", 0), "attribute to")),
    "CastLike": lambda n: _cast(n, n.tensor(1).dtype),
}
EXPORTERS: Exporters = {Cast: _export_cast}
