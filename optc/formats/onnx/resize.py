"""Resizing, and the rearrangements between channels and plane, in ONNX."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.parameters import add_settled, given, integers, positive, wide
from optc.ir.dtypes import FLOATS
from optc.ops.resample import POSITIONS, ROUNDINGS
from optc.ops.resize import MODES, DynamicResize, Resize
from optc.ops.space import DepthToSpace, SpaceToDepth


def _resize(n: Node) -> Imported:
    """Regions of interest, antialiasing and kept aspect ratios have no op."""
    rank = n.tensor(0).rank
    mode, coordinates = n.get("mode", "nearest"), n.get("coordinate_transformation_mode", "half_pixel")
    rounding = n.get("nearest_mode", "round_prefer_floor")
    known = mode in MODES and coordinates in POSITIONS and rounding in ROUNDINGS
    plain = not n.get("antialias", 0) and n.get("keep_aspect_ratio_policy", "stretch") == "stretch"
    if not known or not plain or (mode != "nearest" and n.tensor(0).dtype not in FLOATS):
        return None
    axes = tuple(positive(i, rank) for i in n.get("axes", range(rank)))
    sizes = n.optional(3) if given(n, 3) else None
    scales = n.optional(2) if given(n, 2) and sizes is None else None
    return add_settled(
        n, DynamicResize, n.input(0), axes, sizes, scales, mode, coordinates, rounding,
        float(n.get("cubic_coeff_a", -0.75)), bool(n.get("exclude_outside", 0)),
    )  # fmt: skip


def _upsample(n: Node) -> Imported:
    """The operator that Resize replaced: places are divided by the scale, and rounded down."""
    mode = n.get("mode", "nearest")
    if mode not in ("nearest", "linear") or (mode == "linear" and n.tensor(0).dtype not in FLOATS):
        return None
    axes = tuple(range(n.tensor(0).rank))
    return add_settled(n, DynamicResize, n.input(0), axes, None, n.input(1), mode, "asymmetric", "floor")


IMPORTERS: Mapping[str, Importer] = {
    "Resize": _resize,
    "Upsample": _upsample,
    "DepthToSpace": lambda n: n.add(DepthToSpace(n.input(0), n.get("blocksize", 0), n.get("mode", "DCR"))),
    "SpaceToDepth": lambda n: n.add(SpaceToDepth(n.input(0), n.get("blocksize", 0))),
}


def _attributes(op: Resize | DynamicResize) -> dict[str, Any]:
    return {
        "mode": op.mode,
        "coordinate_transformation_mode": op.coordinates,
        "nearest_mode": op.rounding if op.mode == "nearest" else None,
        "cubic_coeff_a": op.cubic_coeff_a if op.mode == "cubic" else None,
        "exclude_outside": op.exclude_outside if op.mode == "cubic" else None,
    }


def _export_resize(op: Resize, g: Graph) -> None:
    """Runtimes support sizes and scales of all axes best; `axes` is written only where a size is not known."""
    own: list[Any] = list(op.x.tensor.shape)
    if not op.axes:
        g.emit(op, "Identity", [op.x])
    elif op.scales:
        scales = np.ones(len(own), np.float32)
        scales[list(op.axes)] = op.scales
        g.emit(op, "Resize", [op.x, "", g.constant(scales)], **_attributes(op))
    elif op.x.tensor.is_static:
        for axis, size in zip(op.axes, op.sizes, strict=True):
            own[axis] = size
        g.emit(op, "Resize", [op.x, "", "", integers(g, own)], **_attributes(op))
    else:
        g.emit(op, "Resize", [op.x, "", "", integers(g, op.sizes)], axes=op.axes, **_attributes(op))


def _export_dynamic_resize(op: DynamicResize, g: Graph) -> None:
    axes = None if op.axes == tuple(range(op.x.tensor.rank)) else op.axes
    g.emit(op, "Resize", [op.x, "", op.scales, wide(g, op.sizes)], axes=axes, **_attributes(op))


EXPORTERS: Exporters = {
    Resize: _export_resize,
    DynamicResize: _export_dynamic_resize,
    DepthToSpace: lambda op, g: g.emit(op, "DepthToSpace", [op.x], blocksize=op.blocksize, mode=op.mode),
    SpaceToDepth: lambda op, g: g.emit(op, "SpaceToDepth", [op.x], blocksize=op.blocksize),
}
