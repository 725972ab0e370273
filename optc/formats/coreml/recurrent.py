"""LSTM layers in MIL.

MIL's gates are input, forget, output, cell (optc's: input, output, forget, cell), its states are [batch, directions *
hidden], it has weights for each direction, and one bias where optc has two.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml import constexpr
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.domains import takes
from optc.formats.coreml.operation import Imported, Importer, Operation, UnmappedError
from optc.formats.coreml.targets import IOS17
from optc.formats.coreml.weight_rows import Rows, rows_of, stacked
from optc.ir.block import Block
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.liveness import result_uses, users
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.recurrent import Lstm
from optc.ops.shape import Reshape, Transpose
from optc.ops.slice import Slice
from optc.ops.weights import Weight

_GATES = (0, 2, 1, 3)
"""Where each gate of the one order is in the other; exchanging twice gives the first order again."""
_MOST_GROWTH = 1 << 10
"""How many times as large as what is stored of it a weight may be; there is no use for more."""


def _regated(count: int) -> Array:
    """The numbers of so many rows, those of all gates, in the other order."""
    return np.arange(count).reshape(4, -1)[list(_GATES)].reshape(-1)


def _import_lstm(o: Operation) -> Imported:
    direction = o.text("direction", "forward")
    backs = ("", "_back") if direction == "bidirectional" else ("",)
    functions = [
        o.text(f"{name}activation", default)
        for name, default in (("recurrent_", "sigmoid"), ("cell_", "tanh"), ("", "tanh"))
    ]
    if functions != ["sigmoid", "tanh", "tanh"] or any(o.has(n) for n in ("peephole", "peephole_back", "clip")):
        return None
    x = o.value("x")
    weight, recurrent = (_weight(o, [f"{name}{back}" for back in backs]) for name in ("weight_ih", "weight_hh"))
    rows = weight.tensor.static_shape[1]
    bias = _biases(o, [f"bias{back}" for back in backs], rows, x.tensor.dtype)
    many, hidden = len(backs), recurrent.tensor.static_shape[-1]
    states = [_apart(o, o.value(name), many, hidden) for name in ("initial_h", "initial_c")]
    op = Lstm(x, weight, recurrent, bias, initial_hidden=states[0], initial_cell=states[1], direction=direction)
    o.add(op)
    steps = o.add(Reshape(o.add(Transpose(op.results[0], (0, 2, 1, 3))), (0, 0, -1)))
    if not o.flag("output_sequence", False):
        steps = o.add(Slice(steps, (-1,), (2**31 - 1,), (0,), (1,)))
    last = [o.add(Reshape(o.add(Transpose(v, (1, 0, 2))), (0, -1))) for v in op.results[1:]]
    return (steps, *last)


def _weight(o: Operation, names: Sequence[str]) -> Value:
    """The weight of all directions, of which each has an argument of this name.

    It is compressed as those are, if they are of one form, and dense otherwise.
    """
    given = [_given(o, name) for name in names]
    try:
        made = _joined(given)
    except OptcError:  # there is no such form
        made = None
    made = made or _joined([_dense(weight) for weight in given])
    if made is None:
        shapes = " and ".join(str(weight.value.tensor) for weight in given)
        raise OptcError("lstm-weights", "MIL operation lstm", "weights of both directions", "of one shape", shapes)
    for op in made.chain:
        o.builder.append(op)
    return made.value


def _given(o: Operation, name: str) -> Weight:
    """The weight that an argument is.

    Raises:
        UnmappedError: it is not made of constants, or a small file asks for a huge one.
    """
    weight = o.weight(name)
    if weight.dense_bytes > _MOST_GROWTH * max(1, weight.stored_bytes):
        raise UnmappedError
    return weight


def _joined(directions: Sequence[Weight]) -> Weight | None:
    """One weight of weights for each direction; None if they differ in form."""
    counts = [weight.value.tensor.static_shape[0] for weight in directions]
    made = [rows_of(weight, Rows(_regated(n), n)) for weight, n in zip(directions, counts, strict=True)]
    return made[0] if len(made) == 1 else stacked(*made)


def _dense(weight: Weight) -> Weight:
    op = Const(Tensor.of(weight.expanded(), weight.value.tensor.dtype)).named(weight.name)
    return Weight(weight.name, op.result, (op,), ())


def _biases(o: Operation, names: Sequence[str], rows: int, dtype: DType) -> Value:
    """The biases of all directions, of which each has an argument of this name, or none: those, and 0."""
    given = [_given(o, name) if o.has(name) else None for name in names]
    none = np.zeros(rows)
    first = [none if weight is None else (dense := weight.expanded())[_regated(len(dense))] for weight in given]
    name = next((weight.name for weight in given if weight is not None), "")
    return o.builder.const(np.stack([np.concatenate([array, none]) for array in first]), name, dtype)


def _apart(o: Operation, state: Value, many: int, hidden: int) -> Value:
    """[batch, directions * hidden] as [directions, batch, hidden]."""
    split = o.add(Reshape(state, (0, many, hidden)))
    return o.add(Transpose(split, (1, 0, 2)))


IMPORTERS: Mapping[str, Importer] = {"lstm": _import_lstm}


def _export_lstm(op: Lstm, b: Body) -> None:
    if op.lengths is not None:
        raise OptcError("not-in-coreml", op.describe(), "lengths of sequences", "all the same", "an operand")
    steps, many, batch, hidden = op.results[0].tensor.shape
    many, hidden = int(str(many)), int(str(hidden))
    bias = None if op.bias is None else _constant(op, op.bias, b)
    given: dict[str, Any] = {}
    for d, back in zip(range(many), ("", "_back"), strict=False):
        for name, value in (("weight_ih", op.weight), ("weight_hh", op.recurrent_weight)):
            given[f"{name}{back}"] = _of_direction(op, value, d, b)
        if bias is not None:
            both = np.add(*np.split(bias.expanded()[d], 2))[_regated(4 * hidden)]
            given[f"bias{back}"] = b.constant(both, f"{bias.name}{back}")
    kind = op.x.tensor
    state = kind.with_shape((batch, many * hidden))
    initial = [_together(v, op, state, b) for v in (op.initial_hidden, op.initial_cell)]
    outputs = Value(kind.with_shape((steps, batch, many * hidden))), Value(state), Value(state)
    b.add(
        "lstm", outputs, x=op.x, initial_h=initial[0], initial_c=initial[1], direction=op.direction,
        output_sequence=True, **given,
    )  # fmt: skip
    _split(outputs[0], op.results[0], (0, 2, 1, 3), b)
    for value, result in zip(outputs[1:], op.results[1:], strict=True):
        _split(value, result, (1, 0, 2), b)


def _constant(op: Lstm, value: Value, b: Body) -> Weight:
    weight = b.weight(value)
    if weight is None:
        raise OptcError("not-in-coreml", op.describe(), f"weight %{value.name}", "a constant")
    return weight


def _of_direction(op: Lstm, value: Value, direction: int, b: Body) -> Value:
    """The weight of one direction, compressed as that of all is.

    Raises:
        OptcError: slug `not-in-coreml`: the form has none for gates in another order, or none that is small;
            `target-too-old`: the layer takes no such element type as it is.
    """
    whole, (directions, rows, _) = _constant(op, value, b), value.tensor.static_shape
    made = rows_of(whole, Rows(_regated(rows), rows, direction, directions), "_back" if direction else "")
    if whole.scheme == "dense":
        (const,) = made.constants
        b.hold(made.value, const)
        return made.value
    if made.stored_bytes > max(whole.stored_bytes, made.dense_bytes):
        raise OptcError(
            "not-in-coreml", op.describe(), f"groups of rows of %{value.name}", "of one gate each",
            hint=f"choose sizes of groups and blocks that divide {rows // 4}",
        )  # fmt: skip
    if not takes("lstm", b.target, value.tensor.dtype):
        b.require(IOS17, f"{op.describe()}: compressed weights of {value.tensor.dtype}")
    for part in made.chain:
        if isinstance(part, Const):
            b.hold(part.result, part.value)
        else:
            constexpr.EXPORTERS[type(part)](part, b)
    return made.value


def rewritten(block: Block) -> set[Value]:
    """What compressed weights are made of that only layers use which write them in a form of their own."""
    uses, kept = users(block), result_uses(block)
    found: set[Value] = set()
    for op in reversed(block.ops):
        by = [(value, user) for value in op.results for user in uses.get(value, ())]
        only = by and all(_rewrites(user, value) or found & set(user.results) for value, user in by)
        if op.constant and only and not kept & set(op.results):
            found.update(op.results)
    return found


def _rewrites(op: Op, value: Value) -> bool:
    if not isinstance(op, Lstm):
        return False
    others = (op.x, op.initial_hidden, op.initial_cell, op.lengths)
    return value not in others


def _split(value: Value, result: Value, perm: tuple[int, ...], b: Body) -> None:
    """Add what cuts the last axis of a value into directions, and brings them to their place, as `perm` says."""
    apart = result.tensor.with_shape(tuple(result.tensor.shape[i] for i in np.argsort(perm)))
    if apart.shape[-2] == 1:
        b.add("expand_dims", (result,), x=value, axes=(result.tensor.rank - 3,))
        return
    b.add("transpose", (result,), x=b.make("reshape", apart, x=value, shape=_sizes(apart)), perm=perm)


def _together(value: Value | None, op: Lstm, state: TensorType, b: Body) -> Value:
    """[directions, batch, hidden] as [batch, directions * hidden]; zeros, if there is none."""
    if value is None:
        if not state.is_static:
            raise OptcError("not-in-coreml", op.describe(), "initial state of a batch of unknown size", "given")
        return b.constant(np.zeros(state.static_shape, state.dtype.numpy), "zeros")
    many, batch, hidden = value.tensor.shape
    if many == 1:
        return b.make("squeeze", state, x=value, axes=(0,))
    turned = b.make("transpose", value.tensor.with_shape((batch, many, hidden)), x=value, perm=(1, 0, 2))
    return b.make("reshape", state, x=turned, shape=_sizes(state))


def _sizes(kind: TensorType) -> tuple[int, ...]:
    """The shape to reshape to, of which one size may be unknown.

    Raises:
        OptcError: slug `not-in-coreml`.
    """
    sizes = tuple(d if isinstance(d, int) else -1 for d in kind.shape)
    if sizes.count(-1) > 1:
        raise OptcError(
            "not-in-coreml", "op lstm", "shape of states of both directions", "known but for one size", kind
        )
    return sizes


EXPORTERS: Exporters = {Lstm: _export_lstm}
