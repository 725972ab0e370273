"""What all compression passes share: which constants are weights, the guards, and one remark per weight."""

from collections.abc import Callable

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.liveness import users
from optc.ir.names import distinct
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.numerics.distance import max_error, snr_db
from optc.pipeline.passes import PassContext

MIN_ELEMENTS = 2048
"""Smaller weights are left dense unless told otherwise, as coremltools' `weight_threshold` has it."""
COMPRESSIBLE = (DType.F16, DType.F32)


@attrs.frozen(eq=False)
class Weight:
    """A float constant of rank 1 or more, dense or compressed: the op that gives it, and the ops that use it."""

    name: str
    op: Op
    consumers: tuple[Op, ...]

    @property
    def tensor(self) -> Tensor:
        """What it is, if it is dense."""
        assert isinstance(self.op, Const)
        return self.op.value


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
    found = weights_of(program)

    def visit(op: Op, out: Builder) -> Op | None:
        weight = next((found[value] for value in op.results if value in found), None)
        if weight is None:
            return None
        if not isinstance(weight.op, Const):
            cx.remark(weight.name, "skipped", "already-compressed", scheme=op.name)
            return None
        encoded = _encoded(weight, cx, encode, min_elements, force)
        if encoded is None:
            return None
        for part in encoded.parts:
            out.append(part)
        return encoded.expand

    return program.map_bodies(lambda body: rebuild(body, visit))


def weights_of(program: Program) -> dict[Value, Weight]:
    """The weights by the value that ops use, in order.

    Names are made distinct: a weight without one is called `weight`, and of several `w`, later ones `w#1`, `w#2`, ...
    """
    found: dict[Value, tuple[Op, tuple[Op, ...]]] = {}
    for function in program.functions:
        uses = users(function.body)
        for op in function.body.walk():
            for value in op.results if op.constant else ():
                consumers = tuple(user for user in uses.get(value, ()) if not user.constant)
                if consumers and value.tensor.dtype.is_float and value.tensor.rank:
                    found[value] = op, consumers
    names = distinct((value.name for value in found), "weight")
    return {value: Weight(name, *found[value]) for name, value in zip(names, found, strict=True)}


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
