"""The memory plan of a lowered program: what is resident on each unit, and where its activations lie, by liveness.

A buffer is a value of `@predict` on a unit: the result of a kernel, what is handed over to it, or an input that it
uses. It lives from the op that makes it (an input from the start) to the last op of that unit that uses it, and a
result of the program to the end. Both operands and results of an op are alive while it runs. Views share the buffer
of what they view; what stays inside a kernel has none.
"""

from collections.abc import Mapping, Sequence

import attrs

from backends.cost_table import Device
from backends.kernels import VIEWS
from backends.lowered_ops import HandOver, KernelOp
from backends.lowering import PREDICT_FUNCTION, Lowered
from backends.sizes import Sizes, traffic_of
from backends.uses import dtype_bits
from optc.ir.const import Const
from optc.ir.liveness import uses_of
from optc.ir.types import StateType
from optc.ir.value import Value


@attrs.frozen
class Buffer:
    """Memory for one value on a unit (and its views).

    `first` and `last` are the numbers of the ops of `@predict` between which it is in use, both included; results of
    the program are until the number after the last op. `offset` is where it lies in the unit's arena, in bytes.
    """

    name: str
    size: int
    first: int
    last: int
    offset: int = 0


@attrs.frozen
class UnitMemory:
    """Sizes in bytes.

    `resident_bytes`: weights, expanded or as they are stored, constants and states, of kernels on the unit; floats that
    it computes with in its own element type. `peak_bytes`: the most activations alive at once, below which no
    assignment can be. `arena_bytes`: the height of the assignment in `buffers`.
    """

    resident_bytes: int
    peak_bytes: int
    arena_bytes: int
    buffers: tuple[Buffer, ...]


@attrs.frozen
class MemoryPlan:
    """The memory of each unit that runs a kernel."""

    units: Mapping[str, UnitMemory]


def memory_plan(lowered: Lowered, device: Device, sizes: Sizes) -> MemoryPlan:
    """Plan the memory of each unit; `sizes` says what symbolic dimensions are taken to be.

    Raises:
        UsageError: slug `no-such-unit`: the device lacks a unit that a kernel runs on.
    """
    body = lowered.program.function(PREDICT_FUNCTION).body
    units = dict.fromkeys(op.unit for op in body.ops if isinstance(op, KernelOp))
    bits = {unit: dtype_bits(device.unit(unit).dtype) for unit in units}
    walk = _Walk(lowered, bits, sizes)
    return MemoryPlan({unit: _unit_memory(walk.resident[unit], walk.found[unit], len(body.ops)) for unit in units})


def _unit_memory(resident: Mapping[Value, int], found: "Sequence[_Open]", end: int) -> UnitMemory:
    buffers = placed([Buffer(b.name, b.size, b.first, b.last) for b in found])
    height = _height([b.offset for b in buffers], [b.size for b in buffers])
    return UnitMemory(sum(resident.values()), _peak(buffers, end), height, tuple(buffers))


def _peak(buffers: Sequence[Buffer], end: int) -> int:
    change = [0] * (end + 2)
    for buffer in buffers:
        change[buffer.first] += buffer.size
        change[buffer.last + 1] -= buffer.size
    peak = alive = 0
    for step in change:
        alive += step
        peak = max(peak, alive)
    return peak


def placed(buffers: Sequence[Buffer]) -> list[Buffer]:
    """The buffers with offsets such that no two that are alive at once overlap.

    Each lies as low as there is room for it, in two orders of which the better counts: as they come to be, and the
    largest first. Time is linear in the buffers and in how many pairs of them are alive at once.
    """
    beside = _alive_together(buffers)
    size = [buffer.size for buffer in buffers]
    came = sorted(range(len(buffers)), key=lambda n: (buffers[n].first, -size[n]))
    large = sorted(came, key=lambda n: -size[n])
    offsets = min((_first_fit(order, size, beside) for order in (came, large)), key=lambda found: _height(found, size))
    return [attrs.evolve(buffer, offset=offset) for buffer, offset in zip(buffers, offsets, strict=True)]


def _alive_together(buffers: Sequence[Buffer]) -> list[list[int]]:
    """For each buffer that is not empty, the others that are alive at some time when it is, by number."""
    beside: list[list[int]] = [[] for _ in buffers]
    alive: list[int] = []
    for number in sorted((n for n, b in enumerate(buffers) if b.size), key=lambda n: buffers[n].first):
        alive = [other for other in alive if buffers[other].last >= buffers[number].first]
        beside[number] += alive
        for other in alive:
            beside[other].append(number)
        alive.append(number)
    return beside


def _first_fit(order: Sequence[int], size: Sequence[int], beside: Sequence[Sequence[int]]) -> list[int]:
    offsets = [-1] * len(order)
    for number in order:
        end = 0
        for offset, after in sorted((offsets[n], offsets[n] + size[n]) for n in beside[number] if offsets[n] >= 0):
            if offset - end >= size[number]:
                break
            end = max(end, after)
        offsets[number] = end
    return offsets


def _height(offsets: Sequence[int], size: Sequence[int]) -> int:
    return max((offset + length for offset, length in zip(offsets, size, strict=True)), default=0)


@attrs.define(eq=False)
class _Open:
    """A buffer whose last use may be still to come."""

    name: str
    size: int
    first: int
    last: int


class _Walk:
    """One walk over `@predict`: the buffers of each unit, and what is resident there."""

    def __init__(self, lowered: Lowered, bits: Mapping[str, int], sizes: Sizes) -> None:
        body = lowered.program.function(PREDICT_FUNCTION).body
        self.bits, self.sizes = bits, sizes
        self.found: dict[str, list[_Open]] = {unit: [] for unit in bits}
        self.resident: dict[str, dict[Value, int]] = {unit: {} for unit in bits}
        self.home: dict[Value, str] = {}
        self.at: dict[tuple[Value, str], _Open | None] = {}  # None: part of what is resident
        count = len(lowered.resident)
        states = (v for v in body.params[count:] if isinstance(v.type, StateType))
        constants = (op.results[0] for op in body.ops if isinstance(op, Const))
        self.always = {*body.params[:count], *states, *constants}
        self.stored = _only_stored(body.ops)
        for number, op in enumerate(body.ops):
            if isinstance(op, KernelOp):
                self.kernel(op, number)
            elif isinstance(op, HandOver):
                self.use(op.x, op.source, number)
                self.make(op.results[0], op.target, number)
        for value in body.results:
            if value in self.home:
                self.use(value, self.home[value], len(body.ops))

    def kernel(self, op: KernelOp, number: int) -> None:
        known: dict[Value, _Open | None] = {v: self.use(v, op.unit, number) for v in uses_of(op)}
        viewed = {inner.results[0]: inner.operands[0] for inner in op.body.ops if inner.name in VIEWS}
        for value, given in zip(op.results, op.body.results, strict=True):
            while given in viewed:
                given = viewed[given]
            if given in known:
                self.home[value] = op.unit
                self.at[value, op.unit] = known[given]
            else:
                known[given] = self.make(value, op.unit, number)

    def make(self, value: Value, unit: str, number: int) -> _Open:
        buffer = _Open(value.name, self.size(value, unit), number, number)
        self.found[unit].append(buffer)
        self.home[value] = unit
        self.at[value, unit] = buffer
        return buffer

    def use(self, value: Value, unit: str, number: int) -> _Open | None:
        """Note a use by an op of a unit; the buffer that is used, if it is one."""
        if value in self.always:
            self.resident[unit].setdefault(value, self.size(value, unit))
            return None
        if (value, unit) not in self.at:  # an input of the program
            self.found[unit].append(_Open(value.name, self.size(value, unit), 0, number))
            self.at[value, unit] = self.found[unit][-1]
        buffer = self.at[value, unit]
        if buffer is not None:
            buffer.last = number
        return buffer

    def size(self, value: Value, unit: str) -> int:
        if value in self.stored:
            return value.tensor.stored_bytes
        return traffic_of(value.type, self.sizes).bytes_in(self.bits[unit])


def _only_stored(ops: Sequence[object]) -> set[Value]:
    """The constants that only constexpr ops use: they are kept as they are stored."""
    stored: set[Value] = set()
    direct: set[Value] = set()
    for op in ops:
        for inner in op.body.walk() if isinstance(op, KernelOp) else ():
            (stored if inner.constant else direct).update(inner.operands)
    return stored - direct
