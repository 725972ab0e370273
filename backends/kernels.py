"""Kernels: the ops of a program in groups that a unit runs as one.

A kernel is a root op (a convolution, a product, a pooling, an addition ...) with what runs inside it: activation
functions, normalisation and quantization after it, dequantization before it, and views, which move nothing. What
passes between the ops of a kernel is neither written nor read, so that the traffic of a kernel is that of the values
that enter and leave it. Published latencies are met by counting so (see the sources of the device tables).
"""

from collections.abc import Sequence

import attrs

from backends.sizes import Sizes, Traffic, traffic_of
from optc.ir.block import Block
from optc.ir.liveness import uses_of
from optc.ir.op import Op
from optc.ir.value import Value

FUSED = frozenset({
    "batch_norm", "relu", "leaky_relu", "prelu", "elu", "clip", "sigmoid", "tanh", "hard_sigmoid", "hard_swish", "silu",
    "gelu", "mish", "softplus", "softsign", "cast", "neg", "abs", "quantize",
})  # fmt: skip
"""Ops that run inside the kernel that makes their operand."""
VIEWS = frozenset({
    "reshape", "squeeze", "unsqueeze", "flatten", "dynamic_reshape", "dynamic_squeeze", "dynamic_unsqueeze",
})  # fmt: skip
"""Ops that give the same elements in the same order: nothing moves."""
PRODUCTS = frozenset({"conv", "conv_transpose", "linear", "matmul", "matmul_integer", "einsum"})
"""Ops whose arithmetic units do in integers, where they can."""


@attrs.frozen(eq=False)
class Kernel:
    """A root op and what is fused into it.

    `before`: dequantize ops whose results the root takes; such an op may be part of several kernels. `ops`: the root,
    then what follows it. `reads` are the values that enter and are no constants, `writes` those that are needed
    outside.
    """

    before: tuple[Op, ...]
    ops: tuple[Op, ...]
    reads: tuple[Value, ...]
    writes: tuple[Value, ...]

    @property
    def root(self) -> Op:
        """The op that the kernel is named after: the first that is no view."""
        return next((op for op in self.ops if not is_view(op)), self.ops[0])

    @property
    def all_ops(self) -> tuple[Op, ...]:
        return (*self.before, *self.ops)

    @property
    def is_view(self) -> bool:
        """Nothing but views: it costs nothing."""
        return all(is_view(op) for op in self.ops)

    @property
    def is_product_of_codes(self) -> bool:
        """Whether the root multiplies integers: activations of at most 8 bits that it would dequantize first."""
        if self.root.name == "matmul_integer":
            return True
        codes = {op.results[0] for op in self.before if op.operands[0].tensor.dtype.bits <= 8}
        inputs = [v for v in self.root.operands if v in codes or v in self.reads]
        return self.root.name in PRODUCTS and bool(inputs) and all(v in codes for v in inputs)

    def operations(self, sizes: Sizes) -> int:
        """Arithmetic operations of the root; what is fused runs beside it."""
        return 0 if self.is_view else sizes.of(self.root.operations())

    def read_traffic(self, sizes: Sizes) -> Traffic:
        """What enters."""
        return _total(self.reads, sizes)

    def write_traffic(self, sizes: Sizes) -> Traffic:
        """What leaves."""
        return _total(self.writes, sizes)


def is_view(op: Op) -> bool:
    """Whether nothing moves: the same elements in the same order, in a unit that holds all floats in one type."""
    if op.name == "cast":
        return op.operands[0].tensor.dtype.is_float and op.results[0].tensor.dtype.is_float
    return op.name in VIEWS


def _total(values: Sequence[Value], sizes: Sizes) -> Traffic:
    total = Traffic()
    for value in values:
        total = total + traffic_of(value.type, sizes)
    return total


def kernels_of(body: Block) -> tuple[Kernel, ...]:
    """The ops of a block that are no constants, as kernels, in an order in which they can run."""
    constant = {value for op in body.ops if op.constant for value in op.results}
    groups = _Groups(constant, _lent(body, constant))
    for op in body.ops:
        if not op.constant:
            groups.add(op)
    return groups.finished(body)


def _lent(body: Block, constant: set[Value]) -> dict[Value, Op]:
    """The dequantize ops that become part of the kernels that use their results, by their result."""
    found = {
        op.results[0]: op
        for op in body.ops
        if op.name == "dequantize" and not op.constant and all(v in constant for v in op.operands[1:])
        and op.operands[0] not in constant
    }  # fmt: skip
    for op in body.ops:
        nested = set(uses_of(op)) - set(op.operands)
        # A use in a nested block, or by a further dequantize, is not the root's to expand.
        for value in nested | (set(op.operands) if op.results[0:1] and op.results[0] in found else set()):
            found.pop(value, None)
    used = {value for op in body.ops for value in op.operands}
    return {value: op for value, op in found.items() if value in used and value not in body.results}


class _Groups:
    """Kernels being made: the ops of each, and which kernel makes each value."""

    def __init__(self, constant: set[Value], lent: dict[Value, Op]) -> None:
        self.constant, self.lent = constant, lent
        self.ops: list[list[Op]] = []
        self.maker: dict[Value, int] = {}

    def add(self, op: Op) -> None:
        if op.results and op.results[0] in self.lent:
            return
        inputs = [v for v in uses_of(op) if v not in self.constant]
        makers = {self.maker.get(v, -1) for v in inputs}
        joins = (op.name in FUSED or is_view(op)) and len(makers) == 1 and -1 not in makers
        if joins:
            number = makers.pop()
            joins = is_view(op) or not all(is_view(o) for o in self.ops[number])
        if not joins:
            number = len(self.ops)
            self.ops.append([])
        self.ops[number].append(op)
        self.maker.update((v, number) for v in op.results)

    def finished(self, body: Block) -> tuple[Kernel, ...]:
        before = [self._before(ops) for ops in self.ops]
        needed: set[Value] = set(body.results)
        entering = []
        for number, ops in enumerate(self.ops):
            used = dict.fromkeys(v for op in (*before[number], *ops) for v in uses_of(op))
            own = {op.results[0] for op in before[number]}
            outside = [v for v in used if self.maker.get(v, -1) != number and v not in own and v not in self.constant]
            entering.append(tuple(outside))
            needed.update(outside)
        return tuple(
            Kernel(first, tuple(ops), reads, tuple(v for op in ops for v in op.results if v in needed))
            for first, ops, reads in zip(before, self.ops, entering, strict=True)
        )

    def _before(self, ops: list[Op]) -> tuple[Op, ...]:
        taken = dict.fromkeys(v for op in ops for v in op.operands if v in self.lent)
        return tuple(self.lent[v] for v in taken)
