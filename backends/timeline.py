"""Timelines: when each resource of each unit is busy, and with what.

They know no ops. `backends.scheduling` makes those of predictions.
"""

import math
from collections.abc import Sequence

import attrs

RESOURCES = ("overhead", "expansion", "arithmetic", "activations", "weights", "handover")
"""What of a unit can be busy: one event at a time each."""


@attrs.frozen
class Event:
    """One resource of a unit at work, from `start_ms` for `ms`.

    `amount` is in operations for `arithmetic`, in bytes elsewhere (0 for overhead). `step` is the number of the step
    in the queue that it belongs to, -1 for launches.
    """

    unit: str
    resource: str
    name: str
    start_ms: float
    ms: float
    amount: float = 0.0
    step: int = -1

    @property
    def end_ms(self) -> float:
        return self.start_ms + self.ms


@attrs.frozen
class Span:
    """One step from its start to its end; `bound` is the resource that is busy for most of it."""

    name: str
    unit: str
    start_ms: float
    ms: float
    bound: str


@attrs.frozen
class Timeline:
    """Events in order of their start; the steps of the queue; which event each hand-over leads to, by number."""

    events: tuple[Event, ...]
    spans: tuple[Span, ...] = ()
    arrows: tuple[tuple[int, int], ...] = ()

    @property
    def total_ms(self) -> float:
        """The end of the last event."""
        return max((event.end_ms for event in self.events), default=0.0)

    @property
    def busy_ms(self) -> dict[tuple[str, str], float]:
        """The time that each (unit, resource) is busy, for those that are; units by name."""
        spent: dict[tuple[str, str], list[float]] = {}
        for event in self.events:
            spent.setdefault((event.unit, event.resource), []).append(event.ms)
        order = sorted(spent, key=lambda key: (key[0], RESOURCES.index(key[1])))
        return {key: math.fsum(spent[key]) for key in order}

    def longest(self, count: int) -> list[Span]:
        """The `count` steps that take the most time, the longest first."""
        return sorted(self.spans, key=lambda span: -span.ms)[:count]


def one_after_the_other(steps: Sequence[tuple[str, Sequence[Event]]]) -> Timeline:
    """The timeline of named steps whose events follow each other; where they start is worked out here."""
    events: list[Event] = []
    spans: list[Span] = []
    now = 0.0
    for number, (name, parts) in enumerate(steps):
        start, first = now, len(events)
        for part in parts:
            if part.ms > 0:
                events.append(attrs.evolve(part, start_ms=now, step=number))
                now = events[-1].end_ms
        if parts:
            spans.append(Span(name, parts[0].unit, start, now - start, bound(events[first:])))
    return Timeline(tuple(events), tuple(spans))


def bound(events: Sequence[Event]) -> str:
    """The resource that is busy for most of some events' time; empty if there are none."""
    spent: dict[str, float] = {}
    for event in events:
        spent[event.resource] = spent.get(event.resource, 0.0) + event.ms
    return max(spent, key=lambda resource: spent[resource], default="")
