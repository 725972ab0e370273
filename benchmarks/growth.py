"""How steps grow with the size of what they work on: the table that `scaling.py` and `planning.py` print."""

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence

RUNS = 3


def best_seconds(step: Callable[[], object]) -> float:
    """The least time of several runs; collection of garbage is off, as its cost depends on all else that is alive."""
    times = []
    for _ in range(RUNS):
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
        gc.enable()
    return min(times)


def report(sizes: Sequence[int], steps: Callable[[int], Mapping[str, Callable[[], object]]]) -> None:
    """Time all steps at all sizes, and print a table, or with `--json` data.

    The last column is the time per op of the largest size over that of the smallest: 1 is linear.
    """
    table: dict[str, list[float]] = {}
    for size in sizes:
        for name, step in steps(size).items():
            table.setdefault(name, []).append(best_seconds(step))
    growth = {name: times[-1] / times[0] * sizes[0] / sizes[-1] for name, times in table.items()}
    if "--json" in sys.argv[1:]:
        print(json.dumps({"sizes": sizes, "seconds": table, "growth_per_op": growth}, indent=2))
        return
    print(f"{'seconds at':<10}" + "".join(f"{size:>10,}" for size in sizes) + "   growth per op")
    for name, times in table.items():
        print(f"{name:<10}" + "".join(f"{t:>10.4f}" for t in times) + f"{growth[name]:>16.2f}")
