"""Trace-event JSON, which Perfetto and chrome://tracing open: one process per unit, one thread per resource.

The format is that of "Trace Event Format" (the Chromium project): `X` events with start and duration in microseconds,
`M` events with names, and pairs of `s` and `f` events, which are drawn as arrows. Times are rounded to nanoseconds,
the finest that Perfetto shows, ends like starts, so that what did not overlap before does not after.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from backends.timeline import RESOURCES, Event, Timeline

MOST_EVENTS = 100_000
"""Of more events the longest are written; about 10 MB of text."""
LONGEST_NAME = 200
_PHASES = "phases"
_TRACKS = (_PHASES, *RESOURCES)


def trace_text(device: str, phases: Mapping[str, Timeline]) -> str:
    """The trace of timelines that follow each other, such as `load` and `predict`, as JSON text.

    Beside the units, a process `phases` shows the whole of each, to click on and zoom to. Names longer than
    `LONGEST_NAME` are cut; `otherData` says how many events were left out.
    """
    units = sorted({event.unit for timeline in phases.values() for event in timeline.events})
    pids = {unit: number for number, unit in enumerate((_PHASES, *units), 1)}
    kept = _kept(phases)
    events = [*_names(device, pids, phases)]
    start_ms = 0.0
    for phase, timeline in phases.items():
        whole = Event(_PHASES, _PHASES, phase, 0.0, timeline.total_ms)
        events.append(_complete(whole, "phase", pids, start_ms))
        events += _of_phase(phase, timeline, kept[phase], pids, start_ms)
        start_ms += timeline.total_ms
    left_out = sum(len(t.events) for t in phases.values()) - sum(len(numbers) for numbers in kept.values())
    data = {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"device": device, "leftOut": left_out}}
    return json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n"


def _kept(phases: Mapping[str, Timeline]) -> dict[str, set[int]]:
    """The numbers of the events of each phase that are written."""
    every = [(-event.ms, phase, at) for phase, timeline in phases.items() for at, event in enumerate(timeline.events)]
    kept: dict[str, set[int]] = {phase: set() for phase in phases}
    for _, phase, at in sorted(every)[:MOST_EVENTS]:
        kept[phase].add(at)
    return kept


def _names(device: str, pids: Mapping[str, int], phases: Mapping[str, Timeline]) -> Iterator[dict[str, Any]]:
    used = {(event.unit, event.resource) for timeline in phases.values() for event in timeline.events}
    used.add((_PHASES, _PHASES))
    for unit, pid in pids.items():
        yield _named("process_name", pid, 0, name=f"{device} {unit}")
        yield _named("process_sort_index", pid, 0, sort_index=pid)
        for resource in _TRACKS:
            if (unit, resource) in used:
                tid = _tid(pid, resource)
                yield _named("thread_name", pid, tid, name=resource)
                yield _named("thread_sort_index", pid, tid, sort_index=tid)


def _named(kind: str, pid: int, tid: int, **args: Any) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "ts": 0, "args": args}


def _of_phase(
    phase: str, timeline: Timeline, kept: set[int], pids: Mapping[str, int], start_ms: float
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for at in sorted(kept):
        yield _complete(timeline.events[at], phase, pids, start_ms)
    for id_, ends in enumerate(timeline.arrows):  # arrows from one event are told apart by their numbers
        if kept.issuperset(ends):
            first, last = (timeline.events[at] for at in ends)
            number = {"id": id_, "name": "handover", "cat": phase}
            yield {"ph": "s", **number, **_place(first, pids), "ts": _us(_ns(start_ms + first.start_ms))}
            yield {"ph": "f", "bp": "e", **number, **_place(last, pids), "ts": _us(_ns(start_ms + last.start_ms))}


def _complete(event: Event, phase: str, pids: Mapping[str, int], start_ms: float) -> dict[str, Any]:
    start, end = _ns(start_ms + event.start_ms), _ns(start_ms + event.end_ms)
    unit = "operations" if event.resource == "arithmetic" else "bytes"
    return {
        "ph": "X", "name": event.name[:LONGEST_NAME], "cat": phase, **_place(event, pids),
        "ts": _us(start), "dur": _us(end - start), "args": {unit: round(event.amount)} if event.amount else {},
    }  # fmt: skip


def _place(event: Event, pids: Mapping[str, int]) -> dict[str, int]:
    pid = pids[event.unit]
    return {"pid": pid, "tid": _tid(pid, event.resource)}


def _tid(pid: int, resource: str) -> int:
    """The number of a thread; no other thread or process has it, as viewers differ on what they tell apart."""
    return 10 * pid + _TRACKS.index(resource)


def _ns(ms: float) -> int:
    return round(ms * 1e6)


def _us(ns: int) -> float:
    """Microseconds that are this many nanoseconds to readers that round, and to those that cut off, as Perfetto's did.

    Cut off by one, a slice overlaps the next, and is dropped.
    """
    us = ns / 1e3
    return us if int(us * 1e3) == ns else us + 1e-4
