"""Parameters that ONNX operators read from inputs: constants become attributes, others make the op dynamic."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.onnx.graph import Graph
from optc.formats.onnx.node import Node
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.value import Value
from optc.ops.dynamic import Dynamic


def add_settled(node: Node, build: Callable[..., Dynamic], *fields: Any, **named: Any) -> tuple[Value, ...] | None:
    """Add the dynamic op `build(...)`, or its twin if all its parameters are constants; its results.

    None if the rank of the result is not known.
    """
    try:
        dynamic = build(*fields, **named)
    except OptcError as error:
        if error.slug == "unknown-rank":
            return None
        raise
    given = {}
    for name in dynamic.parameters:
        value = getattr(dynamic, name)
        if value is not None:
            made = node.defined.get(value)
            if not isinstance(made, Const):
                return node.all(dynamic)
            given[name] = made.value.array()
    return node.all(dynamic.settled(given) or dynamic)


def positive(axis: int, rank: int) -> int:
    """An axis that may count from the back, counted from the front; one out of range stays so, for the op to refuse."""
    return axis + rank if axis < 0 else axis


def given(node: Node, index: int) -> bool:
    """Whether input `index` is there and not the empty tensor with which old opsets left it out."""
    return node.has(index) and node.tensor(index).elements != 0


def integers(graph: Graph, values: Sequence[int]) -> str:
    """The name of an i64 vector."""
    return graph.constant(np.array(values, np.int64), DType.I64)


def wide(graph: Graph, value: Value | None) -> str:
    """The name of an index tensor as i64, the one integer type that most operators take parameters in."""
    if value is None or value.tensor.dtype is DType.I64:
        return graph.name(value)
    return graph.node("Cast", [graph.name(value)], to=DType.I64)
