"""The form of a weight, as cost tables speak of it: its scheme, width, granularity and how many tables it has.

palettized             indices into a table, or into one for each group of channels
palettized_vector      indices into tables of vectors
palettized_quantized   indices into tables that are themselves stored as integers with a scale
quantized              integers (or 8-bit floats) with one scale for the tensor, or for each channel
quantized_block        integers with one scale for each block of a channel
sparse                 a bit mask and the values that are kept; sparse_palettized, sparse_quantized: those compressed
"""

import math

import attrs

from backends.cost_table import SchemeCosts
from optc.ir.op import Op
from optc.ops.constexpr import LutToDense, LutToSparse, ShiftScale, SparseShiftScale, SparseToDense
from optc.ops.weights import Weight

DENSE = "dense"


@attrs.frozen
class Form:
    """How a weight is stored.

    `kind` is a scheme of the cost tables, or `dense`. `bits` is the width of a code (of a value, if it has no codes).
    `granularity`: what shares a table or a scale (`tensor`, `channel`, `group` of channels, `block`); `axis` is the
    axis that is cut, and `group` how many elements along it belong together. `vector` is the length of a table's
    entries. `tables` counts lookup tables; for blocks, scales. `density` is the fraction of elements that are kept.
    """

    kind: str
    bits: int
    granularity: str = "tensor"
    axis: int | None = None
    group: int = 0
    vector: int = 1
    tables: int = 1
    density: float = 1.0


def form_of(weight: Weight) -> Form:
    """The form of a weight."""
    by_type = {type(op): op for op in weight.chain}
    bits = weight.value.tensor.dtype.bits
    shape = weight.value.tensor.static_shape
    lut = by_type.get(LutToDense) or by_type.get(LutToSparse)
    scaled = by_type.get(ShiftScale) or by_type.get(SparseShiftScale)
    sparse = by_type.get(SparseToDense)
    if lut is not None:
        form = _palettized(lut, scaled, shape)
    elif scaled is not None:
        form = _quantized(scaled, shape)
    else:
        form = Form("sparse" if sparse is not None else DENSE, bits)
    if sparse is None:
        return form
    kind = {"quantized_block": "sparse_quantized", "quantized": "sparse_quantized", "sparse": "sparse"}
    return attrs.evolve(form, kind=kind.get(form.kind, "sparse_palettized"), density=_density(weight))


def _palettized(op: Op, scaled: Op | None, shape: tuple[int, ...]) -> Form:
    lut, indices = op.lut.tensor, op.indices.tensor  # type: ignore[attr-defined]  # both ops have them
    groups, vector = lut.static_shape[:-2], lut.static_shape[-1]
    kind = "palettized_vector" if vector > 1 else "palettized"
    if scaled is not None and scaled.results[0] is op.lut:  # type: ignore[attr-defined]
        kind = "palettized_quantized"
    granularity, axis, group = _cut(groups, shape, "group")
    return Form(kind, indices.dtype.bits, granularity, axis, group, vector, max(1, math.prod(groups)))


def _quantized(op: Op, shape: tuple[int, ...]) -> Form:
    counts = op.scale.tensor.static_shape  # type: ignore[attr-defined]  # both ops have it
    granularity, axis, group = _cut(counts, shape, "block")
    bits = op.data.tensor.dtype.bits  # type: ignore[attr-defined]
    blocks = granularity == "block"
    return Form(
        "quantized_block" if blocks else "quantized", bits, granularity, axis, group,
        tables=math.prod(counts) if blocks else 1,
    )  # fmt: skip


def _cut(counts: tuple[int, ...], shape: tuple[int, ...], finer: str) -> tuple[str, int | None, int]:
    """What belongs together, along which axis and how many elements, of a tensor that is cut `counts` times."""
    cut = [(axis, count) for axis, count in enumerate(counts) if count > 1]
    if not cut or len(counts) != len(shape):
        return "tensor", None, 0
    parts = [(axis, count) for axis, count in cut if count < shape[axis]]
    if not parts and len(cut) == 1:
        return "channel", cut[0][0], 1
    axis, count = (parts or cut)[-1]
    return (finer if len(cut) == 1 else "block"), axis, max(1, shape[axis] // count)


def _density(weight: Weight) -> float:
    mask = next(op.mask for op in weight.chain if hasattr(op, "mask"))
    kept = next(op for op in weight.chain if isinstance(op, SparseToDense)).values.tensor.static_shape[0]
    return float(kept / max(1, math.prod(mask.tensor.static_shape)))


def why_not(form: Form, costs: SchemeCosts, ops: tuple[str, ...]) -> str:
    """Why a unit cannot expand a weight of this form at prediction, for the ops that use it; empty if it can.

    A slug: `folds-on-unit`, `bits-on-unit`, `granularity-on-unit`, `group-on-unit`, `vector-on-unit`, `axis-on-unit`
    or `op-on-unit`.
    """
    rules = (
        ("folds-on-unit", costs.expansion != "folds"),
        ("bits-on-unit", not costs.bits or form.bits in costs.bits),
        ("granularity-on-unit", not costs.granularities or form.granularity in costs.granularities),
        ("group-on-unit", form.granularity not in ("group", "block") or form.group >= costs.least_group),
        ("vector-on-unit", not costs.vectors or form.vector in costs.vectors),
        ("axis-on-unit", not costs.axes or form.axis is None or form.axis in costs.axes),
        ("op-on-unit", not costs.ops or all(op in costs.ops for op in ops)),
    )
    return next((slug for slug, holds in rules if not holds), "")
