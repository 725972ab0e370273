"""Recognises weights that standard ONNX operators expand from constants, once a model is read."""

from operator import is_

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import FLOAT8S, UNSIGNED_INDEX, DType
from optc.ir.liveness import definitions
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops import constexpr as c
from optc.ops.cast import Cast
from optc.ops.gather import Gather

Defined = dict[Value, Op]


def fold_compressed(program: Program) -> Program:
    """The program with the forms of compressed weights as constexpr ops, without what only they used.

    A gather over a constant table, by constant indices that are cast to a wider integer type, is
    `constexpr.lut_to_dense`; a cast of a constant of a narrow float type is `constexpr.cast`. Results stay the
    same values. Constants that nothing uses are dropped.
    """
    return program.map_bodies(_fold_function)


def _fold_function(body: Block) -> Block:
    folded = _fold(body, definitions(body))
    return _without_unused(folded, definitions(folded), set())


def _fold(block: Block, defined: Defined) -> Block:
    builder = Builder()
    builder.params = list(block.params)
    for op in block.ops:
        outer = _with_blocks(op, [_fold(b, defined) for b in op.blocks])
        builder.append(_expansion(outer, defined, builder))
    return _with_ops(block, builder.ops)


def _with_ops(block: Block, ops: list[Op]) -> Block:
    """The block with other ops; itself if they are the same."""
    same = len(ops) == len(block.ops) and all(map(is_, ops, block.ops))
    return block if same else Block(block.params, ops, block.results)


def _with_blocks(op: Op, blocks: list[Block]) -> Op:
    """The op with other nested blocks; itself if they are the same."""
    if all(map(is_, blocks, op.blocks)):
        return op
    rest = iter(blocks)
    changes = {}
    for field in op.spec.regions:
        held = getattr(op, field.name)
        changes[field.name] = tuple(next(rest) for _ in held) if field.many else next(rest)
    return op.evolve(**changes)


def _expansion(op: Op, defined: Defined, builder: Builder) -> Op:
    """The constexpr op that an op is, or the op itself."""
    if isinstance(op, Cast):
        return _weight_cast(op, defined)
    return _table_lookup(op, defined, builder) if isinstance(op, Gather) else op


def _weight_cast(op: Cast, defined: Defined) -> Op:
    stored = op.x.tensor.dtype
    narrow = stored in (DType.F16, DType.BF16, *FLOAT8S) and stored.bits < op.to.bits
    if not narrow or op.to not in (DType.F32, DType.F16) or not isinstance(defined.get(op.x), Const):
        return op
    return c.ConstexprCast(op.x, op.to, results=op.results) if op.x.tensor.rank else op


def _table_lookup(op: Gather, defined: Defined, builder: Builder) -> Op:
    table, wide = defined.get(op.x), defined.get(op.indices)
    if not isinstance(table, Const) or not isinstance(wide, Cast) or op.axis != 0:
        return op
    codes = defined.get(wide.x)
    kind = wide.x.tensor
    if codes is None or not codes.constant or kind.dtype not in UNSIGNED_INDEX or kind.rank == 0:
        return op
    tensor = table.value
    if tensor.shape != (1 << kind.dtype.bits,) or tensor.dtype not in c.ENTRIES:
        return op
    lut = Tensor(tensor.dtype, (*(1 for _ in kind.shape), *tensor.shape, 1), tensor.storage)
    return c.LutToDense(wide.x, builder.const(lut, op.x.name), results=op.results)


def _without_unused(block: Block, defined: Defined, used: set[Value]) -> Block:
    """The block without constants, and casts of constants, that nothing uses; `used` collects what is used."""
    used.update(block.results)
    kept: list[Op] = []
    for op in reversed(block.ops):
        source = defined.get(op.x) if isinstance(op, Cast) else None
        if (isinstance(op, Const) or (source is not None and source.constant)) and op.result not in used:
            continue
        kept.append(_with_blocks(op, [_without_unused(b, defined, used) for b in op.blocks]))
        used.update(op.operands)
    kept.reverse()
    return _with_ops(block, kept)
