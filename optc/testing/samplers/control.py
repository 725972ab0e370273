"""Samplers of control flow: blocks of a few ops, some of which use values from outside."""

from collections.abc import Mapping

from optc.ir.block import Block
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.compare import Less
from optc.ops.control import Cond, WhileLoop
from optc.ops.elementwise import Add, Sub
from optc.ops.unary import Neg
from optc.testing.source import Sampler, Source

# Not bfloat16, which a runtime can carry through a block, but not hand out to NumPy.
_NUMBERS = (DType.F32, DType.F16, DType.F64, DType.I64)


def change(s: Source, into: Builder, x: Value, others: tuple[Value, ...]) -> Value:
    """A value of the type of `x`, computed from it in a few ops, or `x` itself."""
    for _ in range(s.integer(0, 2)):
        y = s.choice([v for v in (x, *others) if v.type == x.type])
        x = into.add(s.choice((Add, Sub))(x, y) if s.boolean() else Neg(x))
    return x


def _cond(s: Source) -> Op:
    """Both blocks change the same values; some of their results are values from outside, or constants."""
    starts = tuple(s.some(_NUMBERS) for _ in range(s.integer(1, 2)))

    def branch() -> Block:
        inner = Builder()
        own = tuple(_constant_like(s, inner, v) if s.integer(0, 3) == 0 else v for v in starts)
        return inner.block(*(change(s, inner, v, starts) for v in own))

    condition = s.builder.param(TensorType(DType.BOOL), f"c{len(s.builder.params)}")
    return Cond(condition, branch(), branch())


def _constant_like(s: Source, into: Builder, value: Value) -> Value:
    kind = value.tensor
    return into.const(s.array(kind.dtype, kind.static_shape), dtype=kind.dtype)


def _loop(s: Source) -> Op:
    """A loop of at most three iterations, ended by the count, by a comparison in the body, or by both."""
    initial = tuple(s.some(_NUMBERS) for _ in range(s.integer(0, 2)))
    trips = s.integer(0, 3)
    body = Builder()
    iteration = body.param(TensorType(DType.I64), "i")
    going = body.param(TensorType(DType.BOOL), "going")
    carried = tuple(body.param(v.type, f"carried{n}") for n, v in enumerate(initial))
    around = (*carried, *initial, iteration)
    last = tuple(change(s, body, v, around) for v in carried)
    scanned = tuple(
        change(s, body, s.choice((*carried, iteration)), around) for _ in range(s.integer(0 if initial else 1, 2))
    )
    start = s.constant(s.integer(0, 3) != 0, DType.BOOL) if s.boolean() else None
    if s.boolean():
        going = body.add(Less(iteration, body.const(s.integer(0, 2), dtype=DType.I64)))
        count = s.constant(trips, DType.I64) if s.boolean() else None
    else:
        count = s.constant(trips, DType.I64)
    return WhileLoop(body.block(going, *last, *scanned), count, start, initial)


SAMPLERS: Mapping[type[Op], Sampler] = {Cond: _cond, WhileLoop: _loop}
