"""Whether two programs compute the same: bit for bit, or up to the rounding that the first one itself shows.

The bound on a difference is computed, not chosen. The program before the rewrite is also run in float64; how far its
own results lie from those is the error that rounding to narrow types causes in it. A rewrite that is right in real
arithmetic changes the order of these roundings, and so may move a result by a few times that error, and no more.
"""

from typing import Any

import numpy as np

from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.testing.outputs import outputs_of
from optc.testing.precision import in_float64

SEEDS = (0, 1)
SAFETY = 64.0
"""Rounding errors are random: the largest of one order of operations may be far from that of another."""
UNIT = {1: 2.0**-3, 2: 2.0**-8, 4: 2.0**-24, 8: 2.0**-53}
"""Unit roundoff by bytes (of 8-bit and 16-bit floats, that of the coarser type)."""


class NotEquivalentError(AssertionError):
    """Two programs that should compute the same do not."""


def assert_equivalent(before: Program, after: Program, exact: bool = True, seeds: tuple[int, ...] = SEEDS) -> None:
    """Check that two programs take the same inputs and give the same outputs on seeded inputs.

    Exact: the same bits (NaNs may differ in theirs). Otherwise: within the computed bound, see the module.

    Raises:
        NotEquivalentError: with the output's name and the largest difference.
    """
    if dict(before.main.inputs) != dict(after.main.inputs):
        raise NotEquivalentError(f"inputs differ: {dict(before.main.inputs)} and {dict(after.main.inputs)}")
    if before.main.output_names != after.main.output_names:
        raise NotEquivalentError(f"outputs differ: {before.main.output_names} and {after.main.output_names}")
    for seed in seeds:
        old, new = outputs_of(before, seed), outputs_of(after, seed)
        if all(_same_bits(old[name], new[name]) for name in old):
            continue
        if exact:
            worst = next(name for name in old if not _same_bits(old[name], new[name]))
            raise NotEquivalentError(
                f"output {worst} differs for seed {seed}: {_shown(old[worst])} and {_shown(new[worst])}"
            )
        _check_bound(before, old, new, seed)


def _check_bound(before: Program, old: dict[str, Any], new: dict[str, Any], seed: int) -> None:
    wide = outputs_of(in_float64(before), seed)
    for name in old:
        if _same_bits(old[name], new[name]):
            continue
        a, b = old[name], new[name]
        if a.shape != b.shape or a.dtype != b.dtype or a.dtype.kind not in "fV":
            raise NotEquivalentError(f"output {name} is {_shown(a)} before and {_shown(b)} after, for seed {seed}")
        a, b = a.astype(np.float64), b.astype(np.float64)
        finite = np.isfinite(a)
        if not np.array_equal(finite, np.isfinite(b)):
            raise NotEquivalentError(f"output {name} is finite in one program only, for seed {seed}")
        bound = difference_bound(old[name], wide[name].astype(np.float64))
        apart = float(np.abs(a - b)[finite].max(initial=0.0))
        if apart > bound:
            raise NotEquivalentError(f"output {name} differs by {apart:g} for seed {seed}, bound {bound:g}")


def difference_bound(narrow: Array, wide: Array) -> float:
    """How far a rewrite may move a result: `SAFETY` times the largest error of `narrow` against its float64 values
    `wide`, to which one rounding of the largest value is added."""
    unit = UNIT[narrow.dtype.itemsize]
    values = narrow.astype(np.float64)
    finite = np.isfinite(wide) & np.isfinite(values)
    scale = float(np.abs(wide[finite]).max(initial=0.0))
    error = float(np.abs(values - wide)[finite].max(initial=0.0))
    return SAFETY * (error + unit * scale)


def _same_bits(a: Any, b: Any) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind == "O":
        return bool((a == b).all())
    if a.dtype.kind not in "fV":
        return bool(np.array_equal(a, b))
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    equal = (wide_a == wide_b) & (np.signbit(wide_a) == np.signbit(wide_b))
    return bool((equal | (np.isnan(wide_a) & np.isnan(wide_b))).all())


def _shown(array: Any) -> str:
    return f"{array.dtype}{list(array.shape)} {str(array.reshape(-1)[:4])[:80]}"
