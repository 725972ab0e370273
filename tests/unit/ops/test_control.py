"""Control flow: which block runs, how often, and which blocks are refused."""

from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.block import Block
from optc.ir.builder import Builder
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.interpreter import interpret
from optc.ir.op import Op
from optc.ir.types import TensorType, UnknownType
from optc.ir.value import Value
from optc.ops.compare import Less
from optc.ops.control import Cond, WhileLoop
from optc.ops.elementwise import Add
from optc.ops.unary import Neg

F32 = TensorType(DType.F32, (2,))
FLAG, COUNT = TensorType(DType.BOOL), TensorType(DType.I64)


def giving(*kinds: Any, params: tuple[Any, ...] = ()) -> Block:
    """A block of which only the types matter."""
    return Block([Value(k) for k in params], [], [Value(k) for k in kinds])


@pytest.mark.parametrize(("condition", "expected"), [(True, [-1, -2]), (False, [2, 4])])
def test_cond_runs_one_block_on_values_from_outside(condition: bool, expected: list[float]) -> None:
    b, then, else_ = Builder(), Builder(), Builder()
    c, x = b.param(FLAG, "c"), b.param(F32, "x")
    y = b.add(Cond(c, then.block(then.add(Neg(x))), else_.block(else_.add(Add(x, x)))))
    out = interpret(b.program(y=y), {"c": np.array(condition), "x": np.array([1, 2], np.float32)})
    assert out["y"].tolist() == expected


def test_sizes_that_differ_between_the_blocks_are_unknown() -> None:
    n = SymDim.named("n")
    a, b = TensorType(DType.F32, (2, n, 3)), TensorType(DType.F32, (2, 4, n))
    assert Cond(Value(FLAG), giving(a), giving(b)).result.type == TensorType(DType.F32, (2, UNKNOWN, UNKNOWN))


def test_cond_costs_as_much_as_the_dearer_block() -> None:
    cheap, dear = Builder(), Builder()
    x = Value(F32)
    cheap.add(Neg(x))
    dear.add(Neg(dear.add(Neg(x))))
    assert Cond(Value(FLAG), cheap.block(), dear.block()).operations() == 4


def counting_loop(trips: int | None, start: bool | None, limit: int) -> dict[str, Any]:
    """Runs a loop that adds the iteration to a number, scans that, and goes on while the iteration is below `limit`."""
    b, body = Builder(), Builder()
    i, _, total = body.param(COUNT), body.param(FLAG), body.param(COUNT)
    new = body.add(Add(total, i))
    going = body.add(Less(i, body.const(limit, dtype=DType.I64)))
    loop = WhileLoop(
        body.block(going, new, new),
        None if trips is None else b.const(trips, dtype=DType.I64),
        None if start is None else b.const(start, dtype=DType.BOOL),
        (b.const(10, dtype=DType.I64),),
    )
    last, scanned = b.append(loop)
    return {k: v.tolist() for k, v in interpret(b.program(last=last, scanned=scanned), {}).items()}


@pytest.mark.parametrize(
    ("trips", "start", "limit", "expected"),
    [
        (3, True, 9, {"last": 13, "scanned": [10, 11, 13]}),
        (9, None, 1, {"last": 11, "scanned": [10, 11]}),
        (None, None, 2, {"last": 13, "scanned": [10, 11, 13]}),
        (3, False, 9, {"last": 10, "scanned": []}),
        (0, True, 9, {"last": 10, "scanned": []}),
        (-1, None, 9, {"last": 10, "scanned": []}),
    ],
)
def test_a_loop_ends_at_its_count_or_its_condition(
    trips: int | None, start: bool | None, limit: int, expected: dict[str, Any]
) -> None:
    assert counting_loop(trips, start, limit) == expected


def test_a_scanned_value_that_changes_its_shape_is_refused_when_it_does() -> None:
    kind = TensorType(DType.F32, (UNKNOWN,))
    loop = WhileLoop(giving(FLAG, kind, params=(COUNT, FLAG)), Value(COUNT), None)
    shapes = iter([2, 3])

    def run(block: Block, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        return np.array(True), np.zeros(next(shapes), np.float32)

    with pytest.raises(OptcError) as caught:
        loop.execute((np.array(2), None, ()), run)
    assert caught.value.slug == "scan-shape"


def test_a_carried_value_may_lose_what_is_known_of_its_shape() -> None:
    wide = TensorType(DType.F32, (UNKNOWN,))
    loop = WhileLoop(giving(FLAG, wide, params=(COUNT, FLAG, wide)), Value(COUNT), None, (Value(F32),))
    assert loop.result.type == wide


def loop(body: Block, *initial: Any) -> Op:
    return WhileLoop(body, Value(COUNT), Value(FLAG), tuple(Value(k) for k in initial))


@pytest.mark.parametrize(
    ("slug", "build"),
    [
        ("operand-rank", lambda: Cond(Value(TensorType(DType.BOOL, (1,))), giving(), giving())),
        ("region-params", lambda: Cond(Value(FLAG), giving(params=(F32,)), giving())),
        ("region-results", lambda: Cond(Value(FLAG), giving(F32), giving())),
        ("region-results", lambda: Cond(Value(FLAG), giving(F32), giving(FLAG))),
        ("region-results", lambda: Cond(Value(FLAG), giving(F32), giving(TensorType(DType.F32)))),
        ("operand-rank", lambda: WhileLoop(giving(FLAG, params=(COUNT, FLAG)), Value(TensorType(DType.I64, (1,))))),
        ("region-params", lambda: loop(giving(FLAG))),
        ("region-params", lambda: loop(giving(FLAG, params=(COUNT, COUNT)))),
        ("region-params", lambda: loop(giving(FLAG, params=(FLAG, FLAG)))),
        ("region-results", lambda: loop(giving(params=(COUNT, FLAG)))),
        ("region-results", lambda: loop(giving(F32, params=(COUNT, FLAG)))),
        ("region-results", lambda: loop(giving(FLAG, UnknownType(), params=(COUNT, FLAG)))),
        ("carried-type", lambda: loop(giving(FLAG, F32, params=(COUNT, FLAG, F32)), FLAG)),
        ("carried-type", lambda: loop(giving(FLAG, FLAG, params=(COUNT, FLAG, F32)), F32)),
    ],
)
def test_blocks_of_the_wrong_types_are_refused(slug: str, build: Any) -> None:
    with pytest.raises(OptcError) as caught:
        build()
    assert caught.value.slug == slug
