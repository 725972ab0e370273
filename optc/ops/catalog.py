"""The catalog: every op that optc knows, by its name in the text form. Listed here, never registered by import."""

from collections.abc import Mapping

from optc.ir.const import Const
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ops import (
    activations,
    attention,
    bitwise,
    cast,
    clip,
    compare,
    constexpr,
    control,
    conv,
    create,
    dynamic_reduce,
    einsum,
    elementwise,
    gather,
    join,
    matmul,
    norm,
    order,
    pad,
    pool,
    quantize,
    recurrent,
    reduce,
    resize,
    scatter,
    shape,
    slice,
    softmax,
    space,
    state,
    trigonometry,
    unary,
)

FAMILIES = (
    elementwise,
    unary,
    trigonometry,
    bitwise,
    clip,
    compare,
    activations,
    softmax,
    cast,
    reduce,
    dynamic_reduce,
    order,
    conv,
    einsum,
    matmul,
    pool,
    norm,
    attention,
    recurrent,
    constexpr,
    quantize,
    control,
    state,
    shape,
    join,
    slice,
    pad,
    resize,
    space,
    gather,
    scatter,
    create,
)

OPS: tuple[type[Op], ...] = (Const, Opaque, *(op for family in FAMILIES for op in family.OPS))
CATALOG: Mapping[str, type[Op]] = {op.op_name: op for op in OPS}
