"""What `optc bench` measures: a model in ONNX Runtime, with its weights expanded at load and kept for prediction."""

import math
import tempfile
import time
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import attrs

from backends.costs import LOAD, PREDICT
from backends.cpu.engine import inputs_of, prediction, session_of
from backends.cpu.timing import Sample, Work, sample
from backends.sizes import Sizes
from optc.driver.models import bytes_of, save
from optc.driver.planning import plan
from optc.formats.onnx.constexpr import linear_form
from optc.ir.block import Program
from optc.ir.op import Op
from optc.ops.constexpr import CODES, ShiftScale
from optc.ops.conv import Convolution
from optc.ops.weights import Weight, weights_of

LOADS = 3
"""How often a model is loaded, to say how long that takes."""


@attrs.frozen
class Side:
    """One way to run a model: what it takes as measured, and as predicted.

    Times in ms; `load_ms` is that of a session. `choices`: what the plan was made for, by weight. `predicted_ms` and
    `predicted_load_ms` are those of the plan, None where no device was asked for. `convolutions`: how many weights of
    convolutions are kept.
    """

    choice: str
    sample: Sample
    load_ms: float
    file_bytes: int
    choices: Mapping[str, str]
    predicted_ms: float | None = None
    predicted_load_ms: float | None = None
    convolutions: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "choice": self.choice, "ms": 1e3 * self.sample.median, "best_ms": 1e3 * min(self.sample.seconds),
            "spread": self.sample.spread, "rounds": self.sample.rounds, "load_ms": self.load_ms,
            "file_bytes": self.file_bytes, "predicted_ms": self.predicted_ms,
            "predicted_load_ms": self.predicted_load_ms, "kept_convolutions": self.convolutions,
            "kept": sum(c == PREDICT for c in self.choices.values()),
        }  # fmt: skip


def keeps(weight: Weight) -> bool:
    """Whether ONNX Runtime, with default options, expands a weight as optc writes it at each prediction.

    It works out at load what operators make of constants, but for DequantizeLinear and what follows from that.
    """
    return any(_is_linear(op) for op in weight.chain)


def _is_linear(op: Op) -> bool:
    """Whether an op is written as DequantizeLinear."""
    if not isinstance(op, ShiftScale) or op.data.tensor.dtype not in CODES:
        return False
    return linear_form(op.data.tensor.static_shape, op.scale.tensor.static_shape) is not None


def bench(program: Program, dense: Program, sizes: Mapping[str, int], seconds: float) -> list[Side]:
    """The program with weights expanded at load (`dense`, the same one decompressed) and as it is, measured in turns.

    Raises:
        UsageError: slug `engine-missing`: onnxruntime is not installed.
        OptcError: ONNX cannot express the program, or ONNX Runtime cannot run it (slug `engine`).
    """
    weights = [weight for weight in weights_of(program) if weight.scheme != "dense"]
    choices = {
        LOAD: {weight.name: LOAD for weight in weights},
        PREDICT: {weight.name: PREDICT if keeps(weight) else LOAD for weight in weights},
    }
    inputs = inputs_of(program, Sizes(sizes))
    works: dict[str, Work] = {}
    loaded: dict[str, tuple[float, int]] = {}
    with tempfile.TemporaryDirectory(prefix="optc-") as folder:
        for choice, side in ((LOAD, dense), (PREDICT, program)):
            path = Path(folder) / f"{choice}.onnx"
            size = sum(map(bytes_of, save(side, path)))
            works[choice], taken = _loaded(path, inputs)
            loaded[choice] = taken, size
    samples = sample(works, seconds)
    kept = sum(keeps(weight) and any(isinstance(op, Convolution) for op in weight.consumers) for weight in weights)
    counts = {LOAD: 0, PREDICT: kept}
    return [
        Side(choice, samples[choice], *loaded[choice], choices[choice], convolutions=counts[choice]) for choice in works
    ]


def _loaded(path: Path, inputs: Mapping[str, Any]) -> tuple[Work, float]:
    """A prediction, ready to be called, and the ms in which ONNX Runtime loads the model, the median of a few."""
    taken = []
    for _ in range(LOADS):
        start = time.perf_counter()
        session = session_of(path)
        taken.append(time.perf_counter() - start)
    return prediction(session, inputs), 1e3 * sorted(taken)[LOADS // 2]


def free_weights(program: Program, device: str, sizes: Mapping[str, int]) -> set[str]:
    """The names of the weights that the processor of a device can expand at load and at prediction.

    Raises:
        UsageError: as `optc.plan` does.
    """
    return {decision.name for decision in plan(program, device, "cpu", sizes=sizes).decisions if decision.is_free}


def predicted(program: Program, side: Side, device: str, sizes: Mapping[str, int], free: Container[str]) -> Side:
    """The side with what the plan for a device predicts, with each weight as it was measured.

    Of weights that are not `free`, the plan expands all at load. Where ONNX Runtime keeps one all the same, expanding
    it into a buffer is added to the time of prediction, and taken from that of load.

    Raises:
        UsageError: as `optc.plan` does.
    """
    pins = {name: choice for name, choice in side.choices.items() if name in free}
    made = plan(program, device, "cpu", pins, sizes)
    kept = [d for d in made.decisions if d.choice == LOAD and side.choices.get(d.name) == PREDICT]
    return attrs.evolve(
        side,
        predicted_ms=made.totals.predict_ms + math.fsum(d.predict_ms_if_predict - d.predict_ms_if_load for d in kept),
        predicted_load_ms=made.totals.load_ms + math.fsum(d.load_ms_if_predict - d.load_ms_if_load for d in kept),
    )
