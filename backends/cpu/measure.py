"""Measuring this machine within a time: what `optc calibrate` makes a cost table of."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import attrs

from backends.cpu.jobs import Job, fusions, is_fused
from backends.cpu.timing import ONE_CORE, WALL, Clock, Sample, Work, sample
from optc.errors import OptcError, UsageError
from optc.ir.block import Program

Progress = Callable[[str], AbstractContextManager[Any]]
"""Goes round the measurement of which it is given the name."""


@attrs.frozen
class Observations:
    """What was seen of a machine.

    `samples`: times by the name of the job; `refused`: why a job has none. `fused`: whether the runtime expands a
    weight inside the product, by the names of `backends.cpu.jobs.fusions`.
    """

    samples: Mapping[str, Sample]
    refused: Mapping[str, str]
    fused: Mapping[str, bool]


@attrs.frozen
class Instruments:
    """What a measurement is made with; others stand in for them in tests."""

    clock: Clock = time.perf_counter
    sample: Callable[[Mapping[str, Work], float], Mapping[str, Sample]] = sample
    is_fused: Callable[[Program], bool] = is_fused
    progress: Progress = lambda _: nullcontext()


def instruments(one_core: bool, progress: Progress) -> Instruments:
    """Those that measure what users have, or one core by its processor time, which is steady where other things run."""
    watch = ONE_CORE if one_core else WALL
    return Instruments(sample=partial(sample, watch=watch), progress=progress)


def measure(seconds: float, tools: Instruments, todo: Iterable[Job]) -> Observations:
    """Measure everything in about `seconds`, preparation included; a slow machine takes longer.

    Raises:
        UsageError: slug `engine-missing`: onnxruntime is not installed.
    """
    end = tools.clock() + seconds
    with tools.progress("preparing"):
        fused = {name: tools.is_fused(make()) for name, make in fusions().items()}
        works, refused = prepared(todo)
    with tools.progress("measuring"):
        samples = tools.sample(works, max(0.0, end - tools.clock()))
    return Observations(samples, refused, fused)


def prepared(todo: Iterable[Job]) -> tuple[dict[str, Work], dict[str, str]]:
    """The work of each job by name, and why there is none.

    Raises:
        UsageError: slug `engine-missing`.
    """
    works: dict[str, Work] = {}
    refused: dict[str, str] = {}
    for job in todo:
        try:
            works[job.name] = job.make()
        except UsageError:
            raise
        except OptcError as error:
            refused[job.name] = f"{error.where}: {error.actual or error.expected}"
    return works, refused
