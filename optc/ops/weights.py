"""The weights of a program: what is stored, what it expands to, and which ops use it."""

import math
from collections.abc import Callable, Iterable, Sequence

import attrs

from optc.ir.block import Block, Program
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.interpreter import evaluate
from optc.ir.liveness import users
from optc.ir.names import distinct
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops.constexpr import ConstexprCast, LutToDense, LutToSparse, ShiftScale, SparseShiftScale, SparseToDense


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
        kinds = {type(op) for op in self.chain}
        if SparseToDense in kinds:
            return "sparse"
        if LutToDense in kinds:
            return "palettized"
        return "dense" if kinds == {Const} else "quantized"

    @property
    def form(self) -> str:
        """How it is stored, for people: `sparse, palettized 4-bit`, `quantized int8 per-channel`, ..."""
        return form(self.chain)

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

    def expanded(self) -> Array:
        """The dense array."""
        return expand(self.chain, self.value)


def stored_bytes(weights: Iterable[Weight]) -> int:
    """Bytes that weights take as they are stored; what several of them share counts once."""
    tensors = {id(tensor.storage): tensor for weight in weights for tensor in weight.constants}
    return sum(tensor.stored_bytes for tensor in tensors.values())


def expand(chain: Sequence[Op], value: Value) -> Array:
    """The array of a value that constants and constexpr ops make."""
    arrays: dict[Value, Array] = {}
    for op in chain:
        operands = tuple(None if v is None else arrays[v] for v in op.arguments())
        results = (op.value.array(),) if isinstance(op, Const) else evaluate(op, operands)
        arrays.update(zip(op.results, results, strict=True))
    return arrays[value]


def form(chain: Sequence[Op]) -> str:
    """How a weight is stored that these ops make, for people."""
    words = [word for op in reversed(chain) if (word := _word(op, chain))]
    return ", ".join(words) or "dense"


def _word(op: Op, chain: Sequence[Op]) -> str:
    if isinstance(op, SparseToDense):
        return "sparse"
    if isinstance(op, LutToDense | LutToSparse):
        vector = op.lut.tensor.static_shape[-1]
        grouped = math.prod(op.lut.tensor.static_shape[:-2]) > 1
        bits = f"palettized {op.indices.tensor.dtype.bits}-bit"
        return bits + (" grouped" if grouped else "") + (f" vectors of {vector}" if vector > 1 else "")
    if isinstance(op, ShiftScale | SparseShiftScale):
        narrow = (cast.x for cast in chain if isinstance(cast, ConstexprCast) and cast.results[0] is op.data)
        dtype = next(narrow, op.data).tensor.dtype
        if any(getattr(user, "lut", None) is op.results[0] for user in chain):
            return f"table {_long_name(dtype)}"
        whole = op.data if isinstance(op, ShiftScale) else op.mask
        stored = "scaled" if dtype in (DType.F16, DType.F32) else f"quantized {_long_name(dtype)}"
        return f"{stored} {_granularity(op.scale, whole)}"
    if not isinstance(op, ConstexprCast) or any(getattr(user, "data", None) is op.results[0] for user in chain):
        return ""
    return f"stored as {op.x.tensor.dtype}"


def _long_name(dtype: DType) -> str:
    return dtype.value.replace("i", "int").replace("u", "uint").replace("f8", "float8")


def _granularity(scale: Value, whole: Value) -> str:
    counts, dims = scale.tensor.static_shape, whole.tensor.static_shape
    cut = [(count, dim) for count, dim in zip(counts, dims, strict=True) if count > 1]
    if not cut:
        return "per-tensor"
    return "per-channel" if len(cut) == 1 and cut[0][0] == cut[0][1] else "per-block"


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
                found.append(Weight(value.name, value, chain_of(value, defined.__getitem__), consumers))
    return found


def chain_of(value: Value, definition: Callable[[Value], Op]) -> tuple[Op, ...]:
    """The constant ops that make a value, operands first, each once; the op whose result it is comes last.

    `definition` gives the op that defines a value, always the same.
    """
    found: dict[int, Op] = {}
    open_ops = [definition(value)]
    while open_ops:
        op = open_ops[-1]
        waiting = [made for v in reversed(op.operands) if id(made := definition(v)) not in found]
        if waiting:
            open_ops += waiting
        else:
            found[id(open_ops.pop())] = op
    return tuple(found.values())
