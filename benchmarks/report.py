"""How large a report is, how long making it takes, and how soon a browser has it ready to be used.

    python benchmarks/report.py                 # 1,000 weights, 5,000 ops; on one device, on two and on four
    python benchmarks/report.py --keep FOLDER   # leave the pages there, to look at them

The weights are palettized with 8 bits, which is the most that a page holds of a palette, and held against dense ones.
Time in a browser (Debian's chromium, driven by playwright; without them it is left out) is from the start of the
navigation until the page's script has run and the next frame is drawn; then how long it takes to sort the ops, to
filter them, to unfold the arithmetic of a decision, and to zoom the timeline, to the next frame each.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import numpy as np

from backends.device_files import load_device
from backends.plan import make_plan
from optc.driver.facade import compress
from optc.driver.report.page import Model, report_page
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.activations import Relu
from optc.ops.elementwise import Add
from optc.ops.matmul import Linear
from optc.ops.norm import LayerNorm
from optc.ops.order import Cumsum
from optc.ops.softmax import Softmax
from passes.compress.palettize import Palettize

WEIGHTS = 1_000
DEVICES = ("iphone15pro", "macbook-m2", "x86-server", "nvidia-h100")
RUNS = 5
STEPS = {
    "sort ops": "document.querySelectorAll('#op-table thead button')[3].click()",
    "filter ops": "const i = document.querySelector('#op-table input'); i.value = '77'; "
    "i.dispatchEvent(new Event('input'))",
    "unfold": "document.querySelector('#decision-table tbody button').click()",
    "zoom": "document.querySelector('#tracks .controls button').click()",
}
TO_THE_NEXT_FRAME = """async () => {{
  const start = performance.now();
  {};
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}}"""
READY = """async () => {
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return document.documentElement.dataset.ready === "true" ? performance.now() : NaN;
}"""


def model() -> Program:
    """A chain of blocks of five ops and a dense weight; every tenth has an op that the accelerator refuses."""
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, 64)), "x")
    rng = np.random.default_rng(0)
    scale, shift = b.const(np.ones(64, np.float16)), b.const(np.zeros(64, np.float16))
    for number in range(WEIGHTS):
        weight = b.const(rng.standard_normal((64, 64)).astype(np.float16), f"encoder.layers.{number}.linear.weight")
        name = f"encoder.layers.{number}"
        y = b.add(Relu(b.add(Linear(x, weight), f"{name}.linear")), f"{name}.relu")
        y = b.add(Cumsum(y, axis=1) if number % 10 == 9 else Softmax(y, axis=1), f"{name}.mixed")
        x = b.add(LayerNorm(b.add(Add(x, y), f"{name}.sum"), axis=1, scale=scale, bias=shift), f"{name}.norm")
    return b.program(y=x)


def planned(name: str, program: Program, devices: Sequence[str]) -> Model:
    """The model with a plan for each device."""
    return Model(name, program, [make_plan(program, load_device(device)) for device in devices])


def in_browser(page_file: Path) -> dict[str, float]:
    """Median times in ms; empty where there is no browser to ask."""
    browser = which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}
    if browser is None:
        return {}
    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for _ in range(RUNS):
            page = chromium.new_page()
            page.goto(page_file.as_uri(), wait_until="commit")
            page.wait_for_selector("html[data-ready=true]", state="attached")
            found.setdefault("ready", []).append(page.evaluate(READY))
            for name, step in STEPS.items():
                found.setdefault(name, []).append(page.evaluate(TO_THE_NEXT_FRAME.format(step)))
            page.close()
        chromium.close()
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    """Make the pages, and print their sizes and times."""
    dense = model()
    small = compress(dense, Palettize(bits=8))
    folder = Path(sys.argv[2]) if sys.argv[1:2] == ["--keep"] else Path(tempfile.mkdtemp())
    pages = (
        ("one device", DEVICES[:1], None), ("two devices, against", DEVICES[:2], dense),
        ("four devices, against", DEVICES, dense),
    )  # fmt: skip
    for label, devices, other in pages:
        start = time.perf_counter()
        models = [planned("small.onnx", small, devices)]
        models += [] if other is None else [planned("model.onnx", other, devices)]
        halfway = time.perf_counter()
        page = report_page(*models)
        end = time.perf_counter()
        file = folder / f"report-{len(devices)}.html"
        file.write_text(page, "utf-8")
        print(f"{label}: {len(page.encode()):,} bytes; plans {halfway - start:.1f} s, page {end - halfway:.1f} s")
        for name, ms in in_browser(file).items():
            print(f"  {name}: {ms:.0f} ms")
        if sys.argv[1:2] != ["--keep"]:
            file.unlink()


if __name__ == "__main__":
    main()
