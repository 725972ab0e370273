"""Padding in MIL, which is said axis by axis."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.vectors import number_type, spread
from optc.ir.value import Value
from optc.ops import pad
from optc.ops.gather import Gather

_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}
_PAD_NAMES = {ours: theirs for theirs, ours in _PAD_MODES.items()}


def _import_pad(o: Operation) -> Imported:
    """MIL pads the last axes, axis by axis."""
    x, rank = o.value("x"), o.kind_of().rank
    mode = _PAD_MODES[o.text("mode", "constant")]
    fill = o.tensor("constant_val")
    value = None
    if mode == "constant" and fill is not None and fill.array().any():
        value = o.const(fill.array().reshape(()), x.tensor.dtype)
    if not o.is_constant("pad"):
        return _import_dynamic_pad(o, value, mode)
    given = o.integers("pad")
    lead = (0,) * (rank - len(given) // 2)
    return o.add(pad.Pad(x, (*lead, *given[::2], *lead, *given[1::2]), value, mode))


def _import_dynamic_pad(o: Operation, value: Value | None, mode: str) -> Imported:
    pads = o.value("pad")
    (count,) = pads.tensor.shape
    if not isinstance(count, int):
        return None
    rank, half = o.kind_of().rank, count // 2
    order = o.const(np.array([*range(0, count, 2), *range(1, count, 2)], np.int32))
    return o.add(pad.DynamicPad(o.value("x"), o.add(Gather(pads, order)), tuple(range(rank - half, rank)), value, mode))


IMPORTERS: Mapping[str, Importer] = {
    "pad": _import_pad,
}


def _export_pad(op: pad.Pad, b: Body) -> None:
    """Of all axes, but for modes that have at most two."""
    rank = op.x.tensor.rank
    befores, afters = op.pads[:rank], op.pads[rank:]
    if op.mode == "wrap" or min(op.pads, default=0) < 0:
        raise OptcError("not-in-coreml", op.describe(), "padding", "at least 0, and not of mode wrap", op.pads)
    first = next((i for i in range(rank) if befores[i] or afters[i]), rank - 1)
    if op.mode != "constant" and rank - first > 2:
        raise OptcError("not-in-coreml", op.describe(), f"axes padded in mode {op.mode}", "the last two", op.pads)
    start = 0 if op.mode == "constant" else min(first, max(0, rank - 2))
    pads = tuple(p for i in range(start, rank) for p in (befores[i], afters[i]))
    b.emit(op, "pad", x=op.x, pad=pads, mode=_PAD_NAMES[op.mode], constant_val=_filling(op, b))


def _export_dynamic_pad(op: pad.DynamicPad, b: Body) -> None:
    rank, count = op.x.tensor.rank, len(op.axes)
    pairs = {axis: (i, count + i) for i, axis in enumerate(op.axes)}
    places = tuple(p for axis in range(rank) for p in pairs.get(axis, (2 * count, 2 * count)))
    if op.mode == "wrap" or (op.mode != "constant" and min(op.axes, default=rank) < rank - 2):
        raise OptcError("not-in-coreml", op.describe(), "padding", "constant, or of the last two axes", op.mode)
    places = places if op.mode == "constant" else places[2 * (rank - 2) :]
    b.emit(
        op, "pad", x=op.x, pad=spread(op.pads, places, b), mode=_PAD_NAMES[op.mode], constant_val=_filling(op, b)
    )  # fmt: skip


def _filling(op: pad.Pad | pad.DynamicPad, b: Body) -> Any:
    """What a padding consists of."""
    if op.value is None:
        return np.zeros((), number_type(op.x.tensor.dtype))
    held = b.tensor(op.value)
    if held is None:
        raise OptcError("not-in-coreml", op.describe(), "value of the padding", "a constant")
    return held.array().reshape(()).astype(number_type(op.x.tensor.dtype))


EXPORTERS: Exporters = {
    pad.Pad: _export_pad,
    pad.DynamicPad: _export_dynamic_pad,
}
