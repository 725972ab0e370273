"""How fast weights become integers in blocks, and back, next to copying them.

    python benchmarks/quantize.py
    python benchmarks/quantize.py --json

A matrix of 4096 x 4096 random weights is quantized in blocks of 32 along its input axis, by the extremes of each block
and, for a sixteenth of it, by the least squared error. Rates are bytes of dense weights per second of processor time of
one thread, medians of several runs; `of_copy` is a rate over that of `numpy.copyto` on the same weights, measured in
turns with it. What is made is in fresh memory each time, which the system clears first; the copy is not.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from optc.numerics import native
from optc.numerics.affine import per_block, quantize

SIDE, BLOCK, RUNS = 4096, 32, 9


def seconds(work: Callable[[], object]) -> float:
    """Of processor time of this thread."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def measure(dtype: str, codes: str) -> dict[str, object]:
    """One row of the table: rates, and what they are of the rate of a copy."""
    weights = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32).astype(dtype)
    copy = np.zeros_like(weights)
    blocks = per_block(weights.shape, axis=1, size=BLOCK, channel_axis=0)
    part = weights[: SIDE // 16]
    made = quantize(weights, codes, blocks)
    work: dict[str, tuple[Callable[[], object], int]] = {
        "copy": (lambda: np.copyto(copy, weights), weights.nbytes),
        "symmetric": (lambda: quantize(weights, codes, blocks), weights.nbytes),
        "asymmetric": (lambda: quantize(weights, codes, blocks, symmetric=False), weights.nbytes),
        "dense": (made.dense, weights.nbytes),
        "least_error": (lambda: quantize(part, codes, blocks, search=True), part.nbytes),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(RUNS):
        for name, (what, _) in work.items():
            times[name].append(seconds(what))
    rates = {name: size / statistics.median(times[name]) for name, (_, size) in work.items()}
    return {
        "weights": dtype,
        "codes": codes,
        **{f"{name}_gb_per_s": rate / 1e9 for name, rate in rates.items()},
        **{f"{name}_of_copy": rates[name] / rates["copy"] for name in work if name != "copy"},
    }


def main() -> None:
    """Print the table."""
    rows = [measure(dtype, codes) for dtype in ("float16", "float32") for codes in ("int4", "int8")]
    if "--json" in sys.argv:
        print(json.dumps({"compiled": native.kernels is not None, "rows": rows}, indent=2))
        return
    print("with compiled kernels" if native.kernels is not None else "without compiled kernels")
    names = ("symmetric", "asymmetric", "dense", "least_error")
    print(f"{'weights':9}{'codes':7}{'copy GB/s':>10}" + "".join(f"{name + ' of copy':>21}" for name in names))
    for row in rows:
        shares = "".join(f"{100 * float(str(row[f'{name}_of_copy'])):20.1f}%" for name in names)
        print(f"{row['weights']:9}{row['codes']:7}{row['copy_gb_per_s']:10.2f}{shares}")


if __name__ == "__main__":
    main()
