"""How long a Core ML package takes to load and inspect, and how much memory a conversion of a large model takes.

    python benchmarks/formats.py                      # packages and models made on the spot
    python benchmarks/formats.py PACKAGE.mlpackage    # that package instead
    python benchmarks/formats.py --json

The package is one of 50 MB, a chain of convolutions. A process reads it and lists its weights, values untouched
(`optc inspect --no-values`); another reads it with coremltools, if that is installed, as far as its own program. Both
times are of whole processes, the best of several, and so is the ratio. The model is one of 4 GB of external data,
written sparsely so that it takes no room on disk; the figure is the peak resident memory of the process that converts
it (files that are mapped included), less that of one that converts a model of four kilobytes.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from optc.driver.facade import save
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.conv import Conv

RUNS = 5
_THEIRS = """
import logging, sys, warnings
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.models.utils import load_spec
spec = load_spec(sys.argv[1])
load(spec, spec.specificationVersion, sys.argv[1] + "/Data/com.apple.CoreML/weights")
"""
# Not by `resource`: what it calls the peak is at least that of the process which started this one.
_CONVERT = """
import sys
from optc.driver.main import run
run(["convert", sys.argv[1], "-o", sys.argv[2]])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def make_package(folder: Path) -> Path:
    """A package of 50 MB: 44 convolutions of 256 channels in float16."""
    rng = np.random.default_rng(0)
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, 256, 16, 16)), "x")
    for layer in range(44):
        w = b.const(rng.standard_normal((256, 256, 3, 3)).astype(np.float16), f"layers.{layer}.weight")
        x = b.add(Conv(x, w, pads=(1, 1, 1, 1)))
    path = folder / "model.mlpackage"
    save(b.program(y=x), path)
    return path


def make_model(folder: Path, name: str, size: int, count: int) -> Path:
    """Products with `count` square matrices of `size` rows, float32, beside the model."""
    length = 4 * size * size
    with (folder / f"{name}.data").open("wb") as file:
        file.truncate(count * length)
    tensors = []
    for index in range(count):
        tensor = TensorProto(name=f"w{index}", data_type=TensorProto.FLOAT, dims=[size, size])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", f"{name}.data"), ("offset", index * length), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        tensors.append(tensor)
    nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(count)]
    ends = [helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, [1, size]) for i in (0, count)]
    graph = helper.make_graph(nodes, name, ends[:1], ends[1:], tensors)
    path = folder / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), str(path))
    return path


def seconds(*command: str) -> float:
    """The time of a process, the best of several."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return min(times)


def peak_bytes(model: Path) -> int:
    """The peak resident memory of the process that converts a model (Linux: elsewhere nobody keeps it)."""
    out = model.with_name(f"{model.stem}_again.onnx")
    done = subprocess.run(
        [sys.executable, "-c", _CONVERT, str(model), str(out)], check=True, capture_output=True, text=True
    )  # fmt: skip
    for file in (out, out.with_name(out.name + ".data")):
        file.unlink(missing_ok=True)
    return 1024 * int(done.stdout.split()[-2])


def main() -> None:
    """Print the figures."""
    named = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        package = Path(named[0]) if named else make_package(folder)
        size = sum(file.stat().st_size for file in package.rglob("*") if file.is_file())
        ours = seconds(sys.executable, "-m", "optc", "inspect", "--no-values", str(package))
        figures: dict[str, float] = {"package_mb": size / 1e6, "inspect_s": ours}
        try:
            theirs = seconds(sys.executable, "-c", _THEIRS, str(package))
            figures |= {"coremltools_s": theirs, "ratio": theirs / ours}
        except subprocess.CalledProcessError:
            pass  # coremltools is not installed
        if not named:
            small = peak_bytes(make_model(folder, "small", 16, 4))
            large = peak_bytes(make_model(folder, "large", 16384, 4))
            figures |= {"convert_mb": 4 * 4 * 16384**2 / 1e6, "convert_peak_mb": (large - small) / 1e6}
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        for name, figure in figures.items():
            print(f"{name:<16} {figure:,.2f}")


if __name__ == "__main__":
    main()
