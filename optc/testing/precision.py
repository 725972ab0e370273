"""The same program in float64, as it is or with every value a little off: the yardsticks for rounding errors.

How far results move when each constant and each intermediate value moves by as much as one rounding of its own type
could move it is the error that rounding causes, to first order, in any order of the same operations.
"""

from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.ir.block import Block, Function, Program
from optc.ir.const import Const
from optc.ir.dtypes import FLOAT8S, FLOATS, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op
from optc.ir.op import op as declared_op
from optc.ir.tensor import Tensor
from optc.ir.types import StateType, TensorType, Type
from optc.ir.value import Value
from optc.ops.cast import Cast

NARROW = (*FLOATS, *FLOAT8S)
UNIT_ROUNDOFF = {
    DType.F8E5M2: 2.0**-3, DType.F8E4M3: 2.0**-4, DType.BF16: 2.0**-8, DType.F16: 2.0**-11, DType.F32: 2.0**-24,
    DType.F64: 2.0**-53,
}  # fmt: skip
"""The largest relative error of one rounding to a float type."""


@declared_op("testing.shaken")
class Shaken(Op):
    """`x` with each element multiplied by a random number from `1 - unit` to `1 + unit`, the same ones in each run.

    The opposite of `sign` shakes every element the other way.
    """

    x: Value = operand(DType.F64)
    unit: float = attribute()
    seed: int = attribute()
    sign: int = attribute(default=1, one_of=(-1, 1))

    def infer(self) -> TensorType:
        return self.x.tensor

    def evaluate(self, x: Array) -> Array:
        noise = np.random.default_rng(self.seed).uniform(-self.unit, self.unit, x.shape)
        return np.asarray(x * (1 + self.sign * noise))


def in_float64(program: Program, shake: tuple[int, int] | None = None) -> Program:
    """The program with every float type made float64; constants keep their values, weights are expanded first.

    With `shake`, a seed and a sign, every constant and every result is off by up to one rounding of the type that it
    has in the program (see `Shaken`). Inputs are not, nor are constants of one element: these are parameters rather
    than data, and the exponent of `x ** 2` must stay what it is.

    An op that has no float64 form runs in its own types, between casts.
    """
    wide = _Widened(shake)
    functions = [Function(f.name, wide.block(f.body), f.output_names) for f in program.functions]
    return Program(tuple(functions), program.metadata)


def _wide(kind: Type) -> Type:
    if isinstance(kind, StateType):
        return StateType(kind.tensor.with_dtype(_dtype(kind.tensor.dtype)))
    return kind.with_dtype(_dtype(kind.dtype)) if isinstance(kind, TensorType) else kind


def _dtype(dtype: DType) -> DType:
    return DType.F64 if dtype in NARROW else dtype


Made = tuple[list[Op], list[Value]]
"""Ops, and what of theirs stands for the results of one op."""


class _Widened:
    """One walk over a program: `known` holds what stands for each of its values."""

    def __init__(self, shake: tuple[int, int] | None) -> None:
        self.shake = shake
        self.known: dict[Value, Value] = {}
        self.shaken = 0

    def block(self, block: Block) -> Block:
        for param in block.params:
            self.known[param] = Value(_wide(param.type), param.name)
        arrays: dict[Value, Any] = {}
        ops: list[Op] = []
        for op in block.ops:
            made, values = self.expanded(op, arrays) if op.constant else self.widened(op)
            ops.extend(made)
            self.stand_in(op, values, ops)
        return Block([self.known[p] for p in block.params], ops, [self.known[v] for v in block.results])

    def stand_in(self, op: Op, values: list[Value], ops: list[Op]) -> None:
        """Let values, shaken if that is asked for, stand for the results of an op."""
        for old, new in zip(op.results, values, strict=True):
            self.known[old] = new
            unit = UNIT_ROUNDOFF.get(old.type.dtype) if isinstance(old.type, TensorType) else None
            single = op.constant and old.tensor.elements == 1
            if self.shake is not None and unit is not None and not single:
                self.shaken += 1
                seed, sign = self.shake
                ops.append(Shaken(new, unit=unit, seed=seed + self.shaken, sign=sign))
                self.known[old] = ops[-1].result

    def expanded(self, op: Op, arrays: dict[Value, Any]) -> Made:
        """Constants in place of the results of a constexpr op or a constant."""
        out = op.evaluate(*(None if v is None else arrays[v] for v in op.arguments()))
        made: list[Op] = []
        for value, array in zip(op.results, out if isinstance(out, tuple) else (out,), strict=True):
            arrays[value] = array
            dtype = _dtype(value.tensor.dtype)
            wide = np.asarray(array).astype(dtype.numpy) if dtype is DType.F64 else array
            made.append(Const(Tensor.of(wide, dtype)).named(value.name))
        return made, [new.result for new in made]

    def widened(self, op: Op) -> Made:
        """The op in float64."""
        try:
            wide = self.in_own_form(op)
        except OptcError:
            return self.between_casts(op)
        return [wide], list(wide.results)

    def between_casts(self, op: Op) -> Made:
        """The op in its own types, for what is given in float64 and gives float64 again."""
        made: list[Op] = []
        given: dict[Value, Value] = {}
        for value in op.operands:
            given[value] = self.known[value]
            if given[value].type != value.type:
                made.append(Cast(given[value], value.tensor.dtype))
                given[value] = made[-1].result
        made.append(op.with_operands(lambda v: given[v]).evolve(results=()))
        results: list[Value] = list(made[-1].results)
        for at, value in enumerate(results):
            if isinstance(value.type, TensorType) and value.type.dtype in NARROW:
                made.append(Cast(value, DType.F64))
                results[at] = made[-1].result
        return made, results

    def in_own_form(self, op: Op) -> Op:
        changes: dict[str, Any] = {"results": ()}
        for field in op.spec.attributes:
            held = getattr(op, field.name)
            if isinstance(held, DType):
                changes[field.name] = _dtype(held)
            if isinstance(held, Tensor) and held.dtype in NARROW:
                changes[field.name] = Tensor.of(held.array().astype(np.float64))
        for region in op.spec.regions:
            held = getattr(op, region.name)
            blocks = tuple(self.block(b) for b in (held if region.many else (held,)))
            changes[region.name] = blocks if region.many else blocks[0]
        return op.with_operands(lambda v: self.known[v]).evolve(**changes)
