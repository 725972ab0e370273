"""Sparsification: the least elements of weights become zero, and only the others are stored, beside a bit mask."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import attrs
import numpy as np

from optc.errors import OptcError, UsageError
from optc.ir.dtypes import Array
from optc.numerics.arrays import axis_from_front
from optc.numerics.finite import all_finite
from optc.numerics.sparsity import (
    block_mask,
    drop_least,
    global_drops,
    keep,
    magnitude_mask,
    n_of_m_mask,
    scatter,
    threshold_mask,
    unit_mask,
)
from optc.ops.weights import Weight
from optc.pipeline.passes import PassContext, option
from passes.compress.stored import Body, Indices, Plain, Stored
from passes.compress.weights import Compression, Encode, Encoding, Numbers, channel_axis, importance_of, input_axis


@attrs.frozen
class Sparsify(Compression):
    """Store of each weight a mask, one bit per element, and the elements that it keeps.

    before:  %w = const() {value = f32[64,32] ...} : f32[64,32]
    after:   %w.mask = const() {value = u1[64,32] ...} : u1[64,32]
             %w.values = const() {value = f32[1024] ...} : f32[1024]
             %w = constexpr.sparse_to_dense(%w.mask, %w.values) : f32[64,32]

    Dropped are exactly the fraction `sparsity` of the elements, those of least magnitude, of each weight or (`scope`)
    of all weights together; of equal ones the first. Or else: what is not above `threshold`; `zeros` of each `of`
    neighbours along `axis`; blocks of `block_size` along `axis`, whole channels or whole kernels, of least Euclidean
    norm. The axis is by default that of input channels.

    Where the run is given importance, what is dropped is what has the least sum of `importance * weight**2` instead
    (but for `threshold`): that is the error that counts.

    Of palettized and quantized weights, the indices or codes of what is kept are stored (with `joint`).
    """

    name: ClassVar[str] = "sparsify"
    sparsity: float = option(0.5, minimum=0, maximum=1, help="fraction of elements to drop")
    scope: str = option("weight", one_of=("weight", "model"), help="what the fraction is of")
    threshold: float | None = option(None, minimum=0, help="drop magnitudes up to this, whatever their number")
    zeros: int = option(0, minimum=0, help="with `of`: drop so many of each `of` neighbours")
    of: int = option(0, minimum=0, help="how many neighbours `zeros` are dropped of")
    block_size: int = option(0, minimum=0, help="drop whole blocks of so many neighbours")
    structure: str = option("element", one_of=("element", "channel", "kernel"), help="what is dropped as a whole")
    axis: int | None = option(None, help="axis of neighbours, by default that of input channels")
    min_sparsity: float = option(0.0, minimum=0, maximum=1, help="leave weights that come out with fewer zeros")

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        ways = {
            "threshold": self.threshold is not None,
            "zeros and of": bool(self.zeros or self.of),
            "block_size": bool(self.block_size),
            "structure": self.structure != "element",
            "scope": self.scope != "weight",
        }
        given = [name for name, there in ways.items() if there]
        if len(given) > 1:
            raise UsageError(
                "sparsify-choice", "pass sparsify", "what is dropped", f"said by one of {', '.join(ways)}",
                " and ".join(given),
            )  # fmt: skip
        if self.zeros > self.of:
            raise UsageError("n-of-m", "pass sparsify", "option zeros", f"at most {self.of}, as of is", self.zeros)

    def encoder(self, weights: Sequence[Weight], cx: PassContext) -> Encode:
        drops: dict[str, int] = {}
        if self.scope == "model":
            taking = [weight for weight in weights if _is_finite(weight, cx)]  # others are refused below
            found = global_drops([partial(_weighted, weight, cx) for weight in taking], self.sparsity)
            drops = {weight.name: drop for weight, drop in zip(taking, found, strict=True)}

        def encode(weight: Weight, now: Stored) -> Encoding:
            return self._encode(weight, now, importance_of(weight, cx), drops.get(weight.name))

        return encode

    def _encode(self, weight: Weight, now: Stored, importance: Array | None, drop: int | None) -> Encoding:
        dense = weight.expanded()
        if not all_finite(dense):
            raise OptcError("not-finite", weight.name, "every weight", "finite", "NaN or infinity")
        numbers: Numbers = {}
        mask = self._mask(weight, dense, importance, numbers) if drop is None else drop_least(dense, drop, importance)
        if now.mask is not None:
            mask = mask & now.mask
        zeros = 1 - np.count_nonzero(mask) / max(1, mask.size)
        if zeros < self.min_sparsity:
            raise OptcError("not-sparse", weight.name, "sparsity", f"at least {self.min_sparsity}", f"{zeros:.4f}")
        return Encoding(Stored(now.dtype, _kept(weight, now, mask), mask), {**numbers, "sparsity": float(zeros)})

    def _mask(self, weight: Weight, dense: Array, importance: Array | None, numbers: Numbers) -> Array:
        """What is kept of one weight."""
        axis = input_axis(weight) if self.axis is None else axis_from_front(self.axis, dense.ndim, weight.name)
        if self.threshold is not None:
            return threshold_mask(dense, self.threshold)
        if self.of:
            return n_of_m_mask(dense, self.zeros, self.of, axis, importance)
        if self.block_size:
            size = self.fitting(weight, axis, self.block_size, numbers)
            return block_mask(dense, self.sparsity, size, axis, importance)
        if self.structure == "element":
            return magnitude_mask(dense, self.sparsity, importance)
        if self.structure == "kernel" and dense.ndim < 3:
            raise OptcError("no-kernels", weight.name, "rank of a weight with kernels", "at least 3", dense.ndim)
        axes = (channel_axis(weight),) if self.structure == "channel" else (0, 1)
        return unit_mask(dense, self.sparsity, axes, importance)


def _weighted(weight: Weight, cx: PassContext) -> tuple[Array, Array | None]:
    return weight.expanded(), importance_of(weight, cx)


def _is_finite(weight: Weight, cx: PassContext) -> bool:
    """Whether a weight, with what it is given as importance, can be ranked."""
    try:
        importance_of(weight, cx)
    except OptcError:
        return False
    return all_finite(weight.expanded())


def _kept(weight: Weight, now: Stored, mask: Array) -> Body:
    """What is stored of the elements that a mask keeps."""
    body = now.body
    if isinstance(body, Indices) and body.vector_axis is not None:
        raise OptcError("vectors-of-sparse", weight.name, "palette", "of single values", "one of vectors")
    data = body.values if isinstance(body, Plain) else body.data
    whole = data if now.mask is None else scatter(data, now.mask)
    left = keep(whole, mask)
    return Plain(left) if isinstance(body, Plain) else attrs.evolve(body, data=left)
