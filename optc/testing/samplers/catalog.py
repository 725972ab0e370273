"""The samplers of all ops, by op class."""

from collections.abc import Mapping

from optc.ir.op import Op
from optc.testing.samplers import (
    activations,
    attention,
    compare,
    constexpr,
    control,
    elementwise,
    gather,
    matmul,
    norm,
    quantize,
    recurrent,
    reduce,
    shape,
    state,
    window,
)
from optc.testing.source import Sampler

FAMILIES = (
    elementwise,
    compare,
    activations,
    reduce,
    matmul,
    window,
    norm,
    attention,
    recurrent,
    constexpr,
    quantize,
    control,
    state,
    shape,
    gather,
)

SAMPLERS: Mapping[type[Op], Sampler] = {op: sampler for family in FAMILIES for op, sampler in family.SAMPLERS.items()}
