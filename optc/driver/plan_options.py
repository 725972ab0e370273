"""The options that commands about plans share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from optc.driver import completions
from optc.driver.commands import options
from optc.errors import UsageError
from optc.pipeline.suggest import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])

_DEVICE = click.option(
    "--device", required=True, metavar="NAME|FILE.toml", shell_complete=completions.devices,
    help="A device that optc knows, or a table of yours.",
)  # fmt: skip
_ANY_DEVICE = (
    click.option(
        "--units", default="all", show_default=True, help="Units to use: all, cpu, cpu+gpu, cpu+npu.",
        shell_complete=completions.one_of("all", "cpu", "cpu+gpu", "cpu+npu"),
    ),
    click.option(
        "--pin", "pins", multiple=True, metavar="WEIGHT=load|predict", shell_complete=completions.pins,
        help="Decide for one weight yourself, or for all compressed ones that match a pattern (features.*).",
    ),
    click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="Size of a symbolic dimension (1)."),
    options.settings,
    click.option("--memory-limit", type=click.IntRange(0), metavar="BYTES", help="Most resident bytes of weights."),
    click.option(
        "--objective", default="latency", show_default=True, shell_complete=completions.objectives,
        help="Make least: latency, memory, load.",
    ),
)  # fmt: skip


def plan_options(command: F) -> F:
    """Give a command the options that say what is planned; they come as keyword arguments."""
    return _DEVICE(any_device_options(command))


def any_device_options(command: F) -> F:
    """The same but `--device`, for commands that have their own way to name devices."""
    for option in reversed(_ANY_DEVICE):
        command = option(command)
    return command


def planned_with(
    device: str, units: str, pins: tuple[str, ...], sizes: tuple[str, ...], settings: tuple[str, ...],
    memory_limit: int | None, objective: str, where: str,
) -> dict[str, Any]:  # fmt: skip
    """What `optc.driver.planning.plan` takes, from the options; wrong names of the device are said at once.

    Raises:
        UsageError: an option is not of its form, or contradicts itself; there is no such device, unit, figure or
            objective.
    """
    (asked,) = planned_on((device,), units, pins, sizes, settings, memory_limit, objective, where)
    return asked


def planned_on(
    devices: Sequence[str], units: str, pins: tuple[str, ...], sizes: tuple[str, ...], settings: tuple[str, ...],
    memory_limit: int | None, objective: str, where: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """The same for several devices: each with those of the settings, and of the units, that it has.

    Raises:
        UsageError: as `planned_with`; a unit or figure is one that none of the devices has.
    """
    from backends.device_files import load_device, settings_by_device
    from backends.plan import units_by_device
    from backends.selection import OBJECTIVES

    check_repeats(settings, "--set", where)
    tables = {device: load_device(device) for device in devices}
    figures = settings_by_device(tables, settings)
    used = units_by_device(tables, units)
    if objective not in OBJECTIVES:
        hint = did_you_mean(objective, OBJECTIVES)
        raise UsageError("no-such-objective", where, "objective", f"one of {', '.join(OBJECTIVES)}", objective, hint)
    pinned = pairs_of(pins, "--pin", "WEIGHT=load or WEIGHT=predict", where)
    given = sizes_of(sizes, where)
    return [
        {
            "device": device, "units": used[device], "settings": figures[device], "memory_limit": memory_limit,
            "objective": objective, "pins": pinned, "sizes": given,
        }
        for device in devices
    ]  # fmt: skip


def sizes_of(sizes: tuple[str, ...], where: str) -> Mapping[str, int]:
    """Sizes by name, from texts such as `batch=4`.

    Raises:
        UsageError: slugs `option-form`, `option-conflict`.
    """
    return {name: _size(name, number, where) for name, number in pairs_of(sizes, "--size", "NAME=N", where).items()}


def pairs_of(texts: Iterable[str], option: str, form: str, where: str) -> dict[str, str]:
    """What stands before and behind the last equals sign of each text.

    Raises:
        UsageError: slug `option-form`; `option-conflict`, where one name is given two values.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            raise UsageError("option-form", where, f"option {option}", form, text)
        if found.setdefault(name, value) != value:
            both = f"{found[name]} and {value}"
            raise UsageError("option-conflict", where, f"option {option} {name}", "given one value", both)
    return found


def check_repeats(settings: Iterable[str], option: str, where: str) -> None:
    """Check that no figure is set to two values; settings of a wrong form are for others to refuse.

    Raises:
        UsageError: slug `option-conflict`.
    """
    pairs_of((text for text in settings if text.rpartition("=")[0]), option, "PATH=NUMBER", where)


def _size(name: str, number: str, where: str) -> int:
    if not (number.isascii() and number.isdigit()) or not 0 < int(number[:20]) < 1 << 31:
        raise UsageError("option-form", where, f"option --size {name}", "an integer from 1 to 2147483647", number)
    return int(number)
