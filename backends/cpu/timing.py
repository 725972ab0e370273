"""Times of a piece of work: repeated, with a median and a spread."""

import statistics
import time
from collections.abc import Callable, Mapping

import attrs

Work = Callable[[], object]
Clock = Callable[[], float]


@attrs.frozen
class Watch:
    """`clock` says when time is over, `timer` how long a call took."""

    clock: Clock = time.perf_counter
    timer: Clock = time.perf_counter


WALL = Watch()
ONE_CORE = Watch(timer=time.thread_time)
"""Times calls by the processor time of this thread, which does not count what else runs."""

ROUNDS = 15
"""How many rounds a measurement is made of."""
TURN = 0.004
"""Seconds for which one piece of work is called before it is the turn of the next."""


@attrs.frozen
class Sample:
    """Times of one piece of work in seconds: of each round, its shortest call."""

    seconds: tuple[float, ...] = attrs.field(validator=attrs.validators.min_len(1))

    @property
    def quick(self) -> float:
        """The lower quartile: what else runs lengthens rounds, and clocks of processor time shorten one at times."""
        return self._quartiles()[0]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The range of the middle half of the rounds, as a fraction of the median; 0 where there is one round."""
        low, high = self._quartiles()
        return (high - low) / self.median if self.median else 0.0

    def _quartiles(self) -> tuple[float, float]:
        if len(self.seconds) == 1:
            return self.seconds[0], self.seconds[0]
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high

    @property
    def rounds(self) -> int:
        return len(self.seconds)


def sample(works: Mapping[str, Work], seconds: float, watch: Watch = WALL, rounds: int = ROUNDS) -> dict[str, Sample]:
    """Call pieces of work in about `seconds`: each once to warm up, then in rounds, in which all have the same time.

    They take turns of a few milliseconds, so that what else the machine does meets all of them alike, and they can be
    compared. A round has at least one call of each.
    """
    for work in works.values():
        work()
    start = watch.clock()
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(1, rounds + 1):
        for name, shortest in _round(works, start + seconds * number / rounds, watch).items():
            found[name].append(shortest)
    return {name: Sample(tuple(times)) for name, times in found.items()}


def _round(works: Mapping[str, Work], end: float, watch: Watch) -> dict[str, float]:
    """The shortest call of each."""
    share = max(0.0, end - watch.clock()) / max(1, len(works))
    spent = dict.fromkeys(works, 0.0)
    shortest = dict.fromkeys(works, float("inf"))
    while waiting := [name for name in works if spent[name] <= share]:
        for name in waiting:
            start = watch.clock()
            shortest[name] = min(shortest[name], _turn(works[name], start + TURN, watch))
            spent[name] += watch.clock() - start
        if watch.clock() >= end:
            break
    return shortest


def _turn(work: Work, end: float, watch: Watch) -> float:
    """The shortest of the calls that start before `end`, and of one in any case."""
    shortest = float("inf")
    while True:
        before = watch.timer()
        work()
        shortest = min(shortest, watch.timer() - before)
        if watch.clock() >= end:
            return shortest
