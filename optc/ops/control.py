"""Control flow: a choice between two blocks, and a loop over one."""

from typing import Any

import numpy as np

from optc.ir.block import Block
from optc.ir.dims import UNKNOWN, Dim
from optc.ir.dtypes import Array, DType
from optc.ir.fields import operand, region
from optc.ir.op import Inferred, Op, RunBlock, op
from optc.ir.types import TensorType, Type, type_refines
from optc.ir.value import Value


def joined(a: Type, b: Type) -> Type | None:
    """The type of a value that is of one type or of the other: sizes that differ are unknown; None if there is none."""
    if a == b:
        return a
    if not (isinstance(a, TensorType) and isinstance(b, TensorType)) or a.dtype is not b.dtype or a.rank != b.rank:
        return None
    return a.with_shape(tuple(x if x == y else UNKNOWN for x, y in zip(a.shape, b.shape, strict=True)))


def _block_operations(block: Block) -> Dim:
    total: Any = 0
    for inner in block.ops:
        total = total + inner.operations()
    return total  # type: ignore[no-any-return]  # Dim arithmetic is typed Any


def _scalar(op: Op, name: str, value: Value | None) -> None:
    if value is not None and value.tensor.rank:
        raise op.refuse("operand-rank", f"rank of operand {name}", 0, value.tensor.rank)


@op("cond")
class Cond(Op):
    """The results of the block `then` if `condition` (a scalar) is true, else those of the block `else`.

    Both blocks take no parameters and give results of the same element types and ranks; where sizes differ they
    are unknown in the result.
    """

    condition: Value = operand(DType.BOOL)
    then: Block = region()
    else_: Block = region()

    def infer(self) -> Inferred:
        _scalar(self, "condition", self.condition)
        for name, block in self.named_blocks():
            if block.params:
                raise self.refuse("region-params", f"number of parameters of {name}", 0, len(block.params))
        if len(self.then.results) != len(self.else_.results):
            raise self.refuse(
                "region-results", "number of results of else", len(self.then.results), len(self.else_.results)
            )
        types = []
        for a, b in zip(self.then.results, self.else_.results, strict=True):
            kind = joined(a.type, b.type)
            if kind is None:
                raise self.refuse("region-results", "type of a result of else", f"like {a.type} of then", b.type)
            types.append(kind)
        return tuple(types)

    def execute(self, operands: tuple[Any, ...], run: RunBlock) -> tuple[Array, ...]:
        return run(self.then if bool(operands[0]) else self.else_, ())

    def operations(self) -> Dim:
        a, b = _block_operations(self.then), _block_operations(self.else_)
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        return a if a == b else UNKNOWN


@op("while_loop")
class WhileLoop(Op):
    """Run `body` while `condition` holds, at most `trip_count` times; either may be absent (always, without bound).

    `body` takes the number of the iteration (i64), the condition (bool), and the carried values, which start as
    `initial`; it gives the next condition, the next carried values, and any number of scanned values. The results
    are the last carried values, then each scanned value of all iterations stacked along a new first axis. A carried
    value has the type of its parameter, which its initial value and the body's result must refine.

    Unlike what ONNX's text says, and like what its runtimes do, the body's condition counts also where `condition`
    is absent. If the body never runs, scanned values of unknown size come out with size 0.
    """

    body: Block = region()
    trip_count: Value | None = operand(DType.I64, default=None)
    condition: Value | None = operand(DType.BOOL, default=None)
    initial: tuple[Value, ...] = operand(default=())

    def infer(self) -> Inferred:
        _scalar(self, "trip_count", self.trip_count)
        _scalar(self, "condition", self.condition)
        carried = len(self.initial)
        params, results = self.body.params, self.body.results
        if len(params) != 2 + carried:
            raise self.refuse("region-params", "number of parameters of body", 2 + carried, len(params))
        if len(results) < 1 + carried:
            raise self.refuse("region-results", "number of results of body", f"at least {1 + carried}", len(results))
        self._expect("region-params", "type of the first parameter of body", TensorType(DType.I64), params[0].type)
        self._expect("region-params", "type of the second parameter of body", TensorType(DType.BOOL), params[1].type)
        self._expect("region-results", "type of the first result of body", TensorType(DType.BOOL), results[0].type)
        for param, first, last in zip(params[2:], self.initial, results[1:], strict=False):
            self._expect("carried-type", "type of an initial value", param.type, first.type)
            self._expect("carried-type", "type of a carried result of body", param.type, last.type)
        return (*(p.type for p in params[2:]), *(self._stacked(v) for v in results[1 + carried :]))

    def _expect(self, slug: str, what: str, expected: Type, actual: Type) -> None:
        if not isinstance(expected, TensorType) or not type_refines(actual, expected):
            raise self.refuse(slug, what, expected, actual)

    def _stacked(self, value: Value) -> TensorType:
        if not isinstance(value.type, TensorType):
            raise self.refuse("region-results", "type of a scanned result of body", "a tensor", value.type)
        return value.tensor.with_shape((UNKNOWN, *value.tensor.shape))

    def execute(self, operands: tuple[Any, ...], run: RunBlock) -> tuple[Array, ...]:
        trip_count, condition, carried = operands
        going = True if condition is None else bool(condition)
        scanned: list[list[Array]] = [[] for _ in self.body.results[1 + len(carried) :]]
        iteration = 0
        while going and (trip_count is None or iteration < int(trip_count)):
            out = run(self.body, (np.array(iteration, np.int64), np.array(going), *carried))
            going, carried = bool(out[0]), out[1 : 1 + len(carried)]
            for rows, row in zip(scanned, out[1 + len(carried) :], strict=True):
                rows.append(row)
            iteration += 1
        results = self.results[len(carried) :]
        return (*carried, *(self._stack(rows, r) for rows, r in zip(scanned, results, strict=True)))

    def _stack(self, rows: list[Array], result: Value) -> Array:
        if not rows:
            shape = (dim if isinstance(dim, int) else 0 for dim in result.tensor.shape[1:])
            return np.zeros((0, *shape), result.tensor.dtype.numpy)
        if any(row.shape != rows[0].shape for row in rows):
            raise self.refuse("scan-shape", "shape of a scanned value", "the same in each iteration")
        return np.stack(rows)

    def operations(self) -> Dim:
        return UNKNOWN


OPS: tuple[type[Op], ...] = (Cond, WhileLoop)
