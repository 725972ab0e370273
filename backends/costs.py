"""How long one op takes on one unit: the arithmetic of the cost model, in milliseconds.

An op is bound by its arithmetic, its activation traffic or its weight traffic, whichever takes longest: the
three overlap. Activation functions and normalisation run inside the op before them, and views move nothing.
The formula and its fit are those of Apple's published latencies (see the sources in the device tables).
"""

import math
from collections.abc import Mapping

import attrs

from backends.cost_table import Unit
from optc.ir.dims import Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.types import TensorType, Type
from optc.ir.value import Value
from optc.ops.weights import Weight

FUSED = frozenset({
    "batch_norm", "relu", "leaky_relu", "prelu", "elu", "clip", "sigmoid", "tanh", "hard_sigmoid", "hard_swish", "silu",
    "gelu", "mish", "softplus", "softsign", "cast", "neg", "abs",
})  # fmt: skip
VIEWS = frozenset({"reshape", "squeeze", "unsqueeze", "flatten", "const", "shape", "dynamic_reshape"})


@attrs.frozen
class OpTime:
    """Time of one op in ms, by cause, and the cause that binds."""

    arithmetic_ms: float
    activation_ms: float
    weight_ms: float

    @property
    def ms(self) -> float:
        return max(self.arithmetic_ms, self.activation_ms, self.weight_ms)

    @property
    def bound(self) -> str:
        """`arithmetic`, `activations`, `weights`, or `nothing` for an op that is free."""
        if self.ms == 0:
            return "nothing"
        if self.weight_ms == self.ms:
            return "weights"
        return "arithmetic" if self.arithmetic_ms == self.ms else "activations"


@attrs.frozen
class Sizes:
    """What symbolic dimensions are taken to be: `named` by name, all others `default`."""

    named: Mapping[str, int] = attrs.field(factory=dict)
    default: int = 1

    def of(self, dim: Dim) -> int:
        """The size of a dimension."""
        if not isinstance(dim, SymDim):
            return dim
        sizes: dict[str, Dim] = {name: self.named.get(name, self.default) for name in dim.names()}
        known = dim.substitute(sizes)
        return max(0, known) if isinstance(known, int) else self.default


def resident_bytes(weight: Weight, unit: Unit) -> int:
    """Bytes of the expanded weight on the unit, floats in the unit's element type."""
    dtype = weight.value.tensor.dtype
    return weight.elements * (DType(unit.dtype).bits if dtype.is_float else dtype.bits) // 8


def weight_ms(weight: Weight, unit: Unit, choice: str) -> float:
    """Time to bring the weight to the arithmetic once, when it is expanded at `load` or at each `predict`."""
    if choice == "load" or weight.scheme not in unit.schemes:
        return resident_bytes(weight, unit) / unit.weight_gbps.value * 1e-6
    costs = unit.schemes[weight.scheme]
    stream = weight.stored_bytes / costs.stream_gbps.value * 1e-6
    decode = weight.elements / costs.decode_gweights_per_s.value * 1e-6
    return max(stream, decode) + max(0, weight.tables - 1) * costs.table_ns.value * 1e-6


def load_ms(weight: Weight, unit: Unit, disk_gbps: float, choice: str) -> float:
    """Time to read the stored weight, and to expand it if that happens at load."""
    read = weight.stored_bytes / disk_gbps * 1e-6
    if choice == "predict" or weight.scheme == "dense":
        return read
    return read + weight.elements / unit.expand_gweights_per_s.value * 1e-6


def op_time(op: Op, unit: Unit, sizes: Sizes, weights: Mapping[Value, float]) -> OpTime:
    """Time of one op; `weights` gives the time of each operand that is a weight."""
    if op.constant or op.name in VIEWS or op.name in FUSED:
        return OpTime(0.0, 0.0, 0.0)
    activations = [v for v in (*op.operands, *op.results) if v not in weights]
    moved = sum(_bytes(v.type, unit, sizes) for v in activations)
    arithmetic = sizes.of(op.operations()) / unit.arithmetic_tflops.value * 1e-9
    streamed = math.fsum(weights.get(v, 0.0) for v in op.operands)
    return OpTime(arithmetic, moved / unit.activation_gbps.value * 1e-6, streamed)


def _bytes(kind: Type, unit: Unit, sizes: Sizes) -> int:
    if not isinstance(kind, TensorType):
        return 0
    bits = DType(unit.dtype).bits if kind.dtype.is_float else kind.dtype.bits
    return math.prod(sizes.of(d) for d in kind.shape) * bits // 8
