"""Whether the load-or-predict decision for the processor agrees with what ONNX Runtime measures here.

    python benchmarks/cpu_grid.py --device my-machine.toml        # as `optc calibrate -o my-machine.toml` wrote it
    python benchmarks/cpu_grid.py --device x86-server --json

Each cell is one matrix product with a weight of one size, stored as int8 with a scale for each output channel or as
int4 in blocks of 32, at one batch size. It is timed twice in ONNX Runtime, with its default options: with the weight
decompressed (float32, as if expanded at load) and as it is stored (kept for prediction). They take turns, and the lower
quartile of some rounds counts. `optc.plan` says with the given table which it takes for faster. Cells whose two times
differ by more than 10 % count; the share of these in which the plan has the faster one should be at least 90 %.
`--one-core` times one thread by its processor time, which is steady where other things run as well; that option of
`optc calibrate` makes a table that goes with it. `--op linear` has the product as a linear op, which ONNX Runtime does
not fuse with its weight.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import optc
from backends.cpu.timing import ONE_CORE, WALL, sample
from optc.ir.builder import Builder
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.matmul import Linear, MatMul

SHAPES = (
    (256, 256), (512, 512), (768, 768), (768, 3072), (3072, 768), (1024, 1024), (1024, 4096), (4096, 1024),
    (2048, 2048), (4096, 4096),
)  # fmt: skip
"""Input and output channels."""
BATCHES = (1, 4, 16, 64, 256)
SCHEMES: Mapping[str, Any] = {
    "int8": optc.Quantize(dtype="int8"),
    "int4-block": optc.Quantize(dtype="int4", granularity="per_block", block_size=32),
}
SECONDS = 0.6  # for the three of a cell
CLEAR = 1.1

Run = Callable[[], object]


def product(inputs: int, outputs: int, op: str) -> Any:
    """A program of one product; `batch` is symbolic."""
    shape = (inputs, outputs) if op == "matmul" else (outputs, inputs)
    weight = np.random.default_rng(0).standard_normal(shape, np.float32)
    b = Builder()
    x = b.param(TensorType(DType.F32, (SymDim.named("batch"), inputs)), "x")
    w = b.const(weight, "w")
    return b.program(y=b.add((MatMul if op == "matmul" else Linear)(x, w), "y"))


def session(program: Any, folder: Path, threads: int) -> onnxruntime.InferenceSession:
    """The program in ONNX Runtime, with default options; `threads` is 0 for as many as it takes by itself."""
    path = folder / "model.onnx"
    optc.save(program, path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def cells(device: str, op: str, one_core: bool) -> Iterator[dict[str, Any]]:
    """The rows of the table."""
    for inputs, outputs in SHAPES:
        dense = product(inputs, outputs, op)
        kept = {name: optc.compress(dense, scheme) for name, scheme in SCHEMES.items()}
        with tempfile.TemporaryDirectory() as folder:
            sessions = {name: session(p, Path(folder), int(one_core)) for name, p in {"load": dense, **kept}.items()}
        for batch in BATCHES:
            x = np.random.default_rng(1).standard_normal((batch, inputs), np.float32)
            runs: dict[str, Run] = {name: partial(s.run, None, {"x": x}) for name, s in sessions.items()}
            times = {
                name: 1e3 * found.quick for name, found in sample(runs, SECONDS, ONE_CORE if one_core else WALL).items()
            }
            for name, program in kept.items():
                yield row(inputs, outputs, batch, name, times["load"], times[name], decision(program, device, batch))


def decision(program: Any, device: str, batch: int) -> Any:
    """What the plan decides for the one weight."""
    (made,) = optc.plan(program, device, units="cpu", sizes={"batch": batch}).decisions
    return made


def row(inputs: int, outputs: int, batch: int, scheme: str, load: float, predict: float, made: Any) -> dict[str, Any]:
    """One cell; times in ms."""
    return {
        "inputs": inputs, "outputs": outputs, "batch": batch, "scheme": scheme,
        "load_ms": load, "predict_ms": predict, "faster": "load" if load < predict else "predict",
        "clear": max(load, predict) > CLEAR * min(load, predict), "choice": made.choice, "reason": made.reason,
        "planned_load_ms": made.predict_ms_if_load, "planned_predict_ms": made.predict_ms_if_predict,
    }  # fmt: skip


def agreement(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """In how many of the clear cells the plan has the faster choice."""
    clear = [r for r in rows if r["clear"]]
    right = sum(r["choice"] == r["faster"] for r in clear)
    return {"cells": len(rows), "clear": len(clear), "agree": right, "share": right / len(clear) if clear else 1.0}


def main() -> None:
    """Print the table, and the share of agreement."""
    parser = argparse.ArgumentParser(description="Hold load-or-predict decisions against ONNX Runtime.")
    parser.add_argument("--device", default="x86-server")
    parser.add_argument("--op", choices=("matmul", "linear"), default="matmul")
    parser.add_argument("--one-core", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    columns = ("inputs", "outputs", "batch", "scheme", "load_ms", "predict_ms", "planned_load_ms", "planned_predict_ms")
    if not given.json:
        print("".join(f"{name:>19}" if "planned" in name else f"{name:>11}" for name in columns) + "  faster   choice")
    for cell in cells(given.device, given.op, given.one_core):
        rows.append(cell)
        if not given.json:
            print(line(cell, columns), flush=True)
    found = agreement(rows)
    if given.json:
        print(json.dumps({"device": given.device, "op": given.op, "agreement": found, "cells": rows}, indent=2))
        return
    clear, share = found["clear"], found["share"]
    print(f"\n{found['agree']} of {clear} cells that differ by more than {CLEAR - 1:.0%} agree: {share:.0%}")


def line(cell: dict[str, Any], columns: tuple[str, ...]) -> str:
    """A row of the table for people."""
    texts = [f"{v:.4g}" if isinstance(v := cell[name], float) else str(v) for name in columns]
    shown = "".join(f"{t:>19}" if "planned" in c else f"{t:>11}" for c, t in zip(columns, texts, strict=True))
    mark = "" if not cell["clear"] else "  ok" if cell["choice"] == cell["faster"] else "  WRONG"
    return f"{shown}  {cell['faster']:8} {cell['choice']}{mark}"


if __name__ == "__main__":
    main()
