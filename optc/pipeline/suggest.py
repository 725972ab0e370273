"""The hint for a name that nothing has: the known name that looks most like it."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean NAME?` for the nearest of the known names; empty if none is near. One that goes on is nearest.

    did_you_mean("palletize", ["palettize", "quantize"])   # 'did you mean palettize?'
    """
    names = sorted(known)
    by_folded = {name.casefold(): name for name in reversed(names)}
    longer = [folded for folded in by_folded if folded.startswith(word.casefold())] if len(word) > 2 else []
    if len(longer) == 1:
        return f"did you mean {by_folded[longer[0]]}?"
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f"did you mean {by_folded[near[0]]}?" if near else ""
