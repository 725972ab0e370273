"""Backends of plug-ins: entry points of the group `optc.backends`, each a `Backend`.

A backend offers devices, which `--device` then knows by name, and says what the units of these devices cannot run.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Any

import attrs

from backends.cost_table import UNITS
from backends.rule import Rule
from optc.errors import OptcError
from optc.pipeline.plugins import Plugin, clash, plugin_named, plugins_of

BACKENDS = "optc.backends"


def _rules(given: Mapping[str, Iterable[Rule]]) -> dict[str, tuple[Rule, ...]]:
    return {unit: tuple(rules) for unit, rules in given.items()}


@attrs.frozen
class Backend:
    """What a plug-in offers.

        files = importlib.resources.files("acme_optc")
        backend = Backend({"acme-board": files / "board.toml"}, {"npu": (Rule("rank", ..., ranks_above(4), ...),)})

    Attributes:
        devices: by name, the TOML table of a device (a path, or what `importlib.resources.files` gives).
        rules: by unit, what it cannot run, in place of what optc says of such a unit; of units that are not named,
            optc's rules hold. They hold for these devices, and for tables that extend theirs.

    Raises:
        ValueError: a unit is none that tables have.
    """

    devices: Mapping[str, Traversable] = attrs.field(factory=dict)
    rules: Mapping[str, tuple[Rule, ...]] = attrs.field(factory=dict, converter=_rules)

    def __attrs_post_init__(self) -> None:
        for unit in self.rules:
            if unit not in UNITS:
                raise ValueError(f"rules must be of units out of {', '.join(UNITS)}, not of {unit!r}")


@attrs.frozen
class Offered:
    """A device that a plug-in offers, and the table that says what it can do."""

    plugin: Plugin
    table: Traversable


def offered(name: str) -> Offered | None:
    """The device of that name among those of plug-ins.

    Raises:
        OptcError: slug `plugin-clash`: several offer it; `plugin-broken`: nobody does, but a plug-in that is broken
            might.
    """
    backends, problems = usable()
    found = [Offered(plugin, backend.devices[name]) for plugin, backend in backends if name in backend.devices]
    if len(found) > 1:
        raise clash(f"device {name}", [one.plugin for one in found])
    if not found and problems:
        raise problems[0]
    return found[0] if found else None


def backend_named(name: str, where: str) -> Backend:
    """The backend of that name, which a table `where` asks for.

    Raises:
        OptcError: slug `no-such-backend`, `plugin-clash` or `plugin-broken`.
    """
    plugin = plugin_named(BACKENDS, name)
    if plugin is None:
        known = ", ".join(p.name for p in plugins_of(BACKENDS)) or "none"
        raise OptcError("no-such-backend", where, "backend", f"one of a plug-in that is installed ({known})", name)
    return backend_of(plugin)


def backend_of(plugin: Plugin) -> Backend:
    """What an entry point offers.

    Raises:
        OptcError: slug `plugin-broken`.
    """
    made: Any = plugin.load()
    if not isinstance(made, Backend):
        raise plugin.broken("is a backends.plugins.Backend", repr(made)[:80])
    return made


def usable() -> tuple[Sequence[tuple[Plugin, Backend]], Sequence[OptcError]]:
    """The backends of all plug-ins, and what is wrong with those that cannot be used; all of them are imported."""
    found, problems = [], []
    for plugin in plugins_of(BACKENDS):
        try:
            found.append((plugin, backend_of(plugin)))
        except OptcError as error:
            problems.append(error)
    return found, problems
