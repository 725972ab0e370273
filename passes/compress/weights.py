"""What all compression passes share: which constants are weights, the guards, and one remark per weight."""

from collections.abc import Callable

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.liveness import result_uses, users
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.tensor import Tensor
from optc.numerics.distance import max_error, snr_db
from optc.pipeline.passes import PassContext

MIN_ELEMENTS = 2048
"""Smaller weights are left dense unless told otherwise, as coremltools' `weight_threshold` has it."""
COMPRESSIBLE = (DType.F16, DType.F32)


@attrs.frozen(eq=False)
class Weight:
    """A dense weight: a float constant of rank 1 or more, and the ops that use it."""

    name: str
    tensor: Tensor
    consumers: tuple[Op, ...]


@attrs.frozen(eq=False)
class Encoded:
    """A compressed weight: the constexpr op that expands it, the constants it is made of, and the scheme's name."""

    expand: Op
    parts: tuple[Const, ...]
    scheme: str

    @property
    def stored_bytes(self) -> int:
        return sum(part.value.stored_bytes for part in self.parts)

    def dense(self) -> Array:
        """What the weight expands to."""
        arrays = {part.result: part.value.array() for part in self.parts}
        values = (None if v is None else arrays[v] for v in self.expand.arguments())
        return np.asarray(self.expand.evaluate(*values))


Encode = Callable[[Weight], Encoded]


def compress_weights(program: Program, cx: PassContext, encode: Encode, min_elements: int, force: bool) -> Program:
    """Replace each weight of at least `min_elements` by its encoding, unless that is larger and `force` is off.

    A weight that is left as it was keeps its very tensor. Each weight gets one remark, with the reason:
    `compressed`; `too-few-elements`, `not-smaller`, `dtype`, `already-compressed` (skipped); or the slug of the
    error by which `encode` refused.
    """
    return program.map_bodies(lambda body: _compress_body(body, cx, encode, min_elements, force))


def _compress_body(body: Block, cx: PassContext, encode: Encode, min_elements: int, force: bool) -> Block:
    uses = users(body)
    returned = result_uses(body)
    consumers = {value: tuple(op for op in ops if not op.constant) for value, ops in uses.items()}

    def visit(op: Op, out: Builder) -> Op | None:
        if not op.constant or (op.results[0] not in consumers and op.results[0] not in returned):
            return None
        value = op.results[0]
        kind = value.tensor
        if not consumers.get(value) or not kind.dtype.is_float or kind.rank == 0:
            return None
        if not isinstance(op, Const):
            cx.remark(value.name, "skipped", "already-compressed", scheme=op.name)
            return None
        weight = Weight(value.name, op.value, consumers[value])
        encoded = _encoded(weight, cx, encode, min_elements, force)
        if encoded is None:
            return None
        for part in encoded.parts:
            out.append(part)
        return encoded.expand

    return rebuild(body, visit)


def _encoded(weight: Weight, cx: PassContext, encode: Encode, min_elements: int, force: bool) -> Encoded | None:
    """The encoding of a weight, or None; leaves the remark."""
    name, tensor = weight.name, weight.tensor
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
        encoded = encode(weight)
    except OptcError as error:
        skip(error.slug, "refused", problem=str(error))
        return None
    if encoded.stored_bytes >= before and not force:
        skip("not-smaller", bytes=encoded.stored_bytes)
        return None
    original, dense = tensor.array(), encoded.dense()
    cx.remark(
        name, "done", "compressed", scheme=encoded.scheme, bytes_before=before, bytes_after=encoded.stored_bytes,
        snr_db=snr_db(original, dense), numbers={"max_error": max_error(original, dense)},
    )  # fmt: skip
    cx.count("compressed")
    return encoded


def part(values: Array, dtype: DType, name: str) -> Const:
    """A constant that is part of a compressed weight."""
    return Const(Tensor.of(values, dtype)).named(name)
