"""The samplers of all ops, by op class."""

from collections.abc import Mapping

from optc.ir.op import Op
from optc.testing.samplers import elementwise
from optc.testing.source import Sampler

FAMILIES = (elementwise,)

SAMPLERS: Mapping[type[Op], Sampler] = {op: sampler for family in FAMILIES for op, sampler in family.SAMPLERS.items()}
