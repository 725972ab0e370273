"""Names that tell things apart: values may share a name, or have none."""

from collections.abc import Iterable


def distinct(names: Iterable[str], unnamed: str) -> list[str]:
    """The names in order; one without a name is called `unnamed`, and one whose name is taken gets `#1`, `#2`, ..."""
    given = [name or unnamed for name in names]
    taken = set(given)
    counts: dict[str, int] = {}
    out = []
    for name in given:
        count = counts.get(name, 0)
        chosen = name
        while count and chosen in taken:
            chosen = f"{name}#{count}"
            count += chosen in taken
        counts[name] = max(count, 1)
        taken.add(chosen)
        out.append(chosen)
    return out
