"""Samplers of state ops."""

from collections.abc import Mapping

from optc.ir.dtypes import FLOATS
from optc.ir.op import Op
from optc.ir.types import StateType, TensorType
from optc.ir.value import Value
from optc.ops.state import StateRead, StateWrite
from optc.testing.source import Sampler, Source


def _state(s: Source, kind: TensorType) -> Value:
    return s.builder.param(StateType(kind), f"state{len(s.builder.params)}")


def _write(s: Source) -> Op:
    value = s.some(FLOATS)
    return StateWrite(_state(s, value.tensor), value)


SAMPLERS: Mapping[type[Op], Sampler] = {
    StateRead: lambda s: StateRead(_state(s, TensorType(s.choice(FLOATS), s.shape()))),
    StateWrite: _write,
}
