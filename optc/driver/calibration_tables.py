"""What `optc calibrate` prints: the times that were measured, the figures made of them, and what was not measured."""

from typing import Any

from backends.cost_table import Device
from backends.cpu.measure import Observations
from backends.cpu.timing import Sample
from backends.figure_paths import figures_of
from optc.driver.console import console, plain_table
from optc.driver.output import printable


def calibration_json(device: Device, seen: Observations) -> dict[str, Any]:
    """The figures by path; the times in ms (lower quartile and median of the rounds), and their spread as a fraction of
    the median; and what was refused."""
    return {
        "name": device.name,
        "title": device.title,
        "figures": [
            {"path": path, "value": figure.value, "how": figure.how, "source": figure.source}
            for path, figure in figures_of(device)
        ],
        "times": [
            {
                "what": name, "ms": 1e3 * found.quick, "median_ms": 1e3 * found.median, "spread": found.spread,
                "rounds": found.rounds,
            }
            for name, found in seen.samples.items()
        ],
        "refused": [{"what": name, "why": why} for name, why in seen.refused.items()],
        "fused": dict(seen.fused),
    }  # fmt: skip


def show_calibration(device: Device, seen: Observations) -> None:
    """The times, then the figures."""
    out = console()
    out.print(printable(f"{device.name}: {device.title}"))
    times = plain_table("measured", " ms", " median", " spread", " rounds")
    for name, found in seen.samples.items():
        times.add_row(
            name, f"{1e3 * found.quick:.4g}", f"{1e3 * found.median:.4g}", f"{found.spread:.0%}", str(found.rounds)
        )
    out.print(times)
    figures = plain_table("\nfigure", " \nvalue", "\nhow")
    for path, figure in figures_of(device):
        figures.add_row(path, f"{figure.value:.4g}", figure.how)
    out.print(figures)
    for name, why in seen.refused.items():
        out.print(printable(f"not measured: {name}: {why}"))
    unsteady = [name for name, found in seen.samples.items() if is_unsteady(found)]
    if unsteady:
        out.print(f"{len(unsteady)} of {len(seen.samples)} times have a spread above {UNSTEADY:.0%}: ", end="")
        out.print("something else ran; measure again when the machine is quiet")


UNSTEADY = 0.1
"""Above this spread a time is called unsteady."""


def is_unsteady(found: Sample) -> bool:
    """Whether rounds differ so much that something else must have run."""
    return found.spread > UNSTEADY
