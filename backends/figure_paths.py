"""Paths of figures: `npu.schemes.palettized.decode_gweights_per_s` names one number of a device's table.

A path starts with the name of a unit, or is `disk_gbps`; then come the names of fields and the keys of tables.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from backends.cost_table import Device, Unit
from backends.figures import Figure
from optc.errors import UsageError
from optc.pipeline.suggest import did_you_mean

FOR_ONE_RUN = "set by the user for this run"


def figures_of(device: Device) -> Iterator[tuple[str, Figure]]:
    """Each figure of the table with its path, in the order of the fields; unit after unit."""
    yield "disk_gbps", device.disk_gbps
    for name, unit in device.units.items():
        yield from unit_figures(unit, name)


def unit_figures(unit: Unit, name: str) -> Iterator[tuple[str, Figure]]:
    """Each figure of one unit with its path, which starts with `name`."""
    for path, figure in _leaves(unit, name):
        if figure is not None:
            yield path, figure


def figure_at(device: Device, path: str) -> Figure:
    """The figure at a path.

    Raises:
        UsageError: slug `no-such-figure`.
    """
    node: Any = device
    for part in path.split("."):
        node = _child(node, part)
    if not isinstance(node, Figure):
        raise _no_such_figure(device, path, [known for known, _ in figures_of(device)])
    return node


def with_figure(device: Device, path: str, value: float) -> Device:
    """The device with another value at a path: a figure that it has, or one that its table may leave out.

    What comes back shares everything else with `device`.

    Raises:
        UsageError: slug `no-such-figure`, or `figure-value` for a value that the figure cannot have.
    """
    parts = path.split(".")
    parent: Any = device
    for part in parts[:-1]:
        parent = _child(parent, part)
    if not isinstance(_child(parent, parts[-1]), Figure) and parts[-1] not in _optional(type(parent)):
        raise _no_such_figure(device, path, settable_paths(device))
    if not math.isfinite(value) or value < 0:
        raise _wrong_value(device, path, "a number from 0 on", value)
    try:
        changed: Device = _replaced(device, parts, Figure(float(value), "set", FOR_ONE_RUN))
    except ValueError:  # the one thing that the fields ask of a figure beyond being a number from 0 on
        raise _wrong_value(device, path, "greater than 0", value) from None
    return changed


def settable_paths(device: Device) -> list[str]:
    """The paths that `with_figure` takes: of the figures that the table has, and of those that it leaves out."""
    units = (path for name, unit in device.units.items() for path, _ in _leaves(unit, name))
    return ["disk_gbps", *units]


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Figure | None]]:
    """The figures under a node with their paths; None where a field that may hold one holds none."""
    if isinstance(node, Figure):
        yield path, node
    elif isinstance(node, Mapping):
        for key, child in node.items():
            yield from _leaves(child, f"{path}.{key}")
    elif attrs.has(type(node)):
        for field in attrs.fields(type(node)):
            child = getattr(node, field.name)
            if child is None:
                yield f"{path}.{field.name}", None
            else:
                yield from _leaves(child, f"{path}.{field.name}")


def _child(node: Any, part: str) -> Any:
    """What a part of a path names in a node; None if nothing."""
    if isinstance(node, Device) and part != "disk_gbps":
        node = node.units
    if isinstance(node, Mapping):
        return node.get(part)
    if isinstance(node, Figure) or not attrs.has(type(node)):
        return None
    return getattr(node, part) if part in attrs.fields_dict(type(node)) else None


def _replaced(node: Any, parts: list[str], figure: Figure) -> Any:
    """The node with another figure at the end of a path that is known to be there."""
    if not parts:
        return figure
    part, rest = parts[0], parts[1:]
    changed = _replaced(_child(node, part), rest, figure)
    if isinstance(node, Device) and part != "disk_gbps":
        return attrs.evolve(node, units={**node.units, part: changed})
    return {**node, part: changed} if isinstance(node, Mapping) else attrs.evolve(node, **{part: changed})


def _optional(kind: type) -> set[str]:
    """The fields of a class of the cost table that may hold a figure and may hold none."""
    return {field.name for field in attrs.fields(kind) if field.type == Figure | None} if attrs.has(kind) else set()


def _no_such_figure(device: Device, path: str, known: list[str]) -> UsageError:
    hint = did_you_mean(path, known) or f"optc devices {device.name} lists them"
    return UsageError("no-such-figure", f"device {device.name}", "figure", "one of its table", path, hint)


def _wrong_value(device: Device, path: str, expected: str, value: float) -> UsageError:
    return UsageError("figure-value", f"device {device.name}", path, expected, f"{value:g}")
