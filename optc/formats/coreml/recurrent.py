"""LSTM layers in MIL.

MIL's gates are input, forget, output, cell (optc's: input, output, forget, cell), its states are [batch, directions *
hidden], and it has one bias where optc has two.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.ir.dtypes import Array
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.recurrent import Lstm
from optc.ops.shape import Reshape, Transpose
from optc.ops.slice import Slice

_GATES = (0, 2, 1, 3)
"""Where each gate of the one order is in the other; exchanging twice gives the first order again."""


def _regated(array: Array) -> Array:
    """Weights or biases [4 * hidden, ...] with their gates in the other order."""
    return np.concatenate([np.split(array, 4)[gate] for gate in _GATES])


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
    weights, recurrent, biases = [], [], []
    for back in backs:
        w, r, bias = (o.array(f"{name}{back}") for name in ("weight_ih", "weight_hh", "bias"))
        if w is None or r is None:
            raise OptcError("missing-input", "MIL operation lstm", "weights", "given")
        weights.append(_regated(w))
        recurrent.append(_regated(r))
        biases.append(np.zeros(2 * len(w)) if bias is None else np.concatenate([_regated(bias), np.zeros(len(w))]))
    hidden, many = recurrent[0].shape[-1], len(backs)
    made = [o.const(np.stack(arrays), x.tensor.dtype) for arrays in (weights, recurrent, biases)]
    states = [_apart(o, o.value(name), many, hidden) for name in ("initial_h", "initial_c")]
    op = Lstm(
        x, made[0], made[1], made[2], initial_hidden=states[0], initial_cell=states[1], direction=direction
    )  # fmt: skip
    o.add(op)
    steps = o.add(Reshape(o.add(Transpose(op.results[0], (0, 2, 1, 3))), (0, 0, -1)))
    if not o.flag("output_sequence", False):
        steps = o.add(Slice(steps, (-1,), (2**31 - 1,), (0,), (1,)))
    last = [o.add(Reshape(o.add(Transpose(v, (1, 0, 2))), (0, -1))) for v in op.results[1:]]
    return (steps, *last)


def _apart(o: Operation, state: Value, many: int, hidden: int) -> Value:
    """[batch, directions * hidden] as [directions, batch, hidden]."""
    split = o.add(Reshape(state, (0, many, hidden)))
    return o.add(Transpose(split, (1, 0, 2)))


IMPORTERS: Mapping[str, Importer] = {"lstm": _import_lstm}


def _export_lstm(op: Lstm, b: Body) -> None:
    if op.lengths is not None:
        raise OptcError("not-in-coreml", op.describe(), "lengths of sequences", "all the same", "an operand")
    arrays = []
    for value in (op.weight, op.recurrent_weight, op.bias):
        held = b.tensor(value)
        if value is not None and held is None:
            raise OptcError("not-in-coreml", op.describe(), "weights", "dense constants", hint="decompress them")
        arrays.append(None if held is None else held.array())
    steps, many, batch, hidden = op.results[0].tensor.shape
    many, hidden = int(str(many)), int(str(hidden))
    weight, recurrent, bias = arrays
    assert weight is not None  # they are required
    assert recurrent is not None
    given: dict[str, Any] = {}
    for d, back in zip(range(many), ("", "_back"), strict=False):
        given[f"weight_ih{back}"], given[f"weight_hh{back}"] = _regated(weight[d]), _regated(recurrent[d])
        if bias is not None:
            given[f"bias{back}"] = _regated(np.add(*np.split(bias[d], 2)))
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
