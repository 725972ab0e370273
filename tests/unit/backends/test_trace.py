"""Traces: valid trace-event JSON that says what the timeline says."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backends import trace
from backends.scheduling import Step, schedule
from backends.timeline import RESOURCES, Event, Timeline
from backends.trace import trace_text
from tests.properties.test_timeline import QUEUES, Rulebook, rulebooks


def parsed(timeline: Timeline, device: str = "phone") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(trace_text(device, {"load": Timeline(()), "predict": timeline}))
    return found


def complete(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in found["traceEvents"] if event["ph"] == "X" and event["cat"] != "phase"]


@given(QUEUES, rulebooks())
def test_a_trace_has_each_event_once_on_the_track_of_its_unit_and_resource(queue: list[Step], rules: Rulebook) -> None:
    timeline = schedule(queue, rules)
    found = parsed(timeline)
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in found["traceEvents"] if e["name"] == "thread_name"}
    units = {e["pid"]: e["args"]["name"] for e in found["traceEvents"] if e["name"] == "process_name"}
    shown = [(units[e["pid"]], names[e["pid"], e["tid"]], e["name"]) for e in complete(found)]
    assert shown == [(f"phone {e.unit}", e.resource, e.name) for e in timeline.events]
    for drawn, event in zip(complete(found), timeline.events, strict=True):
        assert drawn["ts"] == pytest.approx(event.start_ms * 1e3, abs=1e-3)
        assert drawn["dur"] == pytest.approx(event.ms * 1e3, abs=2e-3)
        assert drawn["dur"] >= 0


@pytest.mark.parametrize("to_ns", [lambda us: round(us * 1e3), lambda us: int(us * 1e3)], ids=["rounded", "cut off"])
@given(queue=QUEUES, rules=rulebooks())
def test_slices_of_a_track_do_not_overlap_whether_rounded_or_cut_off(
    to_ns: Callable[[float], int], queue: list[Step], rules: Rulebook
) -> None:
    ends: dict[tuple[int, int], int] = {}
    for event in complete(parsed(schedule(queue, rules))):
        track = (event["pid"], event["tid"])
        start = to_ns(event["ts"])
        assert start >= ends.get(track, 0)
        ends[track] = start + to_ns(event["dur"])


@given(st.integers(0, 10**15))
@example(1001)
def test_nanoseconds_are_the_same_to_who_rounds_and_to_who_cuts_off(ns: int) -> None:
    event = Event("npu", "weights", "w", ns / 1e6, 0.0)
    (drawn,) = complete(parsed(Timeline((event,))))
    assert int(drawn["ts"] * 1e3) == round(drawn["ts"] * 1e3) == round(event.start_ms * 1e6)


def test_two_arrows_from_one_event_are_two() -> None:
    events = tuple(Event(unit, "weights", "w", ms, 1.0) for unit, ms in (("npu", 0.0), ("cpu", 2.0), ("gpu", 2.0)))
    arrows = [e for e in parsed(Timeline(events, (), ((0, 1), (0, 2))))["traceEvents"] if e["ph"] in "sf"]
    assert [(e["ph"], e["id"]) for e in arrows] == [("s", 0), ("f", 0), ("s", 1), ("f", 1)]


@given(QUEUES, rulebooks())
def test_no_thread_has_the_number_of_another_or_of_a_process(queue: list[Step], rules: Rulebook) -> None:
    named = [e for e in parsed(schedule(queue, rules))["traceEvents"] if e["name"] in ("thread_name", "process_name")]
    numbers = [e["tid"] if e["name"] == "thread_name" else e["pid"] for e in named]
    assert len(set(numbers)) == len(numbers)


@given(QUEUES, rulebooks())
def test_each_arrow_starts_and_ends_on_a_slice(queue: list[Step], rules: Rulebook) -> None:
    timeline = schedule(queue, rules)
    events = parsed(timeline)["traceEvents"]
    starts = {(e["pid"], e["tid"], e["ts"]) for e in events if e["ph"] == "X"}
    arrows = [e for e in events if e["ph"] in "sf"]
    assert len(arrows) == 2 * len(timeline.arrows)
    assert all((e["pid"], e["tid"], e["ts"]) in starts for e in arrows)


@given(QUEUES, rulebooks())
def test_the_same_timeline_gives_the_same_trace(queue: list[Step], rules: Rulebook) -> None:
    assert trace_text("d", {"predict": schedule(queue, rules)}) == trace_text("d", {"predict": schedule(queue, rules)})


@given(st.text())
def test_any_name_comes_back_from_the_json_at_most_200_characters_of_it(name: str) -> None:
    (event,) = complete(parsed(Timeline((Event("npu", "weights", name, 0.0, 1.0, 12.0),)), name))
    assert event["name"] == name[:200]
    assert event["args"] == {"bytes": 12}


def test_the_trace_is_ascii_whatever_the_names() -> None:
    assert trace_text("d", {"p": Timeline((Event("npu", "weights", 'é"\n\ud800</script>', 0.0, 1.0),))}).isascii()


def test_of_too_many_events_the_longest_are_written_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MOST_EVENTS", 2)
    events = tuple(Event("npu", "arithmetic", str(ms), float(ms), ms / 10) for ms in range(1, 6))
    found = parsed(Timeline(events, (), ((0, 4),)))
    assert [event["name"] for event in complete(found)] == ["4", "5"]
    assert found["otherData"]["leftOut"] == 3
    assert not [event for event in found["traceEvents"] if event["ph"] in "sf"]


def test_a_prediction_starts_where_the_load_ends_and_each_has_a_slice_of_its_own() -> None:
    load = Timeline((Event("npu", "expansion", "w", 0.0, 2.0),))
    predict = Timeline((Event("npu", "arithmetic", "conv", 0.25, 1.0),))
    found = json.loads(trace_text("d", {"load": load, "predict": predict}))
    whole = {e["name"]: (e["ts"], e["dur"]) for e in found["traceEvents"] if e.get("cat") == "phase"}
    assert whole == {"load": (0.0, 2000.0), "predict": (2000.0, 1250.0)}
    assert [(e["ts"], e["cat"]) for e in complete(found)] == [(0.0, "load"), (2250.0, "predict")]


def test_tracks_stand_in_the_order_of_the_resources() -> None:
    events = tuple(Event("npu", resource, "", 0.0, 1.0) for resource in reversed(RESOURCES))
    named = [e for e in parsed(Timeline(events))["traceEvents"] if e["name"] == "thread_name"]
    assert [e["args"]["name"] for e in sorted(named, key=lambda e: int(e["tid"]))] == ["phases", *RESOURCES]
