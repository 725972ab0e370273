"""Apple's published latencies against what the cost tables predict, and how the constants of the tables were fitted.

    python benchmarks/latency_fit.py                          # predicted beside published
    python benchmarks/latency_fit.py --fit                    # fit the two constants again, and leave one model out
    python benchmarks/latency_fit.py --json

The published rows (`latency.csv` beside the folder of models, `OPTC_MODELS`) are of two networks and of one large
decoder. The networks are compressed as each row says, and planned for the phone that it was measured on. Two constants
are fitted, on the rows that Apple measured again on iOS 17: the peak arithmetic of the iPhone 14 Pro's neural
accelerator, and the bandwidth of its activations. The decoder is bound by its weights; its table's constants follow
from its rows by division (see the sources in the tables), and smaller groups are shown for whoever has measured them.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import attrs
import numpy as np
from peer import MODELS, package

import optc
from backends.device_files import load_device
from backends.figure_paths import with_figure
from backends.kernels import kernels_of
from backends.plan import Plan, make_plan
from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.constexpr import LutToDense
from optc.ops.matmul import Linear
from optc.ops.quantize import Dequantize, Quantize

COLUMNS = {
    "ms_14pro_2023": ("iphone14pro", "iOS 17 beta"), "ms_14pro_ios17": ("iphone14pro", "iOS 17"),
    "ms_15pro_ios17": ("iphone15pro", "iOS 17"),
}  # fmt: skip
FITTED = ("ms_14pro_ios17", ("npu.arithmetic_tflops.f16", "npu.activation_gbps"))
"""The rows that constants are fitted on, and the constants; `npu.arithmetic_tflops.i8` of that phone is the first's."""
GOAL = 0.05


@attrs.frozen
class Row:
    """One published latency beside the predicted one, in ms."""

    model: str
    scheme: str
    column: str
    published: float
    predicted: float

    @property
    def error(self) -> float:
        """Predicted against published, as a fraction of it."""
        return self.predicted / self.published - 1


@cache
def network(name: str) -> Program:
    """A published network in float16."""
    return optc.load(package(name))


@cache
def compressed(name: str, scheme: str, bits: int) -> Program:
    """A network as a row says."""
    program = network(name)
    if scheme.startswith("sparse"):
        return optc.compress(program, optc.Sparsify(sparsity=int(scheme.removeprefix("sparse")) / 100))
    if scheme == "pal":
        return optc.compress(program, optc.Palettize(bits=bits))
    if scheme in ("w8", "w8a8"):
        quantized = optc.compress(program, optc.Quantize(dtype="int8"))
        return with_quantized_activations(quantized) if scheme == "w8a8" else quantized
    return optc.compress(program)


def with_quantized_activations(program: Program) -> Program:
    """The program with each float that passes between kernels quantized to 8 bits and back, all at one scale.

    The numbers are of no use; the traffic and the arithmetic are those of a model with quantized activations.
    """
    body = program.main.body
    kernels = kernels_of(body)
    passed = {value for kernel in kernels for value in kernel.reads}
    replaced: dict[Value, Value] = {}
    after: dict[Value, tuple[Op, ...]] = {}
    for value in passed:
        kind = value.type
        if isinstance(kind, TensorType) and kind.dtype.is_float:
            scale = Const(Tensor.of(np.asarray(0.1, kind.dtype.numpy), kind.dtype))
            codes = Quantize(value, scale.results[0], dtype=DType.I8)
            back = Dequantize(codes.results[0], scale.results[0])
            after[value], replaced[value] = (scale, codes, back), back.results[0]
    inside = {id(op): kernel for kernel in kernels for op in kernel.ops}
    ops = [op for value in body.params for op in after.get(value, ())]
    for op in body.ops:
        own = inside.get(id(op))
        reads = set(own.reads) if own is not None else set()
        ops.append(op.with_operands(lambda v, reads=reads: replaced.get(v, v) if v in reads else v))
        ops += [new for value in op.results for new in after.get(value, ())]
    return attrs.evolve(program, functions=(program.main.with_body(Block(body.params, ops, body.results)),))


DECODER = {"layers": 24, "width": 2048, "inner": 8192, "words": 50272}
"""OPT-1.3B: Zhang et al., OPT: Open Pre-trained Transformer Language Models, 2022, table 1."""


@cache
def decoder(bits: int, group: int) -> Program:
    """The products of one step of the decoder; palettized, with a table for each `group` rows (0: one), or float16."""
    b = Builder()
    x = b.param(TensorType(DType.F16, (1, DECODER["width"])), "x")
    stored: dict[tuple[int, int], Sequence[Tensor]] = {}

    def product(x: Value, rows: int) -> Value:
        columns = x.tensor.static_shape[-1]
        if (rows, columns) not in stored:
            stored[rows, columns] = _stored(rows, columns, bits, group)
        parts = [b.const(tensor) for tensor in stored[rows, columns]]
        weight = parts[0] if len(parts) == 1 else b.add(LutToDense(parts[0], parts[1]))
        return b.add(Linear(x, weight))

    for _ in range(DECODER["layers"]):
        for _ in range(4):
            x = product(x, DECODER["width"])
        x = product(product(x, DECODER["inner"]), DECODER["width"])
    return b.program(words=product(x, DECODER["words"]))


def _stored(rows: int, columns: int, bits: int, group: int) -> Sequence[Tensor]:
    if bits == 16:
        return (Tensor.of(np.zeros((rows, columns), np.float16), DType.F16),)
    tables = rows // group if group else 1
    indices = Tensor.of(np.zeros((rows, columns), np.uint8), DType(f"u{bits}"))
    return indices, Tensor.of(np.zeros((tables, 1, 1 << bits, 1), np.float16), DType.F16)


def published() -> Iterator[tuple[str, str, int, str, float]]:
    """Model, scheme, bits, column and ms of each published latency."""
    with (MODELS.parent / "latency.csv").open(newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            for column in COLUMNS:
                if row[column]:
                    yield row["model"], row["scheme"], int(row["bits"]), column, float(row[column])


def program_of(model: str, scheme: str, bits: int) -> Program:
    """The program of a row."""
    if model != "opt1.3b":
        return compressed(model, scheme, bits)
    group = scheme.partition("group")[2]
    return decoder(bits, int(group) if group.isdigit() else 0)


def planned(program: Program, device: str, constants: Sequence[float] = ()) -> Plan:
    """The plan on the neural accelerator, where the rows were measured, with the fitted constants if they are given."""
    table = load_device(device)
    for path, value in zip((*FITTED[1], "npu.arithmetic_tflops.i8"), (*constants, *constants[:1]), strict=False):
        table = with_figure(table, path, value)
    alone = attrs.evolve(table, units={"npu": attrs.evolve(table.units["npu"], handover={})})
    return make_plan(program, alone)


def rows(only: str = "", constants: Sequence[float] = (), without: str = "") -> list[Row]:
    """All rows, or those of one column, or of all models but one."""
    return [
        Row(model, scheme if scheme != "pal" else f"pal{bits}", column, ms,
            planned(program_of(model, scheme, bits), COLUMNS[column][0], constants).totals.predict_ms)
        for model, scheme, bits, column, ms in published()
        if (not only or column == only) and model != without
    ]  # fmt: skip


def mean_error(found: Sequence[Row]) -> float:
    """Mean absolute error, as a fraction of the published latency."""
    return float(np.mean([abs(row.error) for row in found])) if found else float("nan")


def fitted(without: str = "") -> tuple[tuple[float, float], float]:
    """The constants of least mean error on a grid, first coarse, then of half a TFLOP/s and a GB/s, and that error."""
    centre, best = (16.0, 62.0), ((0.0, 0.0), float("inf"))
    for step in (1.0, 0.5):
        for tflops in centre[0] + step * np.arange(-4, 5):
            for gbps in centre[1] + 2 * step * np.arange(-4, 5):
                constants = (float(tflops), float(gbps))
                best = min(best, (constants, mean_error(rows(FITTED[0], constants, without))), key=lambda b: b[1])
        centre = best[0]
    return best


def decoder_groups(device: str) -> dict[str, float]:
    """Predicted ms of one step of the decoder with 4-bit palettes, by the number of rows that share a table."""
    groups = {"per tensor": 0, **{f"groups of {g}": g for g in (32, 16, 8, 4, 2, 1)}}
    return {name: planned(decoder(4, group), device).totals.predict_ms for name, group in groups.items()}


def report(fit: bool) -> dict[str, Any]:
    """All that is printed."""
    found = rows()
    out: dict[str, Any] = {
        "rows": [{**attrs.asdict(row), "error": row.error} for row in found],
        "mean_error": {c: mean_error([r for r in found if r.column == c and r.model != "opt1.3b"]) for c in COLUMNS},
        "decoder_worst": max(abs(r.error) for r in found if r.model == "opt1.3b"),
        "decoder_groups": decoder_groups("iphone15pro"),
    }
    if fit:
        out["fit"] = {"all": fitted()}
        for model, other in (("mobilenetv2", "resnet50"), ("resnet50", "mobilenetv2")):
            constants, _ = fitted(without=model)
            left = rows(FITTED[0], constants, without=other)
            out["fit"][f"without {model}"] = (constants, mean_error([r for r in left if r.model == model]))
    return out


def show(found: dict[str, Any]) -> None:
    """The report, for people."""
    print(f"{'model':12} {'scheme':16} {'measured on':28} {'published':>9} {'predicted':>9} {'error':>7}")
    for row in found["rows"]:
        where = " ".join(COLUMNS[row["column"]])
        print(
            f"{row['model']:12} {row['scheme']:16} {where:28} {row['published']:9.2f} {row['predicted']:9.3f} "
            f"{row['error']:+7.1%}"
        )
    for column, error in found["mean_error"].items():
        goal = f" (goal {GOAL:.0%})" if column == FITTED[0] else ""
        print(f"mean error of both networks on {' '.join(COLUMNS[column])}: {error:.1%}{goal}")
    print(f"largest error of the decoder: {found['decoder_worst']:.1%} (goal 10%)")
    for name, ms in found["decoder_groups"].items():
        print(f"decoder, 4-bit palettes {name}: {ms:.2f} ms predicted")
    for name, (constants, error) in found.get("fit", {}).items():
        values = ", ".join(f"{path} {value:g}" for path, value in zip(FITTED[1], constants, strict=True))
        what = "mean error in the sample" if name == "all" else "mean error of the model left out"
        print(f"fitted {name}: {values}; {what} {error:.1%}")


def main() -> None:
    """Parse arguments, and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fit", action="store_true", help="fit the constants again (some minutes)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    arguments = parser.parse_args()
    found = report(arguments.fit)
    print(json.dumps(found, indent=2)) if arguments.json else show(found)


if __name__ == "__main__":
    main()
