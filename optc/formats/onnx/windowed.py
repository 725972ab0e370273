"""Attributes of ONNX operators whose window slides: how they pad, step and dilate."""

from typing import Any

from optc.formats.onnx.node import Node
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


def export_window(op: Any, window: Window) -> dict[str, Any]:
    """The attributes that say what `op` says; those that are the default are left out (None).

    Runtimes refuse `auto_pad` beside dilations, so there the padding is written as numbers if it is known.
    """
    pads = op.pads
    mode = op.pad_mode
    spatial = op.x.tensor.shape[2:]
    if mode.startswith("same") and any(d > 1 for d in window.dilations) and all(isinstance(d, int) for d in spatial):
        padding = window.padding(spatial)
        pads, mode = (*(begin for begin, _ in padding), *(end for _, end in padding)), "explicit"
    return {
        "strides": op.strides or None,
        "dilations": op.dilations or None,
        "pads": pads or None,
        "auto_pad": None if mode == "explicit" else _AUTO_PADS[mode],
    }
