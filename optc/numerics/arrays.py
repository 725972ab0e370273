"""What all arithmetic here shares: the type of arrays, how much is worked on at a time, and axes from either end."""

from typing import Any

import numpy as np

from optc.errors import OptcError

Array = np.ndarray[Any, np.dtype[Any]]
SLICE = 1 << 20
"""Elements that are handled at a time, so that temporaries stay small; a multiple of 8, for packed bits."""


def axis_from_front(axis: int, rank: int, where: str) -> int:
    """An axis that may count from the back, counted from the front.

    Raises:
        OptcError: slug `axis-range`, said of `where`.
    """
    if not -rank <= axis < rank:
        raise OptcError("axis-range", where, "axis", f"from {-rank} to {rank - 1}", axis)
    return axis % rank
