"""The weights of a program: what is stored, what it expands to, and which ops use it."""

import math

import attrs

from optc.ir.block import Block
from optc.ir.const import Const
from optc.ir.liveness import users
from optc.ir.names import distinct
from optc.ir.op import Op
from optc.ir.value import Value

MIN_ELEMENTS = 256
"""Smaller dense constants (biases, scalars, shapes) are part of their ops, not weights to decide on."""

# What each constexpr op says about the scheme of the weight that it makes.
_SCHEMES = {
    "constexpr.lut_to_dense": "palettized",
    "constexpr.shift_scale": "quantized",
    "constexpr.cast": "quantized",
    "constexpr.sparse_to_dense": "sparse",
}


@attrs.frozen(eq=False)
class Weight:
    """One weight of the main block.

    `chain` are the ops that make it, its constants first; `consumers` the ops that use the expanded value.
    Sizes are in bytes; `dense_bytes` in the element type that the program gives the weight.
    """

    name: str
    value: Value
    scheme: str
    chain: tuple[Op, ...]
    consumers: tuple[Op, ...]
    stored_bytes: int
    dense_bytes: int
    tables: int

    @property
    def elements(self) -> int:
        return math.prod(self.value.tensor.static_shape)


def weights_of(block: Block, min_elements: int = MIN_ELEMENTS) -> list[Weight]:
    """The weights of a block in order of definition: all constexpr results, and dense constants that are not small."""
    uses = users(block)
    defined = {value: op for op in block.ops for value in op.results}
    out = []
    for op in block.ops:
        if not op.constant:
            continue
        for value in op.results:
            consumers = tuple(user for user in uses.get(value, ()) if not user.constant)
            if consumers and (not isinstance(op, Const) or value.tensor.dtype.is_float):
                weight = _weight(value, consumers, defined)
                if weight.scheme != "dense" or weight.elements >= min_elements:
                    out.append(weight)
    names = distinct((weight.name for weight in out), "weight")
    return [attrs.evolve(weight, name=name) for name, weight in zip(names, out, strict=True)]


def _weight(value: Value, consumers: tuple[Op, ...], defined: dict[Value, Op]) -> Weight:
    chain = _chain(value, defined)
    stored = [op.value for op in chain if isinstance(op, Const)]
    stored_bytes = sum(tensor.stored_bytes for tensor in stored)
    return Weight(
        value.name, value, _scheme(chain), chain, consumers, stored_bytes, value.tensor.stored_bytes, _tables(chain)
    )


def _chain(value: Value, defined: dict[Value, Op]) -> tuple[Op, ...]:
    """The constant ops that a value is made of, operands first, each once."""
    found: dict[int, Op] = {}
    open_ops = [defined[value]]
    while open_ops:
        op = open_ops[-1]
        waiting = [defined[v] for v in reversed(op.operands) if id(defined[v]) not in found]
        if waiting:
            open_ops += waiting
        else:
            found[id(open_ops.pop())] = op
    return tuple(found.values())


def _scheme(chain: tuple[Op, ...]) -> str:
    names = [op.name for op in chain if not isinstance(op, Const)]
    if not names:
        return "dense"
    if "constexpr.sparse_to_dense" in names:
        return "sparse"
    return "palettized" if "constexpr.lut_to_dense" in names else _SCHEMES.get(names[-1], "quantized")


def _tables(chain: tuple[Op, ...]) -> int:
    """How many lookup tables the weight has."""
    for op in chain:
        lut = getattr(op, "lut", None)
        if isinstance(lut, Value):
            return math.prod(lut.tensor.static_shape[:-2])
    return 0
