"""Float16: weights are stored, and ops compute, in half the bytes of float32."""

from collections.abc import Mapping
from typing import ClassVar

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.liveness import definitions, free_values, result_uses, users
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ir.rewriter import substitute
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.cast import Cast
from optc.ops.clip import Clip
from optc.ops.compare import Select
from optc.ops.constexpr import ConstexprCast, ShiftScale, SparseShiftScale
from optc.ops.create import DynamicFill, DynamicRange, Fill, Range
from optc.ops.elementwise import Binary, Unary
from optc.ops.join import Concat, Split, Stack
from optc.ops.quantize import Dequantize, DynamicQuantize, Quantize
from optc.ops.shape import Reshaping, Transpose
from optc.ops.slice import Slice
from optc.ops.state import StateRead, StateWrite
from optc.ops.weights import weights_of
from optc.pipeline.passes import Pass, PassContext, option

_KEPT = (Opaque, StateRead, StateWrite, Range, DynamicRange, Quantize, Dequantize, DynamicQuantize)
"""Ops that stay as they are: their types are a contract, or count exactly."""
_LIGHT = (Unary, Binary, Clip, Select, Reshaping, Transpose, Concat, Stack, Split, Slice)
_MOST_ERROR_OF_A_SCALE = 2.0**-8


@attrs.frozen
class Float16(Pass):
    """Store float32 weights in float16, and compute in it.

    before:  %w = const() {value = f32[64,32] ...} : f32[64,32]
             %y = linear(%x, %w) : f32[n,64]
    after:   %w = const() {value = f16[64,32] ...} : f16[64,32]
             %0 = cast(%x) {to = f16} : f16[n,32]
             %1 = linear(%0, %w) : f16[n,64]
             %y = cast(%1) {to = f32} : f32[n,64]

    Inputs and outputs keep their types. An op stays in float32 where float16 has no such number: one of its constants
    is larger than 65,504, or is a scale that float16 would change by more than one part in 256. So do nested blocks,
    states, opaque ops and the quantization of activations.

    With `tail=float32` so does what follows the last layers, element by element, up to the outputs: softmax, sigmoid,
    reshaping. It costs little, and the outputs, which are float32, are not rounded once more.

    Each weight gets a remark: `float16`, `out-of-range`, `in-float32-op` or `not-float32`.
    """

    name: ClassVar[str] = "float16"
    idempotent: ClassVar[bool] = True
    tail: str = option("float32", one_of=("float32", "float16"), help="what computes between last layers and outputs")

    def run(self, program: Program, cx: PassContext) -> Program:
        made = program.map_bodies(lambda body: _Halved(body, _tail(body) if self.tail == "float32" else set()).result())
        after = {w.name: w for w in weights_of(made)}
        for weight in weights_of(program):
            found = after.get(weight.name)
            before = weight.stored_bytes
            if weight.value.tensor.dtype is not DType.F32:
                cx.remark(weight.name, "skipped", "not-float32", bytes_before=before, bytes_after=before)
            elif found is not None and found.value.tensor.dtype is DType.F16:
                cx.remark(
                    weight.name,
                    "done",
                    "float16",
                    scheme=found.form,
                    bytes_before=before,
                    bytes_after=found.stored_bytes,
                )
                cx.count("float16")
            else:
                reason = "out-of-range" if not _fits(weight.chain) else "in-float32-op"
                cx.remark(weight.name, "skipped", reason, bytes_before=before, bytes_after=before)
        return made


def _tail(body: Block) -> set[Value]:
    """Results of the ops, of light kinds, from which nothing but outputs follows."""
    uses = users(body)
    outputs = result_uses(body)
    found: set[Value] = set()
    for op in reversed(body.ops):
        followed = all(set(user.results) <= found for value in op.results for user in uses.get(value, ()))
        used = any(value in outputs or value in uses for value in op.results)
        if isinstance(op, _LIGHT) and followed and used:
            found.update(op.results)
    return found


def _fits(chain: tuple[Op, ...]) -> bool:
    """Whether float16 has the numbers that a weight is made of."""
    scales = {op.scale for op in chain if isinstance(op, ShiftScale | SparseShiftScale)}
    return all(_has(op.value, op.result in scales) for op in chain if isinstance(op, Const))


def _has(tensor: Tensor, scale: bool) -> bool:
    if tensor.dtype is not DType.F32:
        return True
    array = tensor.array()
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    if not np.array_equal(np.isinf(array), np.isinf(half)):
        return False
    if not scale:
        return True
    apart = np.abs(half.astype(np.float64) - array.astype(np.float64))
    return bool((apart <= _MOST_ERROR_OF_A_SCALE * np.abs(array.astype(np.float64))).all())


class _Halved:
    """A function's body in float16. Constants are added where they are first used, in the form that is asked for."""

    def __init__(self, body: Block, tail: set[Value]) -> None:
        self.body = body
        self.tail = tail
        self.defined = definitions(body)
        self.builder = Builder()
        self.builder.params = list(body.params)
        self.halves: dict[Value, Value] = {}
        """Values of the old body in float16."""
        self.same: dict[Value, Value] = {value: value for value in body.params}
        """Values of the old body in their own type."""
        self.fitting: dict[Value, bool] = {}
        self.changed = False

    def result(self) -> Block:
        """The new body; the old one if nothing of it can be narrower."""
        for op in self.body.ops:
            if not op.constant:
                self._op(op)
        results = [self.own(value) for value in self.body.results]
        return self.builder.block(*results) if self.changed else self.body

    def own(self, value: Value) -> Value:
        """A value of the old body in its own type."""
        if value not in self.same:
            op = self.defined[value]
            if value in self.halves and not op.constant:
                self.same[value] = self.builder.add(Cast(self.halves[value], DType.F32), value.name)
            else:  # a constant that nothing has asked for yet
                op = op.with_operands(self.own)
                self.same.update(zip(self.defined[value].results, self.builder.append(op), strict=True))
        return self.same[value]

    def half(self, value: Value) -> Value:
        """A float32 value of the old body in float16; any other as it is."""
        if not _is_single(value):
            return self.own(value)
        if value not in self.halves:
            op = self.defined.get(value)
            if op is not None and op.constant and self._fits(value):
                self._add_constant(op)
            else:
                self.halves[value] = self.builder.add(Cast(self.own(value), DType.F16), value.name)
        return self.halves[value]

    def _fits(self, value: Value) -> bool:
        """Whether a constant can be in float16."""
        if value not in self.fitting:
            chain, waiting = [], [value]
            while waiting:
                op = self.defined[waiting.pop()]
                chain.append(op)
                waiting += op.operands
            self.fitting[value] = _fits(tuple(chain))
        return self.fitting[value]

    def _add_constant(self, op: Op) -> None:
        self.changed = True
        if isinstance(op, Const):
            made: Op = Const(Tensor.of(op.value.array().astype(np.float16)))
        elif isinstance(op, ConstexprCast):
            if op.x.tensor.dtype is DType.F16:
                self.halves[op.result] = self.own(op.x)
                return
            made = op.evolve(to=DType.F16, x=self.own(op.x), results=())
        else:
            made = op.with_operands(self.half).evolve(results=())
        named = made.named(*(value.name for value in op.results))
        for old, new in zip(op.results, self.builder.append(named), strict=True):
            (self.halves if _is_single(old) else self.same)[old] = new

    def _op(self, op: Op) -> None:
        if isinstance(op, Cast) and op.to is DType.F32 and op.x.tensor.dtype is DType.F16:
            self.halves[op.result] = self.own(op.x)
            return
        if isinstance(op, Cast) and op.to is DType.F16 and op.x.tensor.dtype is DType.F32:
            self.same[op.result] = self.half(op.x)
            return
        made = self._narrow(op)
        if made is None:
            captured: Mapping[Value, Value] = {v: self.own(v) for b in op.blocks for v in free_values(b)}
            kept = op.with_operands(self.own).with_blocks(lambda block: substitute(block, captured))
            self.builder.append(kept)
            self.same.update(zip(op.results, kept.results, strict=True))
            return
        self.changed = True
        results = tuple(
            Value(_like(old, new.tensor.dtype), old.name) for old, new in zip(op.results, made.results, strict=True)
        )
        self.builder.append(made.evolve(results=results))
        for old, new in zip(op.results, results, strict=True):
            (self.halves if _is_single(old) and not _is_single(new) else self.same)[old] = new

    def _narrow(self, op: Op) -> Op | None:
        """The op in float16; None if it stays as it is."""
        singles = [v for v in (*op.operands, *op.results) if _is_single(v)]
        if not singles or isinstance(op, _KEPT) or op.blocks or not self.tail.isdisjoint(op.results):
            return None
        constants = [v for v in op.operands if v in self.defined and self.defined[v].constant and _is_single(v)]
        if not all(map(self._fits, constants)):
            return None
        if isinstance(op, Fill | DynamicFill):
            return self._filled(op)
        if isinstance(op, Cast) and op.to is DType.F32:
            return op.evolve(x=self.own(op.x), to=DType.F16, results=())
        try:
            made = op.with_operands(self.half).evolve(results=())
        except OptcError:  # an op that float16 has not; what was made for it is for `dead-code`
            return None
        return made if all(isinstance(v.type, TensorType) for v in made.results) else None

    def _filled(self, op: Fill | DynamicFill) -> Op | None:
        if not _has(op.value, scale=False):
            return None
        value = Tensor.of(op.value.array().astype(np.float16))
        return op.with_operands(self.own).evolve(value=value, results=())


def _is_single(value: Value) -> bool:
    return isinstance(value.type, TensorType) and value.type.dtype is DType.F32


def _like(value: Value, dtype: DType) -> TensorType:
    """The type of a value, with another element type."""
    return value.tensor.with_dtype(dtype)
