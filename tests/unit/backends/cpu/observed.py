"""What a machine might have been seen to do, for tests: times that are given, or all the same."""

from collections.abc import Mapping

from backends.cpu.calibration import Machine
from backends.cpu.jobs import fusions, jobs
from backends.cpu.measure import Observations
from backends.cpu.timing import Sample

MACHINE = Machine("bench-1", "A processor", 2, "ONNX Runtime 1.0")
NAMES = tuple(job.name for job in jobs())


def observed(
    times: Mapping[str, float] | None = None, fused: bool = True, without: tuple[str, ...] = ()
) -> Observations:
    """Jobs take `times` seconds, 1 ms where nothing else is said; those in `without` were refused."""
    seconds = {name: 1e-3 for name in NAMES if name not in without} | dict(times or {})
    samples = {name: Sample((taken,)) for name, taken in seconds.items()}
    return Observations(samples, dict.fromkeys(without, "it cannot"), dict.fromkeys(fusions(), fused))
