"""Resizing in MIL.

What MIL's own operations do not say is written as what it is: a gather of the nearest elements, or the product with the
matrix of the interpolation, along each axis.
"""

from collections.abc import Mapping

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.ir.dtypes import Array, DType
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.resize import Resize

_LINEAR = {"STRICT_ALIGN_CORNERS": "align_corners", "UNALIGN_CORNERS": "half_pixel"}


def _last_two(o: Operation) -> tuple[int, ...]:
    return o.kind_of().rank - 2, o.kind_of().rank - 1


def _import_upsample_nearest(o: Operation) -> Imported:
    scales = o.number("scale_factor_height", 1), o.number("scale_factor_width", 1)
    return o.add(Resize(o.value("x"), _last_two(o), scales=scales, coordinates="asymmetric", rounding="floor"))


def _import_resize_nearest(o: Operation) -> Imported:
    sizes = o.integer("target_size_height", 0), o.integer("target_size_width", 0)
    return o.add(Resize(o.value("x"), _last_two(o), sizes, coordinates="asymmetric", rounding="floor"))


def _import_upsample_bilinear(o: Operation) -> Imported:
    scales = o.number("scale_factor_height", 1), o.number("scale_factor_width", 1)
    corners = o.flag("align_corners", True)
    half = o.flag("half_pixel_centers", not corners)
    coordinates = "align_corners" if corners else "half_pixel" if half else "asymmetric"
    return o.add(Resize(o.value("x"), _last_two(o), scales=scales, mode="linear", coordinates=coordinates))


def _import_resize_bilinear(o: Operation) -> Imported:
    coordinates = _LINEAR.get(o.text("sampling_mode", "DEFAULT"))
    if coordinates is None:
        return None
    sizes = o.integer("target_size_height", 1), o.integer("target_size_width", 1)
    return o.add(Resize(o.value("x"), _last_two(o), sizes, mode="linear", coordinates=coordinates))


IMPORTERS: Mapping[str, Importer] = {
    "upsample_nearest_neighbor": _import_upsample_nearest,
    "resize_nearest_neighbor": _import_resize_nearest,
    "upsample_bilinear": _import_upsample_bilinear,
    "resize_bilinear": _import_resize_bilinear,
}


def _export_resize(op: Resize, b: Body) -> None:
    before, after = op.x.tensor, op.results[0].tensor
    if any(not isinstance(d, int) for kind in (before, after) for d in (kind.shape[a] for a in op.axes)):
        raise OptcError("not-in-coreml", op.describe(), "sizes that change", "known", f"{before} to {after}")
    if op.mode == "nearest":
        _export_nearest(op, b)
    elif op.mode == "linear" and _is_image(op) and op.coordinates in _LINEAR.values() and _is_exact(op):
        mode = next(theirs for theirs, ours in _LINEAR.items() if ours == op.coordinates)
        height, width = after.shape[-2:]
        b.emit(
            op, "resize_bilinear", x=op.x, target_size_height=int(str(height)), target_size_width=int(str(width)),
            sampling_mode=mode,
        )  # fmt: skip
    else:
        _export_matrices(op, b)


def _is_image(op: Resize) -> bool:
    return op.x.tensor.rank == 4 and op.axes == (2, 3)


def _is_exact(op: Resize) -> bool:
    """Whether the sizes alone say the scales."""
    kinds = op.x.tensor.shape, op.results[0].tensor.shape
    sizes = [tuple(int(str(shape[a])) for a in op.axes) for shape in kinds]
    pairs = zip(*sizes, op.scales, strict=True) if op.scales else ()
    return all(before * scale == after for before, after, scale in pairs)


def _along(op: Resize, axis: int, x: Array) -> Array:
    """The last axis of an array, resized as `op` does `axis`."""
    size, count = op.x.tensor.shape[axis], op.results[0].tensor.shape[axis]
    place = op.axes.index(axis)
    one = {"scales": (op.scales[place],)} if op.scales else {"sizes": (int(str(count)),)}
    kind = TensorType(DType.F32, (*x.shape[:-1], int(str(size))))
    single = op.evolve(
        x=Value(kind), axes=(x.ndim - 1,), sizes=one.get("sizes", ()), scales=one.get("scales", ()), results=()
    )  # fmt: skip
    return np.asarray(single.evaluate(x.astype(np.float32)))


def _export_nearest(op: Resize, b: Body) -> None:
    sizes = {axis: int(str(op.x.tensor.shape[axis])) for axis in op.axes}
    places = {axis: _along(op, axis, np.arange(size)).astype(np.int32) for axis, size in sizes.items()}
    factors = {axis: len(places[axis]) // max(size, 1) for axis, size in sizes.items()}
    whole = all(np.array_equal(p, np.arange(sizes[a] * factors[a]) // max(factors[a], 1)) for a, p in places.items())
    if whole and _is_image(op) and min(factors.values()) > 0:
        height, width = (np.float32(factors[a]) for a in (2, 3))
        b.emit(op, "upsample_nearest_neighbor", x=op.x, scale_factor_height=height, scale_factor_width=width)
        return
    x = op.x
    for axis, indices in places.items():
        shape = tuple(len(indices) if i == axis else d for i, d in enumerate(x.tensor.shape))
        x = b.make("gather", x.tensor.with_shape(shape), x=x, indices=indices, axis=axis)
    b.alias(op.results[0], x)


def _export_matrices(op: Resize, b: Body) -> None:
    rank = op.x.tensor.rank
    if not set(op.axes) <= {rank - 1, rank - 2}:
        raise OptcError("not-in-coreml", op.describe(), "axes that are interpolated", "the last two", op.axes)
    x = op.x
    for axis in op.axes:
        size = int(str(op.x.tensor.shape[axis]))
        matrix = Tensor.of(_along(op, axis, np.eye(size)).astype(x.tensor.dtype.numpy))
        shape = tuple(matrix.shape[1] if i == axis else d for i, d in enumerate(x.tensor.shape))
        kind = x.tensor.with_shape(shape)
        weights = b.constant(matrix, "interpolation")
        if axis == rank - 1:
            x = b.make("matmul", kind, x=x, y=weights, transpose_x=False, transpose_y=False)
        else:
            x = b.make("matmul", kind, x=weights, y=x, transpose_x=True, transpose_y=False)
    b.alias(op.results[0], x)


EXPORTERS: Exporters = {Resize: _export_resize}
