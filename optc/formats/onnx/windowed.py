"""Attributes of ONNX operators whose window slides: how they pad, step and dilate."""

from typing import Any

from optc.formats.onnx.node import Node
from optc.ir.dims import Dim, is_static
from optc.ops.window import Window

_PAD_MODES = {"NOTSET": "explicit", "VALID": "valid", "SAME_UPPER": "same_upper", "SAME_LOWER": "same_lower"}
_AUTO_PADS = {mode: name for name, mode in _PAD_MODES.items()}


def import_window(node: Node) -> dict[str, Any] | None:
    """Strides, dilations, pads and pad mode of a node, defaults left empty; None for an unknown `auto_pad`."""
    mode = _PAD_MODES.get(node.get("auto_pad", "NOTSET") or "NOTSET")
    if mode is None:
        return None
    return {
        "strides": without_default(node.get("strides", ()), 1),
        "dilations": without_default(node.get("dilations", ()), 1),
        "pads": without_default(node.get("pads", ()), 0) if mode == "explicit" else (),
        "pad_mode": mode,
    }


def without_default(values: tuple[int, ...], default: int) -> tuple[int, ...]:
    """The values, or none if each of them is the default."""
    return () if all(value == default for value in values) else tuple(values)


def export_window(op: Any) -> dict[str, Any]:
    """The attributes that say what `op` says; those that are the default are left out (None)."""
    return {
        "strides": op.strides or None,
        "dilations": op.dilations or None,
        "pads": op.pads or None,
        "auto_pad": None if op.pad_mode == "explicit" else _AUTO_PADS[op.pad_mode],
    }


def export_input_window(op: Any, window: Window) -> dict[str, Any]:
    """`export_window` of an op whose window slides over its input.

    Where the window is dilated, or strides past elements, runtimes refuse `SAME_UPPER` and `SAME_LOWER` or differ
    about them: there the padding is written in numbers, if the spatial sizes are known.
    """
    found = export_window(op)
    spatial = op.x.tensor.shape[2:]
    unsound = any(d > 1 for d in window.dilations) or any(map(_less, window.extents, window.strides))
    if window.pad_mode.startswith("same") and unsound and is_static(spatial):
        begins, ends = zip(*window.padding(spatial), strict=True)
        found |= {"pads": (*begins, *ends), "auto_pad": None}
    return found


def _less(extent: Dim, stride: int) -> bool:
    return isinstance(extent, int) and extent < stride
