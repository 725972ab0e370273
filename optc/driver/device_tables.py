"""What `optc devices` prints: the devices, and every figure of one with where it is from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from backends.cost_table import Device, SchemeCosts, Unit
from backends.figure_paths import figures_of, unit_figures
from backends.figures import HOW, Figure
from optc.driver.console import console, plain_table
from optc.driver.output import printable
from optc.errors import OptcError

_LEGAL = ("bits", "granularities", "vectors", "axes", "ops")


def devices_json(devices: Sequence[Device], problems: Sequence[OptcError] = ()) -> dict[str, Any]:
    """One entry for each device: its units, what streams on them, and how many figures were got in each way.

    `problems` says what is wrong with plug-ins that offer devices.
    """
    return {
        "problems": [str(problem) for problem in problems],
        "devices": [
            {
                "name": device.name,
                "title": device.title,
                "backend": device.backend,
                "units": {
                    name: {"title": unit.title, "streams": _streams(unit)} for name, unit in device.units.items()
                },
                "figures": _counts(device),
            }
            for device in devices
        ],
    }


def device_json(device: Device) -> dict[str, Any]:
    """The whole table of one device as plain data; `figures` is flat, each with its path."""
    return {
        "name": device.name,
        "title": device.title,
        "backend": device.backend,
        "units": {
            name: {
                "title": unit.title,
                "dtype": unit.dtype,
                "overlap": unit.overlap,
                "weights_overlap": unit.weights_overlap,
                "schemes": {kind: _scheme_json(costs) for kind, costs in unit.schemes.items()},
            }
            for name, unit in device.units.items()
        },
        "figures": [
            {"path": path, "unit": path.partition(".")[0] if "." in path else None, "value": figure.value,
             "how": figure.how, "source": figure.source}
            for path, figure in figures_of(device)
        ],
    }  # fmt: skip


def _scheme_json(costs: SchemeCosts) -> dict[str, Any]:
    legal = {name: list(getattr(costs, name)) for name in _LEGAL}
    return {"expansion": costs.expansion, **legal, "least_group": costs.least_group, "source": costs.source}


def _streams(unit: Unit) -> list[str]:
    return [kind for kind, costs in unit.schemes.items() if costs.expansion == "streams"]


def _counts(device: Device) -> dict[str, int]:
    found = Counter(figure.how for _, figure in figures_of(device))
    return {how: found[how] for how in HOW if how != "set"}


def show_devices(devices: Sequence[Device], problems: Sequence[OptcError] = ()) -> None:
    """One row for each device, and a line for each that cannot be used."""
    ways = [how for how in HOW if how != "set"]
    table = plain_table("device", "title", *(f" {how}" for how in ways), "units, and the schemes that stream on them")
    for device in devices:
        counts = _counts(device)
        units = "; ".join(_unit_line(name, unit) for name, unit in device.units.items())
        table.add_row(device.name, printable(device.title), *(str(counts[how]) for how in ways), units)
    out = console()
    out.print(table)
    for problem in problems:
        out.print(printable(str(problem)))


def _unit_line(name: str, unit: Unit) -> str:
    streams = _streams(unit)
    return f"{name}: {'all' if len(streams) == len(unit.schemes) else ', '.join(streams) or 'none'}"


def show_device(device: Device) -> None:
    """Every figure of one device, unit by unit, and what its units can do with each scheme."""
    out = console()
    out.print(printable(f"{device.name}: {device.title}"))
    if device.backend:
        out.print(printable(f"what its units cannot run is said by the plug-in {device.backend}"))
    out.print(_figures([("disk_gbps", device.disk_gbps)]))
    for name, unit in device.units.items():
        hidden = {"none": "nothing hides weights", "op": "the op hides its weights"}
        weights = hidden.get(unit.weights_overlap, "the program hides weights")
        out.print(printable(f"\n{name}: {unit.title}; {unit.dtype}, overlap {unit.overlap}, {weights}"))
        out.print(_figures(unit_figures(unit, name)))
        table = plain_table(f"scheme on {name}", "expansion", "legal", "source")
        for kind, costs in unit.schemes.items():
            table.add_row(kind, costs.expansion, printable(_legal(costs)), printable(costs.source))
        out.print(table)


def _legal(costs: SchemeCosts) -> str:
    lists = [f"{name} {' '.join(map(str, held))}" for name in _LEGAL if (held := getattr(costs, name))]
    groups = [f"groups from {costs.least_group} on"] if costs.least_group > 1 else []
    return "; ".join(lists + groups) or "all"


def _figures(figures: Iterable[tuple[str, Figure]]) -> Any:
    table = plain_table("figure", " value", "how", "source")
    for path, figure in figures:
        table.add_row(path, f"{figure.value:g}", figure.how, printable(figure.source))
    return table
