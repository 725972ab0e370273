"""Elementwise arithmetic in ONNX: operators that map one to one."""

from collections.abc import Callable, Mapping

from optc.formats.onnx.graph import Exporter, Exporters
from optc.formats.onnx.node import Importer
from optc.ir.op import Op
from optc.ops import elementwise as e


def one_to_one_importer(op: type[Op]) -> Importer:
    """All inputs are operands, in order; no attributes."""
    build: Callable[..., Op] = op
    return lambda n: n.add(build(*(n.input(i) for i in range(len(n.inputs)))))


def one_to_one_exporter(op_type: str) -> Exporter:
    """All operands are inputs, in order; no attributes."""
    return lambda op, g: g.emit(op, op_type, op.operands)


ONE_TO_ONE: Mapping[str, type[Op]] = {
    "Add": e.Add,
    "Sub": e.Sub,
    "Mul": e.Mul,
    "Div": e.Div,
    "Exp": e.Exp,
    "Neg": e.Neg,
}
IMPORTERS: Mapping[str, Importer] = {name: one_to_one_importer(op) for name, op in ONE_TO_ONE.items()}
EXPORTERS: Exporters = {op: one_to_one_exporter(name) for name, op in ONE_TO_ONE.items()}
