"""What all compression passes share: which constants are weights, the guards, and one remark per weight."""

from collections.abc import Callable

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.tensor import Tensor
from optc.numerics.distance import max_error, snr_db
from optc.ops.weights import Weight, form, weights_of
from optc.pipeline.passes import PassContext

MIN_ELEMENTS = 2048
"""Smaller weights are left dense unless told otherwise, as coremltools' `weight_threshold` has it."""
COMPRESSIBLE = (DType.F16, DType.F32)


@attrs.frozen(eq=False)
class Encoded:
    """A compressed weight: the constexpr op that expands it, and the constants it is made of."""

    expand: Op
    parts: tuple[Const, ...]

    @property
    def stored_bytes(self) -> int:
        return sum(part.value.stored_bytes for part in self.parts)

    def dense(self) -> Array:
        """What the weight expands to."""
        arrays = {part.result: part.value.array() for part in self.parts}
        values = (None if v is None else arrays[v] for v in self.expand.arguments())
        return np.asarray(self.expand.evaluate(*values))


Encode = Callable[[Weight, Tensor], Encoded]


def compress_weights(program: Program, cx: PassContext, encode: Encode, min_elements: int, force: bool) -> Program:
    """Replace each weight of at least `min_elements` by its encoding, unless that is larger and `force` is off.

    A weight that is left as it was keeps its very tensor. Each weight gets one remark, with the reason:
    `compressed`; `too-few-elements`, `not-smaller`, `dtype`, `already-compressed` (skipped); or the slug of the
    error by which `encode` refused.
    """
    found = {weight.value: weight for weight in weights_of(program)}

    def visit(op: Op, out: Builder) -> Op | None:
        weight = next((found[value] for value in op.results if value in found), None)
        if weight is None:
            return None
        if weight.scheme != "dense":
            cx.remark(weight.name, "skipped", "already-compressed", scheme=weight.scheme)
            return None
        encoded = _encoded(weight, cx, encode, min_elements, force)
        if encoded is None:
            return None
        for part in encoded.parts:
            out.append(part)
        return encoded.expand

    return program.map_bodies(lambda body: rebuild(body, visit))


def _encoded(weight: Weight, cx: PassContext, encode: Encode, min_elements: int, force: bool) -> Encoded | None:
    """The encoding of a weight, or None; leaves the remark."""
    name, (tensor,) = weight.name, weight.constants
    before = tensor.stored_bytes

    def skip(reason: str, decision: str = "skipped", **numbers: int | float | str) -> None:
        cx.remark(name, decision, reason, scheme="dense", bytes_before=before, bytes_after=before, numbers=numbers)

    if tensor.elements < min_elements:
        skip("too-few-elements", elements=tensor.elements, minimum=min_elements)
        return None
    if tensor.dtype not in COMPRESSIBLE:
        skip("dtype", dtype=tensor.dtype.value)
        return None
    try:
        encoded = encode(weight, tensor)
    except OptcError as error:
        skip(error.slug, "refused", problem=str(error))
        return None
    if encoded.stored_bytes >= before and not force:
        skip("not-smaller", bytes=encoded.stored_bytes)
        return None
    original, dense = tensor.array(), encoded.dense()
    cx.remark(
        name, "done", "compressed", scheme=form((*encoded.parts, encoded.expand)), bytes_before=before,
        bytes_after=encoded.stored_bytes, snr_db=snr_db(original, dense),
        numbers={"max_error": max_error(original, dense)},
    )  # fmt: skip
    cx.count("compressed")
    return encoded


def part(values: Array, dtype: DType, name: str) -> Const:
    """A constant that is part of a compressed weight."""
    return Const(Tensor.of(values, dtype)).named(name)
