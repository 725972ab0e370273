"""What a pass is, and what it is given to work with."""

import abc
import hashlib
import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import numpy as np

from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.pipeline.options import option, options_of, show
from optc.pipeline.remarks import Ledger, Remark

__all__ = ["Pass", "PassContext", "option"]

T = TypeVar("T")
R = TypeVar("R")


class PassContext:
    """What a pass may touch besides its program: remarks, counters, random numbers, the verifier.

    The manager makes a fresh one for each run of a pass. `PassContext()` will do in a test.

    `importance` says by the name of a weight how much the squared error of each of its elements counts: arrays of the
    weight's shape, or such as broadcast to it, of numbers that are not negative. Where there is none, all count alike.
    `originals` is shared by the passes of a run: by name, each weight as the first that changed its values found it.
    """

    def __init__(
        self,
        running: "Pass | None" = None,
        ledger: Ledger | None = None,
        statistics: "Counter[str] | None" = None,
        verify: Callable[[Program], None] | None = None,
        workers: int = 1,
        importance: Mapping[str, Array] | None = None,
        progress: Callable[[float, float], None] | None = None,
        originals: dict[str, Any] | None = None,
    ) -> None:
        self.originals: dict[str, Any] = {} if originals is None else originals
        self.importance: Mapping[str, Array] = importance or {}
        self.pass_name = running.name if running else "pass"
        self.ledger = Ledger() if ledger is None else ledger
        self.statistics: Counter[str] = Counter() if statistics is None else statistics
        self._verify = verify
        self._workers = workers
        self._progress = progress
        self._seed = str(running) if running else ""
        self._rng: np.random.Generator | None = None

    @property
    def rng(self) -> np.random.Generator:
        """The only randomness that a pass may use.

        It depends on the pass and its options alone, so that a pass does the same on a program wherever it stands in
        a pipeline, and when its failure is replayed.
        """
        if self._rng is None:
            digest = hashlib.sha256(self._seed.encode("utf-8", "surrogatepass")).digest()
            self._rng = np.random.default_rng(np.frombuffer(digest, np.uint32))
        return self._rng

    def progress(self, done: float, total: float) -> None:
        """Say how far the pass is, for whoever waits: `done` of `total`, in whatever unit."""
        if self._progress is not None:
            self._progress(done, total)

    def map(
        self, work: Callable[[T], R], items: Sequence[T], effort: Callable[[T], float] = lambda item: 1.0
    ) -> list[R]:
        """What `work` gives for each item, in order; in several threads if the manager was told so.

        An error of the first item that has one is raised. `effort` says how much of the whole an item is, for whoever
        waits.
        """
        watched = _Watched(work, self.progress, [effort(item) for item in items])
        if self._workers == 1 or len(items) < 2:
            return [watched(item, number) for number, item in enumerate(items)]
        with ThreadPoolExecutor(min(self._workers, len(items))) as pool:
            return list(pool.map(watched, items, range(len(items))))

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter of this pass, `<pass>.<name>` in the statistics."""
        self.statistics[f"{self.pass_name}.{name}"] += by

    def verify(self, program: Program) -> None:
        """Verify a program in the middle of a long pass; does nothing where the verifier is switched off.

        Raises:
            OptcError: the program is not valid.
        """
        if self._verify is not None:
            self._verify(program)

    def remark(
        self,
        subject: str,
        decision: str,
        reason: str,
        *,
        kind: str = "weight",
        scheme: str = "",
        bytes_before: int | None = None,
        bytes_after: int | None = None,
        snr_db: float | None = None,
        numbers: Mapping[str, int | float | str] | None = None,
        message: str = "",
    ) -> None:
        """Record one decision; see `Remark` for what the parts mean."""
        self.ledger.add(
            Remark(
                self.pass_name, subject, decision, reason, kind=kind, scheme=scheme, bytes_before=bytes_before,
                bytes_after=bytes_after, snr_db=snr_db, numbers=numbers or {}, message=message,
            )
        )  # fmt: skip


class _Watched(Generic[T, R]):
    """Work on items, of which each is so much of the whole; says how far it is, in one thread at a time."""

    def __init__(self, work: Callable[[T], R], told: Callable[[float, float], None], efforts: Sequence[float]) -> None:
        self.work = work
        self.told = told
        self.efforts = efforts
        self.total = math.fsum(efforts)
        self.done = 0.0
        self.lock = threading.Lock()
        if self.total:
            told(0, self.total)

    def __call__(self, item: T, number: int) -> R:
        result = self.work(item)
        if self.efforts[number]:
            with self.lock:
                self.done += self.efforts[number]
                self.told(min(self.done, self.total), self.total)
        return result


@attrs.frozen
class Pass(abc.ABC):
    """A function from program to program, whose fields are its options.

        @attrs.frozen
        class Palettize(Pass):
            name: ClassVar[str] = "palettize"
            bits: int = option(4, one_of=(1, 2, 3, 4, 6, 8), help="bits per index")

            def run(self, program: Program, cx: PassContext) -> Program: ...

        str(Palettize(bits=8))      # 'palettize{bits=8}'

    Raises:
        UsageError: slugs `option-kind`, `option-choice`, `option-range`, if an option is given a wrong value.
    """

    name: ClassVar[str] = ""
    idempotent: ClassVar[bool] = False
    """A second run changes nothing: it returns the very program that the first one returned."""
    exact: ClassVar[bool] = False
    """Results stay the same, bit for bit."""

    def __attrs_post_init__(self) -> None:
        for declared in options_of(type(self)):
            given = getattr(self, declared.name)
            plain = declared.check(given, f"pass {self.name}")
            if plain is not given:
                object.__setattr__(self, declared.name, plain)

    @abc.abstractmethod
    def run(self, program: Program, cx: PassContext) -> Program:
        """The program after the pass: the same object if there was nothing to do.

        Raises:
            OptcError: the program or an option asks for something that cannot be done.
        """

    def changed_options(self) -> dict[str, Any]:
        """The options that differ from their defaults, in order of declaration."""
        values = ((declared, getattr(self, declared.name)) for declared in options_of(type(self)))
        return {declared.name: value for declared, value in values if declared.required or value != declared.default}

    def __str__(self) -> str:
        """The pass as pipeline text: a name, and in braces the options that are not at their defaults."""
        given = ",".join(f"{name}={show(value)}" for name, value in self.changed_options().items())
        return f"{self.name}{{{given}}}" if given else self.name
