"""Control flow and states in MIL.

`while_loop` has a block for the condition and one for the body, both of which take what is carried; optc's loop has one
body, which is given the number of the iteration and the condition too.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.targets import IOS18
from optc.ir.block import Block
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.control import Cond, WhileLoop
from optc.ops.state import StateRead, StateWrite

_ITERATION, _TRUTH = TensorType(DType.I64), TensorType(DType.BOOL)


def _import_cond(o: Operation) -> Imported:
    condition, blocks = o.value("pred"), []
    for proto in o.blocks:
        builder = Builder()
        blocks.append(builder.block(*o.read_into(proto, (), builder)))
    op = Cond(condition, *blocks)
    o.add(op)
    return op.results


def _import_while(o: Operation) -> Imported:
    """The condition is worked out before the loop, and at the end of its body."""
    initial = o.values("loop_vars")
    condition, body = o.blocks
    (first,) = o.read_into(condition, initial, o.builder)
    builder = Builder()
    params = [builder.param(kind) for kind in (_ITERATION, _TRUTH, *(v.type for v in initial))]
    results = o.read_into(body, params[2:], builder)
    (again,) = o.read_into(condition, results, builder)
    op = WhileLoop(builder.block(again, *results), None, first, initial)
    o.add(op)
    return op.results


def _import_write(o: Operation) -> Imported:
    o.builder.append(StateWrite(o.value("input"), o.value("data")))
    return ()


IMPORTERS: Mapping[str, Importer] = {
    "cond": _import_cond,
    "while_loop": _import_while,
    "read_state": lambda o: o.add(StateRead(o.value("input"))),
    "write_state": _import_write,
}


def _export_cond(op: Cond, b: Body) -> None:
    blocks = tuple(b.nested((), partial(_computed, block)) for block in (op.then, op.else_))
    b.add("cond", op.results, blocks, pred=op.condition)


def _computed(block: Block, inner: Body) -> Sequence[Value]:
    """The results of a block; those that it does not compute pass through an operation."""
    results = []
    own = {v for op in block.ops for v in op.results}
    for value in inner.inline(block):
        kept = value in own and not inner.is_constant(value)
        results.append(value if kept else inner.make("identity", value.tensor, x=value))
    return results


def _export_while(op: WhileLoop, b: Body) -> None:
    """What is carried begins with the number of the iteration and the condition."""
    if len(op.results) > len(op.initial):
        raise OptcError("not-in-coreml", op.describe(), "results of a loop", "carried values", "scanned ones")
    started = b.constant(np.int32(0), "iteration")
    going = op.condition if op.condition is not None else b.constant(np.array(True), "going")
    carried = (started, going, *op.initial)
    tested = tuple(Value(v.type, v.name) for v in carried)

    def condition(inner: Body) -> Sequence[Value]:
        if op.trip_count is None:
            return [inner.make("identity", _TRUTH, x=tested[1])]
        more = inner.make("less", _TRUTH, x=tested[0], y=op.trip_count)
        return [inner.make("logical_and", _TRUTH, x=tested[1], y=more)]

    def body(inner: Body) -> Sequence[Value]:
        results = _computed(op.body, inner)
        return [inner.make("add", _ITERATION, x=op.body.params[0], y=np.int32(1)), *results]

    blocks = b.nested(tested, condition), b.nested(op.body.params, body)
    kept = tuple(Value(v.type) for v in carried[:2])
    b.add("while_loop", (*kept, *op.results), blocks, loop_vars=carried)


def _export_read(op: StateRead, b: Body) -> None:
    b.require(IOS18, op.describe())
    b.emit(op, "read_state", input=op.state)


def _export_write(op: StateWrite, b: Body) -> None:
    b.require(IOS18, op.describe())
    b.emit(op, "write_state", input=op.state, data=op.value)


EXPORTERS: Exporters = {
    Cond: _export_cond,
    WhileLoop: _export_while,
    StateRead: _export_read,
    StateWrite: _export_write,
}
