"""Nodes that are computed in float32 where the element type is a 16-bit float, and rounded once.

For operators that do not take every 16-bit float, and for results that several nodes compute together.
"""

from collections.abc import Sequence
from typing import Any

from optc.formats.onnx.graph import Graph
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.value import Value

NARROW = (DType.F16, DType.BF16)


def wide(graph: Graph, value: Value | None) -> str:
    """The name of the value, in float32 where it is a 16-bit float."""
    if value is None or value.tensor.dtype not in NARROW:
        return graph.name(value)
    return graph.node("Cast", [graph.name(value)], to=DType.F32)


def emit_wide(op: Op, graph: Graph, op_type: str, inputs: Sequence[str], **attributes: Any) -> None:
    """Add the node that computes the results of `op` from wide inputs, rounding 16-bit results."""
    dtype = op.results[0].tensor.dtype
    if dtype not in NARROW:
        graph.emit(op, op_type, inputs, **attributes)
        return
    graph.node(op_type, inputs, len(op.results), **attributes)
    for name, value in zip(tuple(graph.nodes[-1].output), op.results, strict=True):
        graph.node("Cast", [name], [graph.define(value)], to=dtype)
