"""What each scheme makes of a network: bytes, pictures that are recognised, and noise."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import attrs

from optc.driver.demo.shipped import demo_data, demo_model
from optc.driver.facade import FINISH, PREPARE, Pipeline, run
from optc.driver.models import bytes_of, load, save
from optc.driver.threads import cores
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.numerics.distance import snr_db
from optc.pipeline.instrumentation import Instruments
from optc.pipeline.manager import run_pipeline


@attrs.frozen
class Scheme:
    """The options of `optc compress`, and the passes that they stand for."""

    options: str
    passes: str

    @property
    def pipeline(self) -> str:
        """The passes with those that `optc compress` runs before and after them."""
        return f"{PREPARE},{self.passes},{FINISH}"


SCHEMES = (
    Scheme("--palettize 8", "palettize{bits=8}"),
    Scheme("--palettize 6", "palettize{bits=6}"),
    Scheme("--palettize 4", "palettize{bits=4}"),
    Scheme("--palettize 4 --group-size 16", "palettize{bits=4,group_size=16}"),
    Scheme("--palettize 2", "palettize{bits=2}"),
    Scheme("--quantize int8", "quantize{dtype=int8}"),
    Scheme("--quantize int4 --block-size 32", "quantize{dtype=int4,granularity=per_block,block_size=32}"),
    Scheme("--sparsify 0.5", "sparsify{sparsity=0.5}"),
    Scheme("--sparsify 0.5 --palettize 4", "sparsify{sparsity=0.5},palettize{bits=4,joint=true}"),
)


@attrs.frozen(eq=False)
class Subject:
    """A network, the pictures to try it on, and what it is run with; `logits` are its answers as it came.

    `clean` is what compression starts from: the same network, in which batch normalisation is in the convolutions.
    """

    program: Program
    clean: Program
    pictures: Array
    digits: Array
    engine: str
    logits: Array

    @classmethod
    def shipped(cls, engine: str = "") -> Self:
        """The network that ships with optc; without an engine, ONNX Runtime if it is installed."""
        chosen = engine or ("onnxruntime" if find_spec("onnxruntime") else "reference")
        program = load(demo_model())
        pictures, digits = demo_data()
        clean = Pipeline.parse(f"{PREPARE},{FINISH}").run(program)
        return cls(program, clean, pictures, digits, chosen, _logits(program, pictures, chosen))

    @property
    def right(self) -> int:
        """How many pictures the network recognises as it came."""
        return self.count(self.logits)

    def answers(self, program: Program) -> Array:
        """What another form of the network says of the pictures."""
        return _logits(program, self.pictures, self.engine)

    def count(self, logits: Array) -> int:
        """How many pictures are recognised."""
        return int((logits.argmax(axis=1) == self.digits).sum())


def _logits(program: Program, pictures: Array, engine: str) -> Array:
    (name,) = program.main.input_names
    (logits,) = run(program, {name: pictures}, engine).values()
    return logits


@attrs.frozen(eq=False)
class Measured:
    """A scheme tried: bytes of the ONNX file, pictures that are recognised, and signal-to-noise ratios in decibels.

    `snr_db_weights` is that of the noisiest weight, `snr_db_outputs` of the logits; infinite where nothing differs.
    """

    scheme: Scheme
    program: Program
    bytes: int
    right: int
    snr_db_weights: float
    snr_db_outputs: float

    def to_json(self) -> dict[str, Any]:
        """As plain data; JSON has no infinity."""
        numbers = {
            name: value if math.isfinite(value) else None
            for name in ("snr_db_weights", "snr_db_outputs")
            for value in [getattr(self, name)]
        }
        return {
            "options": self.scheme.options,
            "pipeline": self.scheme.pipeline,
            "bytes": self.bytes,
            "right": self.right,
            **numbers,
        }


def measure(subject: Subject, schemes: Sequence[Scheme] = SCHEMES) -> Iterator[Measured]:
    """Try the schemes one by one."""
    with tempfile.TemporaryDirectory(prefix="optc-") as folder:
        for scheme in schemes:
            pipeline = Pipeline.parse(scheme.pipeline)
            outcome = run_pipeline(pipeline, subject.program, Instruments(workers=cores()))
            written = save(outcome.program, Path(folder) / "tried.onnx")
            logits = subject.answers(outcome.program)
            noisiest = min((r.snr_db for r in outcome.ledger if r.snr_db is not None), default=math.inf)
            yield Measured(
                scheme, outcome.program, sum(bytes_of(path) for path in written), subject.count(logits), noisiest,
                snr_db(subject.logits, logits),
            )  # fmt: skip


def smallest_as_good(subject: Subject, tried: Sequence[Measured]) -> Measured:
    """The smallest that recognises no fewer pictures than the network as it came; else that which recognises most."""
    good = [measured for measured in tried if measured.right >= subject.right]
    if good:
        return min(good, key=lambda measured: measured.bytes)
    return max(tried, key=lambda measured: measured.right)
