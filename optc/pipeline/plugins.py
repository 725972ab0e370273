"""Plug-ins: what other distributions offer through entry points.

They are looked for when something is asked for that optc does not have itself, and imported when they are used.
"""

from typing import TYPE_CHECKING, Any

import attrs

from optc.errors import OptcError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_LONGEST = 200


@attrs.frozen
class Plugin:
    """One entry point: `name` is what it offers, `group` of which kind that is (`optc.passes`, `optc.backends`)."""

    entry: "EntryPoint"

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def distribution(self) -> str:
        """Name and version of the distribution that it is from."""
        held = self.entry.dist
        return f"{held.name} {held.version}" if held is not None else "an unknown distribution"

    def load(self) -> Any:
        """What the entry point stands for.

        Raises:
            OptcError: slug `plugin-broken`: it cannot be imported.
        """
        try:
            return self.entry.load()
        except (Exception, SystemExit) as error:  # what is wrong with it is not known beforehand
            text = " ".join(str(error).split())[:_LONGEST]
            raise self.broken("can be imported", f"{type(error).__name__}: {text}") from error

    def broken(self, expected: str, actual: object) -> OptcError:
        """The error for an entry point that is not what it must be, for `raise`."""
        what = f"{self.entry.group} entry point {self.name} ({self.entry.value})"
        return OptcError(
            "plugin-broken", f"plug-in {self.distribution}", what, f"one that {expected}", actual,
            "install a version of it that fits this optc, or uninstall it",
        )  # fmt: skip


def plugins_of(group: str) -> tuple[Plugin, ...]:
    """The entry points of a group, by name; nothing of them is imported."""
    from importlib.metadata import entry_points  # takes a while to import, and most runs need no plug-ins

    found = [Plugin(entry) for entry in entry_points(group=group)]
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.distribution)))


def plugin_named(group: str, name: str) -> Plugin | None:
    """The entry point of that name, if there is one.

    Raises:
        OptcError: slug `plugin-clash`: several distributions offer it.
    """
    found = [plugin for plugin in plugins_of(group) if plugin.name == name]
    if len(found) > 1:
        raise clash(f"{group} entry point {name}", found)
    return found[0] if found else None


def clash(what: str, found: "list[Plugin]") -> OptcError:
    """The error for what several plug-ins offer, for `raise`."""
    names = " and ".join(plugin.distribution for plugin in found)
    return OptcError("plugin-clash", "plug-ins", what, "offered by one of them", names, "uninstall the others")
