"""How far reading a model is."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

Reading = Callable[[int, int], None]
"""Is told how many of the outermost operations of a model are read, and how many it has."""

_TIMES = 200
"""Times that it is told, which costs nothing beside the reading, and is finer than can be seen."""


def unwatched(done: int, total: int) -> None:
    """Nobody waits."""


def watched(items: Sequence[T], report: Reading) -> Iterator[T]:
    """The items in order, while `report` is told how many are done."""
    total = len(items)
    step = max(1, total // _TIMES)
    for done, item in enumerate(items):
        if done % step == 0:
            report(done, total)
        yield item
    report(total, total)
