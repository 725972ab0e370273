"""What all arithmetic here shares: the type of arrays, how much is worked on at a time, axes from either end."""

import zipfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from optc.errors import OptcError

Array = np.ndarray[Any, np.dtype[Any]]
SLICE = 1 << 20
"""Elements that are handled at a time, so that temporaries stay small; a multiple of 8, for packed bits."""


def write_archive(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write an archive of arrays (.npz) of any names; `numpy.savez` takes some of those for options of its own."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def axis_from_front(axis: int, rank: int, where: str) -> int:
    """An axis that may count from the back, counted from the front.

    Raises:
        OptcError: slug `axis-range`, said of `where`.
    """
    if not -rank <= axis < rank:
        raise OptcError("axis-range", where, "axis", f"from {-rank} to {rank - 1}", axis)
    return axis % rank
