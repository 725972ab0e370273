"""The timeline of one prediction, by discrete events. Knows no ops: durations come in, starts come out.

A prediction is one queue. Its steps (kernels and hand-overs) run in program order, one at a time on the whole device,
after the launch of each unit that is used. Inside a step resources run side by side:

    overhead, then for each share of the kernel (one weight, or all of it): expansion, then arithmetic and activations,
    at once or one after the other, while the share's weight arrives; it ends no sooner than the weight has arrived.

A unit has one weight stream, which carries one weight at a time. Where weights overlap the `program`, it runs ahead
from the launch of the unit, in program order and without bound, so that times are the least that fetching ahead can
give; what is expanded into a buffer first arrives from there when it is ready, before what comes later in the program.
Where they overlap the `op`, a weight's stream starts with its share; where `none`, it ends before arithmetic starts.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import attrs

from backends.timeline import Event, Span, Timeline, bound


@attrs.frozen
class Share:
    """The part of a kernel that goes with one weight; of a kernel without weights, all of it.

    Times in ms: of the arithmetic, of reading and writing activations, of expanding the weight into a buffer first,
    of the weight's arrival. Amounts: operations, and bytes of activations, of the weight as it arrives, and expanded.
    """

    weight: str = ""
    arithmetic_ms: float = 0.0
    activation_ms: float = 0.0
    expansion_ms: float = 0.0
    arrival_ms: float = 0.0
    operations: float = 0.0
    activation_bytes: float = 0.0
    weight_bytes: float = 0.0
    expanded_bytes: float = 0.0

    @property
    def is_fetched_ahead(self) -> bool:
        """Whether the weight can arrive before its kernel starts: it is not expanded into a buffer then."""
        return self.arrival_ms > 0 and not self.expansion_ms > 0


@attrs.frozen
class KernelStep:
    """A step of the queue: one kernel on a unit."""

    name: str
    unit: str
    shares: tuple[Share, ...]
    overhead_ms: float = 0.0

    @property
    def units(self) -> tuple[str, ...]:
        return (self.unit,)


@attrs.frozen
class HandOverStep:
    """A step of the queue: a value of `size` bytes goes to another unit, where step `reader` takes it first."""

    name: str
    unit: str
    target: str
    ms: float
    size: float = 0.0
    reader: int = -1

    @property
    def units(self) -> tuple[str, ...]:
        return self.unit, self.target


Step = KernelStep | HandOverStep


@attrs.frozen
class Rules:
    """How the resources of a unit overlap, in the words of `backends.cost_table.Unit`, and its launch."""

    overlap: str = "full"
    weights_overlap: str = "program"
    launch_ms: float = 0.0


def schedule(queue: Sequence[Step], units: Mapping[str, Rules]) -> Timeline:
    """The timeline of one prediction; `units` has the rules of every unit that a step names."""
    made = _Schedule(queue, units)
    made.run()
    return made.finished()


class _Stream:
    """The weight stream of a unit: when it is free, what it is yet to fetch ahead, and when what arrived.

    Weights go by the numbers of their step and of their share in it.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.free_ms = 0.0
        self.ahead: deque[tuple[int, int, Share]] = deque()
        self.arrived: dict[tuple[int, int], Event] = {}

    def fetch(self, step: int, at: int, share: Share, earliest: float) -> Event:
        """Let a weight arrive as soon as the stream is free, not before `earliest`."""
        start = max(self.free_ms, earliest)
        event = Event(self.unit, "weights", share.weight, start, share.arrival_ms, share.weight_bytes, step)
        self.free_ms = event.end_ms
        self.arrived[step, at] = event
        return event


class _Schedule:
    """A timeline being made: `now` is when the queue goes on."""

    def __init__(self, queue: Sequence[Step], units: Mapping[str, Rules]) -> None:
        self.queue, self.units = queue, units
        self.now = 0.0
        self.events: list[Event] = []
        self.ends: list[float] = []
        self.streams = {name: _Stream(name) for name in units}

    def run(self) -> None:
        """Work through the queue."""
        for unit in dict.fromkeys(unit for step in self.queue for unit in step.units):
            self.now = self.event(unit, "overhead", "launch", self.now, self.units[unit].launch_ms, 0, -1)
            self.streams[unit].free_ms = self.now
        self.ends.append(self.now)
        for number, step in enumerate(self.queue):
            if isinstance(step, KernelStep) and self.units[step.unit].weights_overlap == "program":
                ahead = ((number, at, share) for at, share in enumerate(step.shares) if share.is_fetched_ahead)
                self.streams[step.unit].ahead.extend(ahead)
        for number, step in enumerate(self.queue):
            self.step(number, step)
            self.ends.append(self.now)

    def event(self, unit: str, resource: str, name: str, start: float, ms: float, amount: float, step: int) -> float:
        """Note an event; the time at which it ends. What takes no time is no event."""
        if not ms > 0:
            return start
        self.events.append(Event(unit, resource, name, start, ms, amount, step))
        return self.events[-1].end_ms

    def step(self, number: int, step: Step) -> None:
        if isinstance(step, HandOverStep):
            self.now = self.event(step.unit, "handover", step.name, self.now, step.ms, step.size, number)
            return
        self.now = self.event(step.unit, "overhead", step.name, self.now, step.overhead_ms, 0, number)
        for at, share in enumerate(step.shares):
            self.share(number, at, step, share)

    def share(self, number: int, at: int, step: KernelStep, share: Share) -> None:
        unit, rules = step.unit, self.units[step.unit]
        ready = self.event(
            unit, "expansion", share.weight, self.now, share.expansion_ms, share.expanded_bytes, number
        )  # fmt: skip
        arrived = self.arrival(number, at, share, step.unit, ready)
        if rules.weights_overlap == "none":
            ready = arrived
        done = self.event(unit, "arithmetic", step.name, ready, share.arithmetic_ms, share.operations, number)
        free = ready if rules.overlap == "full" else done
        moved = self.event(unit, "activations", step.name, free, share.activation_ms, share.activation_bytes, number)
        self.now = max(done, moved, arrived)

    def arrival(self, number: int, at: int, share: Share, unit: str, ready: float) -> float:
        """When the weight of a share, which could be taken from `ready` on, has arrived."""
        stream = self.streams[unit]
        if not share.arrival_ms > 0:
            return ready
        if self.units[unit].weights_overlap == "program" and share.is_fetched_ahead:
            while (number, at) not in stream.arrived:
                self.events.append(stream.fetch(*stream.ahead.popleft(), 0.0))
        else:
            while stream.ahead and stream.free_ms < ready:
                self.events.append(stream.fetch(*stream.ahead.popleft(), 0.0))
            self.events.append(stream.fetch(number, at, share, ready))
        return stream.arrived.pop((number, at)).end_ms

    def finished(self) -> Timeline:
        """The timeline, when the queue is done."""
        events = sorted(self.events, key=lambda event: event.start_ms)
        own: list[list[Event]] = [[] for _ in self.queue]
        for event in events:
            if event.step >= 0:
                own[event.step].append(event)
        spans = [
            Span(step.name, step.unit, start, end - start, bound(of_step))
            for step, start, end, of_step in zip(self.queue, self.ends[:-1], self.ends[1:], own, strict=True)
        ]
        return Timeline(tuple(events), tuple(spans), tuple(self.arrows(events)))

    def arrows(self, events: Sequence[Event]) -> Iterator[tuple[int, int]]:
        """For each hand-over the numbers of its event and of the first of its reader, weights on the way apart."""
        first: dict[int, int] = {}
        for at, event in enumerate(events):
            if event.resource != "weights":
                first.setdefault(event.step, at)
        for number, step in enumerate(self.queue):
            if isinstance(step, HandOverStep) and number in first and step.reader in first:
                yield first[number], first[step.reader]
