"""Many texts that are alike, in little room: lines without their numbers once, and the numbers of each text."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

HOLE = "\x01"
"""Stands for a number in a line; texts that are shown have no such character."""

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def skeletons(texts: Sequence[str]) -> dict[str, Any]:
    """`lines` with holes, and for each text the numbers of its `lines` and what fills their holes, in order.

    A line that comes more than once keeps its numbers.
    """
    often = {line for line, count in Counter(line for text in texts for line in text.split("\n")).items() if count > 1}
    known: dict[str, int] = {}
    coded = []
    for text in texts:
        at: list[int] = []
        fill: list[str] = []
        for line in text.split("\n"):
            bare = line if line in often else _NUMBER.sub(HOLE, line)
            if line not in often:
                fill += _NUMBER.findall(line)
            at.append(known.setdefault(bare, len(known)))
        coded.append([at, " ".join(fill)])
    return {"lines": list(known), "texts": coded}


def restored(coded: dict[str, Any], number: int) -> str:
    """The text with this number: what the page's script does as well."""
    at, fill = coded["texts"][number]
    numbers = iter(fill.split(" "))
    return re.sub(HOLE, lambda _: next(numbers), "\n".join(coded["lines"][line] for line in at))
