"""The same program in float64: the yardstick for the rounding errors of narrower floats."""

from typing import Any

import numpy as np

from optc.ir.block import Block, Function, Program
from optc.ir.const import Const
from optc.ir.dtypes import FLOAT8S, FLOATS, DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import StateType, TensorType, Type
from optc.ir.value import Value

NARROW = (*FLOATS, *FLOAT8S)


def in_float64(program: Program) -> Program:
    """The program with every float type made float64; constants keep their values, weights are expanded first.

    Raises:
        OptcError: an op has no float64 form.
    """
    functions = []
    for function in program.functions:
        body = _block(function.body, {})
        functions.append(Function(function.name, body, function.output_names))
    return Program(tuple(functions), program.metadata)


def _wide(kind: Type) -> Type:
    if isinstance(kind, StateType):
        return StateType(kind.tensor.with_dtype(_dtype(kind.tensor.dtype)))
    return kind.with_dtype(_dtype(kind.dtype)) if isinstance(kind, TensorType) else kind


def _dtype(dtype: DType) -> DType:
    return DType.F64 if dtype in NARROW else dtype


def _block(block: Block, known: dict[Value, Value]) -> Block:
    for param in block.params:
        known[param] = Value(_wide(param.type), param.name)
    arrays: dict[Value, Any] = {}
    ops: list[Op] = []
    for op in block.ops:
        if op.constant:
            ops.extend(_expanded(op, arrays, known))
        else:
            ops.append(_op(op, known))
    return Block([known[p] for p in block.params], ops, [known[v] for v in block.results])


def _expanded(op: Op, arrays: dict[Value, Any], known: dict[Value, Value]) -> list[Const]:
    """Constants in place of the results of a constexpr op or a constant."""
    out = op.evaluate(*(None if v is None else arrays[v] for v in op.arguments()))
    made = []
    for value, array in zip(op.results, out if isinstance(out, tuple) else (out,), strict=True):
        arrays[value] = array
        dtype = _dtype(value.tensor.dtype)
        wide = np.asarray(array).astype(dtype.numpy) if dtype is DType.F64 else array
        const = Const(Tensor.of(wide, dtype)).named(value.name)
        known[value] = const.result
        made.append(const)
    return made


def _op(op: Op, known: dict[Value, Value]) -> Op:
    changes: dict[str, Any] = {"results": ()}
    for field in op.spec.attributes:
        held = getattr(op, field.name)
        if isinstance(held, DType):
            changes[field.name] = _dtype(held)
        if isinstance(held, Tensor) and held.dtype in NARROW:
            changes[field.name] = Tensor.of(held.array().astype(np.float64))
    for region in op.spec.regions:
        held = getattr(op, region.name)
        blocks = tuple(_block(b, known) for b in (held if region.many else (held,)))
        changes[region.name] = blocks if region.many else blocks[0]
    made = op.with_operands(lambda v: known[v]).evolve(**changes)
    known.update(zip(op.results, made.results, strict=True))
    return made
