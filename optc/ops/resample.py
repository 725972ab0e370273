"""Where the samples of a resized axis come from, and with which weights.

Positions are float32 as in runtimes, since rounding decides which neighbour is nearest. Formulas: ONNX, operator
Resize (coordinate_transformation_mode, nearest_mode, cubic_coeff_a, exclude_outside).
"""

from collections.abc import Callable

import attrs
import numpy as np

from optc.ir.dtypes import Array

F = np.float32


@attrs.frozen
class Axis:
    """One axis: `size` elements become `count`, at `scale` of the distance."""

    size: int
    count: int
    scale: np.float32


def _half_pixel(i: Array, axis: Axis) -> Array:
    return np.asarray((i + F(0.5)) / axis.scale - F(0.5))


def _half_pixel_symmetric(i: Array, axis: Axis) -> Array:
    adjustment = F(axis.count) / (axis.scale * F(axis.size))
    offset = F(axis.size) / F(2) * (F(1) - adjustment)
    # ONNX Runtime rounds the sum to float32 once, at the end: otherwise places on a border go to the other side.
    wide = np.float64(offset) + (i + 0.5).astype(np.float64) / np.float64(axis.scale) - 0.5
    return np.asarray(wide.astype(F))


def _pytorch_half_pixel(i: Array, axis: Axis) -> Array:
    return _half_pixel(i, axis) if axis.count > 1 else np.zeros_like(i)


def _align_corners(i: Array, axis: Axis) -> Array:
    return i * F(axis.size - 1) / F(axis.count - 1) if axis.count > 1 else np.zeros_like(i)


def _asymmetric(i: Array, axis: Axis) -> Array:
    return np.asarray(i / axis.scale)


POSITIONS: dict[str, Callable[[Array, Axis], Array]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": _pytorch_half_pixel,
    "align_corners": _align_corners,
    "asymmetric": _asymmetric,
}
ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    # A sum with 0.5 could round up to the next integer; the distance from the one below is exact.
    "round_prefer_floor": lambda x: np.floor(x) + (x - np.floor(x) > F(0.5)),
    "round_prefer_ceil": lambda x: np.floor(x) + (x - np.floor(x) >= F(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}


def positions(axis: Axis, coordinates: str) -> Array:
    """f32[count]: the place in the operand of each element of the result."""
    i = np.arange(axis.count, dtype=F)
    return i if axis.scale == 1 else POSITIONS[coordinates](i, axis)


def nearest(axis: Axis, coordinates: str, rounding: str) -> Array:
    """i64[count]: the nearest element of the operand."""
    place = ROUNDINGS[rounding](positions(axis, coordinates))
    return np.clip(place, 0, axis.size - 1).astype(np.int64)


def linear(axis: Axis, coordinates: str) -> tuple[Array, Array]:
    """i64[2, count] and f32[2, count]: both neighbours, and their weights."""
    place = np.clip(positions(axis, coordinates), F(0), F(axis.size - 1))
    low = place.astype(np.int64)
    part = place - low.astype(F)
    return np.stack([low, np.minimum(low + 1, axis.size - 1)]), np.stack([F(1) - part, part])


def _near(t: Array, a: np.float32) -> Array:
    """Keys' kernel at distances up to 1."""
    return np.asarray(((a + 2) * t - (a + 3)) * t * t + 1)


def _far(t: Array, a: np.float32) -> Array:
    """Keys' kernel at distances from 1 to 2."""
    return np.asarray(((a * t - 5 * a) * t + 8 * a) * t - 4 * a)


def cubic(axis: Axis, coordinates: str, a: float, exclude_outside: bool) -> tuple[Array, Array]:
    """i64[4, count] and f32[4, count]: four neighbours and their weights (convolution with Keys' kernel of `a`).

    Neighbours outside are the border's elements, or get no weight if `exclude_outside`.
    """
    place = positions(axis, coordinates)
    base = np.floor(place)
    part, k = place - base, F(a)
    weights = np.stack([_far(part + 1, k), _near(part, k), _near(1 - part, k), _far(2 - part, k)])
    indices = base.astype(np.int64) + np.arange(-1, 3)[:, None]
    if exclude_outside:
        weights = np.where((indices < 0) | (indices >= axis.size), F(0), weights)
        weights = weights / weights.sum(0)
    return np.clip(indices, 0, axis.size - 1), weights
