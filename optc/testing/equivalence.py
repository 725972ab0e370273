"""Whether two programs compute the same: bit for bit, or up to the rounding that the first one itself shows.

The bound on a difference is computed, not chosen. The program before the rewrite is also run in float64, exactly and
with each of its values shaken by one rounding of its narrow type (`optc.testing.precision`). How far its results lie
from the exact ones, run as it is and shaken, is the error that rounding causes in it. A rewrite that is right in real
arithmetic rounds elsewhere and in another order, and so may move a result by a few times that error, and no more.

Where shaking makes a result not finite, or changes one that is no float, rounding alone decides what comes out: of
such elements nothing can be asked.
"""

from typing import Any

import numpy as np

from optc.ir.block import Program
from optc.ir.dtypes import Array, dtype_of_numpy
from optc.testing.outputs import outputs_of
from optc.testing.precision import UNIT_ROUNDOFF, in_float64

SEEDS = (0, 1)
SAFETY = 32.0
"""Rounding errors are random: the largest of one order of operations may be far from that of another."""
SHAKES = ((0, 1), (0, -1), (1 << 16, 1), (1 << 16, -1))
"""Seeds and signs. Of two opposite shakes, one takes what lies on the edge of a jump over it."""


class NotEquivalentError(AssertionError):
    """Two programs that should compute the same do not."""


def assert_equivalent(
    before: Program, after: Program, exact: bool = True, seeds: tuple[int, ...] = SEEDS, bound: float | None = None
) -> None:
    """Check that two programs take the same inputs and give the same outputs on seeded inputs.

    Exact: the same bits (NaNs may differ in theirs). Otherwise: within the computed bound, see the module, or within
    `bound`, an absolute difference that the caller derived (from the options of a lossy pass, say).

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
        if exact and bound is None:
            worst = next(name for name in old if not _same_bits(old[name], new[name]))
            raise NotEquivalentError(
                f"output {worst} differs for seed {seed}: {_shown(old[worst])} and {_shown(new[worst])}"
            )
        _check_bound(before, old, new, seed, bound)


def _check_bound(before: Program, old: dict[str, Any], new: dict[str, Any], seed: int, given: float | None) -> None:
    exact = outputs_of(in_float64(before), seed)
    shaken = [outputs_of(in_float64(before, shake), seed) for shake in SHAKES]
    for name, a in old.items():
        if _same_bits(a, new[name]):
            continue
        others = [exact[name], *(run[name] for run in shaken)]
        if any(other.shape != a.shape for other in others):
            continue  # rounding decides how many elements there are
        b = new[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            raise NotEquivalentError(f"output {name} is {_shown(a)} before and {_shown(b)} after, for seed {seed}")
        _check_values(f"output {name}", a, b, others, seed, given)


def _check_values(where: str, a: Array, b: Array, others: list[Array], seed: int, given: float | None) -> None:
    if a.dtype.kind not in "fV":
        certain = np.all([other == a for other in others], axis=0)
        if not np.array_equal(a[certain], b[certain]):
            raise NotEquivalentError(f"{where} is {_shown(a)} before and {_shown(b)} after, for seed {seed}")
        return
    old, new = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(old)
    certain = np.all([np.isfinite(other) == finite for other in others], axis=0)
    if not np.array_equal(finite[certain], np.isfinite(new)[certain]):
        raise NotEquivalentError(f"{where} is finite in one program only, for seed {seed}")
    compared = certain & finite
    bound = given
    if bound is None:
        bound = difference_bound(a[compared], [other[compared].astype(np.float64) for other in others])
    with np.errstate(over="ignore"):
        apart = float(np.abs(old[compared] - new[compared]).max(initial=0.0))
    if apart > bound:
        raise NotEquivalentError(f"{where} differs by {apart:g} for seed {seed}, bound {bound:g}")


def difference_bound(narrow: Array, others: list[Array]) -> float:
    """How far a rewrite may move a result whose values are `narrow`, by the rest of the module's text.

    `others` are the float64 values, the exact ones first. The bound is `SAFETY` times the largest distance from the
    exact ones, to which one rounding of the largest value is added.
    """
    exact = others[0]
    with np.errstate(over="ignore"):
        error = max(float(np.abs(run - exact).max(initial=0.0)) for run in (narrow.astype(np.float64), *others))
    return SAFETY * (error + UNIT_ROUNDOFF[dtype_of_numpy(narrow.dtype)] * float(np.abs(exact).max(initial=0.0)))


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
