"""The weights of a program: what is stored, what it expands to, and which ops use it."""

import math

import attrs

from optc.ir.block import Block, Program
from optc.ir.const import Const
from optc.ir.liveness import users
from optc.ir.names import distinct
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value

# What each constexpr op says about the scheme of the weight that it makes.
_SCHEMES = {
    "constexpr.lut_to_dense": "palettized",
    "constexpr.shift_scale": "quantized",
    "constexpr.cast": "quantized",
    "constexpr.sparse_to_dense": "sparse",
}


@attrs.frozen(eq=False)
class Weight:
    """One weight, dense or compressed.

    `chain` are the ops that make it, its constants first; `consumers` the ops that use the expanded value. The name is
    that of the value, made distinct: one without a name is `weight`, and of several `w`, later ones are `w#1`, ...
    """

    name: str
    value: Value
    chain: tuple[Op, ...]
    consumers: tuple[Op, ...]

    @property
    def scheme(self) -> str:
        """`dense`, `sparse`, `palettized` or `quantized`; of a joint form, the first of these that is part of it."""
        names = [op.name for op in self.chain if not isinstance(op, Const)]
        if not names:
            return "dense"
        if "constexpr.sparse_to_dense" in names:
            return "sparse"
        return "palettized" if "constexpr.lut_to_dense" in names else _SCHEMES.get(names[-1], "quantized")

    @property
    def constants(self) -> tuple[Tensor, ...]:
        """The tensors that are stored."""
        return tuple(op.value for op in self.chain if isinstance(op, Const))

    @property
    def stored_bytes(self) -> int:
        return sum(tensor.stored_bytes for tensor in self.constants)

    @property
    def dense_bytes(self) -> int:
        """Size of the expanded tensor, in the element type that the program gives it."""
        return self.value.tensor.stored_bytes

    @property
    def elements(self) -> int:
        return math.prod(self.value.tensor.static_shape)

    @property
    def tables(self) -> int:
        """How many lookup tables it has."""
        luts = (getattr(op, "lut", None) for op in self.chain)
        return next((math.prod(lut.tensor.static_shape[:-2]) for lut in luts if isinstance(lut, Value)), 0)


def weights_of(program: Program) -> tuple[Weight, ...]:
    """The weights of all functions, nested blocks included, in order of definition.

    A weight is the result of a constexpr op, or a float constant of rank 1 or more, that an op uses which is no
    constant expression itself.
    """
    found = [weight for function in program.functions for weight in _in_body(function.body)]
    names = distinct((weight.name for weight in found), "weight")
    return tuple(attrs.evolve(weight, name=name) for name, weight in zip(names, found, strict=True))


def _in_body(body: Block) -> list[Weight]:
    uses = users(body)
    defined: dict[Value, Op] = {}
    found = []
    for op in body.walk():
        if not op.constant:
            continue
        for value in op.results:
            defined[value] = op
            consumers = tuple(user for user in uses.get(value, ()) if not user.constant)
            if consumers and (not isinstance(op, Const) or (value.tensor.dtype.is_float and value.tensor.rank)):
                found.append(Weight(value.name, value, _chain(op, defined), consumers))
    return found


def _chain(last: Op, defined: dict[Value, Op]) -> tuple[Op, ...]:
    """The constant ops that an op's results are made of, operands first, each once."""
    found: dict[int, Op] = {}
    open_ops = [last]
    while open_ops:
        op = open_ops[-1]
        waiting = [defined[v] for v in reversed(op.operands) if id(defined[v]) not in found]
        if waiting:
            open_ops += waiting
        else:
            found[id(open_ops.pop())] = op
    return tuple(found.values())
