"""The options that commands about plans share."""

from collections.abc import Callable, Mapping
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
        help="Decide for one weight yourself.",
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
        UsageError: an option is not of its form; there is no such device, unit, figure or objective.
    """
    from backends.device_files import load_device
    from backends.plan import units_of
    from backends.selection import OBJECTIVES

    units_of(load_device(device, settings), units)
    if objective not in OBJECTIVES:
        hint = did_you_mean(objective, OBJECTIVES)
        raise UsageError("no-such-objective", where, "objective", f"one of {', '.join(OBJECTIVES)}", objective, hint)
    return {
        "device": device, "units": units, "settings": settings, "memory_limit": memory_limit, "objective": objective,
        "pins": dict(pair_of(text, "--pin", "WEIGHT=load or WEIGHT=predict", where) for text in pins),
        "sizes": sizes_of(sizes, where),
    }  # fmt: skip


def sizes_of(sizes: tuple[str, ...], where: str) -> Mapping[str, int]:
    """Sizes by name, from texts such as `batch=4`.

    Raises:
        UsageError: slug `option-form`.
    """
    pairs = (pair_of(text, "--size", "NAME=N", where) for text in sizes)
    return {name: _size(name, number, where) for name, number in pairs}


def pair_of(text: str, option: str, form: str, where: str) -> tuple[str, str]:
    """What stands before and behind the last equals sign.

    Raises:
        UsageError: slug `option-form`.
    """
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise UsageError("option-form", where, f"option {option}", form, text)
    return name, value


def _size(name: str, number: str, where: str) -> int:
    if not (number.isascii() and number.isdigit()) or not 0 < int(number[:20]) < 1 << 31:
        raise UsageError("option-form", where, f"option --size {name}", "an integer from 1 to 2147483647", number)
    return int(number)
