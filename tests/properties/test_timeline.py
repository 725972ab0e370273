"""The laws of timelines, on random queues: no resource does two things at once, and the total is that of the parts."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.scheduling import HandOverStep, KernelStep, Rules, Share, Step, schedule
from backends.timeline import RESOURCES, Event, Timeline, one_after_the_other

UNITS = ("cpu", "npu")
TIMES = st.one_of(st.just(0.0), st.floats(1e-6, 10.0))
SHARES = st.builds(Share, st.just("w"), TIMES, TIMES, TIMES, TIMES, TIMES, TIMES, TIMES, TIMES)
STREAMED = st.builds(Share, st.just("w"), TIMES, TIMES, st.just(0.0), TIMES)
Rulebook = dict[str, Rules]


def kernels(shares: st.SearchStrategy[Share], units: tuple[str, ...] = UNITS) -> st.SearchStrategy[KernelStep]:
    several = st.lists(shares, max_size=3).map(tuple)
    return st.builds(KernelStep, st.text(max_size=3), st.sampled_from(units), several, TIMES)


def rulebooks(weights: tuple[str, ...] = ("program", "op", "none")) -> st.SearchStrategy[Rulebook]:
    rules = st.builds(Rules, st.sampled_from(("full", "none")), st.sampled_from(weights), TIMES)
    return st.fixed_dictionaries(dict.fromkeys(UNITS, rules))


HANDOVERS = st.builds(HandOverStep, st.just("x"), st.just("npu"), st.just("cpu"), TIMES, TIMES, st.integers(-1, 8))
QUEUES: st.SearchStrategy[list[Step]] = st.lists(st.one_of(kernels(SHARES), HANDOVERS), max_size=8)


def launched(queue: list[Step], rules: Rulebook) -> float:
    return math.fsum(rules[unit].launch_ms for unit in {unit for step in queue for unit in step.units})


def bases(queue: list[Step], rules: Rulebook) -> float:
    """The arithmetic and activations of all steps, as they overlap."""
    kernels = [step for step in queue if isinstance(step, KernelStep)]
    times = [((s.arithmetic_ms, s.activation_ms), rules[k.unit].overlap) for k in kernels for s in k.shares]
    return math.fsum(max(both) if overlap == "full" else sum(both) for both, overlap in times)


def other(queue: list[Step], rules: Rulebook) -> float:
    """What nothing overlaps with: launches, overhead, hand-overs, expansion."""
    kernels = [step for step in queue if isinstance(step, KernelStep)]
    handed = [step.ms for step in queue if isinstance(step, HandOverStep)]
    overhead = [k.overhead_ms for k in kernels]
    return launched(queue, rules) + math.fsum(
        [*handed, *overhead, *(s.expansion_ms for k in kernels for s in k.shares)]
    )


def arrivals(queue: list[Step]) -> float:
    return math.fsum(s.arrival_ms for step in queue if isinstance(step, KernelStep) for s in step.shares)


def at_most(a: float, b: float) -> bool:
    return a <= b or math.isclose(a, b, rel_tol=1e-12)


@given(QUEUES, rulebooks())
def test_no_resource_of_a_unit_does_two_things_at_once(queue: list[Step], rules: Rulebook) -> None:
    busy: dict[tuple[str, str], list[Event]] = {}
    for event in schedule(queue, rules).events:
        assert event.resource in RESOURCES
        assert event.start_ms >= 0
        assert event.ms > 0
        busy.setdefault((event.unit, event.resource), []).append(event)
    for events in busy.values():
        assert all(a.end_ms <= b.start_ms for a, b in pairwise(events))


@given(QUEUES, rulebooks())
def test_steps_follow_each_other_in_program_order_and_hold_their_events(queue: list[Step], rules: Rulebook) -> None:
    timeline = schedule(queue, rules)
    assert [span.name for span in timeline.spans] == [step.name for step in queue]
    ends = [span.start_ms + span.ms for span in timeline.spans]
    assert all(at_most(end, span.start_ms) for end, span in zip(ends, timeline.spans[1:], strict=False))
    for event in timeline.events:
        if event.step >= 0:
            span = timeline.spans[event.step]
            assert at_most(event.end_ms, span.start_ms + span.ms)
            fetched_ahead = event.resource == "weights" and rules[event.unit].weights_overlap == "program"
            assert fetched_ahead or event.start_ms >= span.start_ms


@given(QUEUES, rulebooks())
def test_the_total_is_the_last_end_and_each_busy_time_the_sum_of_its_events(queue: list[Step], rules: Rulebook) -> None:
    timeline = schedule(queue, rules)
    assert timeline.total_ms == max((e.end_ms for e in timeline.events), default=0.0)
    spent = {key: [e.ms for e in timeline.events if (e.unit, e.resource) == key] for key in timeline.busy_ms}
    assert timeline.busy_ms == {key: math.fsum(times) for key, times in spent.items()}
    assert sum(map(len, spent.values())) == len(timeline.events)


@given(QUEUES, rulebooks())
def test_every_millisecond_that_goes_in_is_in_an_event(queue: list[Step], rules: Rulebook) -> None:
    timeline = schedule(queue, rules)
    kernels = [step for step in queue if isinstance(step, KernelStep)]
    work = math.fsum(s.arithmetic_ms + s.activation_ms for k in kernels for s in k.shares)
    assert math.isclose(
        math.fsum(timeline.busy_ms.values()), work + other(queue, rules) + arrivals(queue), rel_tol=1e-9, abs_tol=1e-12
    )


@given(QUEUES, rulebooks())
def test_the_total_lies_between_what_must_be_serial_and_all_of_it_serial(queue: list[Step], rules: Rulebook) -> None:
    timeline = schedule(queue, rules)
    serial = math.fsum(event.ms for event in timeline.events)
    assert all(at_most(busy, timeline.total_ms) for busy in timeline.busy_ms.values())
    assert at_most(bases(queue, rules) + other(queue, rules), timeline.total_ms)
    assert at_most(timeline.total_ms, serial)


@given(QUEUES, rulebooks(("op", "none")))
def test_where_weights_overlap_their_op_or_nothing_the_total_is_the_cost_models_sum(
    queue: list[Step], rules: Rulebook
) -> None:
    times = [launched(queue, rules)]
    for step in queue:
        if isinstance(step, HandOverStep):
            times.append(step.ms)
            continue
        times.append(step.overhead_ms)
        for share in step.shares:
            base = bases([KernelStep("", step.unit, (share,))], rules)
            hidden = base if rules[step.unit].weights_overlap == "op" else 0.0
            times.append(base + share.expansion_ms + max(0.0, share.arrival_ms - hidden))
    assert math.isclose(schedule(queue, rules).total_ms, math.fsum(times), rel_tol=1e-9, abs_tol=1e-12)


@given(st.lists(kernels(STREAMED, ("npu",)), max_size=8), rulebooks(("program",)))
def test_fetching_ahead_takes_at_least_the_longer_of_work_and_weights_and_at_most_both(
    queue: list[Step], rules: Rulebook
) -> None:
    total, work, weights = schedule(queue, rules).total_ms, bases(queue, rules), arrivals(queue)
    assert at_most(max(work, weights), total)
    assert at_most(total, work + weights + other(queue, rules))


PLAIN: st.SearchStrategy[list[Step]] = st.lists(kernels(STREAMED), max_size=8)


@given(PLAIN, rulebooks(("program",)))
def test_fetching_ahead_never_takes_longer_than_fetching_with_the_op_where_nothing_is_expanded_first(
    queue: list[Step], rules: Rulebook
) -> None:
    with_op = {name: Rules(r.overlap, "op", r.launch_ms) for name, r in rules.items()}
    assert at_most(schedule(queue, rules).total_ms, schedule(queue, with_op).total_ms)


@given(PLAIN, rulebooks(), st.data())
def test_more_work_never_makes_the_total_shorter_where_nothing_is_expanded_first(
    queue: list[Step], rules: Rulebook, data: st.DataObject
) -> None:
    more = [data.draw(SHARES) for _ in queue]
    longer: list[Step] = [
        KernelStep(k.name, k.unit, tuple(added(s, extra) for s in k.shares), k.overhead_ms)
        for k, extra in zip(queue, more, strict=True)
        if isinstance(k, KernelStep)
    ]
    assert at_most(schedule(queue, rules).total_ms, schedule(longer, rules).total_ms)


def added(share: Share, more: Share) -> Share:
    return Share(
        share.weight,
        share.arithmetic_ms + more.arithmetic_ms,
        share.activation_ms + more.activation_ms,
        0.0,
        share.arrival_ms + more.arrival_ms,
    )


def test_a_weight_that_is_fetched_ahead_arrives_during_earlier_kernels() -> None:
    queue = [
        KernelStep("a", "npu", (Share("", 4.0, 1.0),)),
        KernelStep("b", "npu", (Share("w", 1.0, 2.0, 0.0, 3.0),), 0.5),
    ]
    timeline = schedule(queue, {"npu": Rules("full", "program", 1.0)})
    assert {(e.resource, e.name): (e.start_ms, e.end_ms) for e in timeline.events} == {
        ("overhead", "launch"): (0.0, 1.0),
        ("arithmetic", "a"): (1.0, 5.0),
        ("activations", "a"): (1.0, 2.0),
        ("weights", "w"): (1.0, 4.0),
        ("overhead", "b"): (5.0, 5.5),
        ("arithmetic", "b"): (5.5, 6.5),
        ("activations", "b"): (5.5, 7.5),
    }
    assert [span.bound for span in timeline.spans] == ["arithmetic", "weights"]


def test_what_is_expanded_first_arrives_from_its_buffer_before_later_weights() -> None:
    queue = [
        KernelStep("a", "npu", (Share("explicit", 1.0, 0.0, 2.0, 1.0),)),
        KernelStep("b", "npu", (Share("first", 1.0, 0.0, 0.0, 2.5), Share("second", 1.0, 0.0, 0.0, 1.0))),
    ]
    timeline = schedule(queue, {"npu": Rules()})
    arrived = {e.name: (e.start_ms, e.end_ms) for e in timeline.events if e.resource == "weights"}
    assert arrived == {"first": (0.0, 2.5), "explicit": (2.5, 3.5), "second": (3.5, 4.5)}
    assert timeline.total_ms == pytest.approx(5.5)


def test_an_arrow_leads_from_a_hand_over_to_the_kernel_that_takes_the_value() -> None:
    queue: list[Step] = [
        KernelStep("a", "npu", (Share("", 1.0),)),
        HandOverStep("x to cpu", "npu", "cpu", 0.5, 8, 2),
        KernelStep("b", "cpu", (Share("w", 1.0, 0.0, 0.0, 2.0),)),
    ]
    timeline = schedule(queue, dict.fromkeys(UNITS, Rules()))
    assert [tuple(timeline.events[at].name for at in ends) for ends in timeline.arrows] == [("x to cpu", "b")]


@given(st.lists(st.lists(TIMES, max_size=3), max_size=4))
def test_steps_one_after_the_other_take_the_sum_of_their_parts(steps: list[list[float]]) -> None:
    made: Timeline = one_after_the_other(
        [(str(number), [Event("npu", "expansion", "", 0.0, ms) for ms in times]) for number, times in enumerate(steps)]
    )
    assert made.total_ms == pytest.approx(math.fsum(ms for times in steps for ms in times))
    assert all(a.end_ms == b.start_ms for a, b in pairwise(made.events))
