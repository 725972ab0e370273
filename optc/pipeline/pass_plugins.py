"""Passes of plug-ins: entry points of the group `optc.passes`, each a pass class under the name of the pass."""

import inspect

import attrs

from optc.errors import OptcError
from optc.pipeline.catalog import Catalog
from optc.pipeline.passes import Pass
from optc.pipeline.plugins import Plugin, plugin_named, plugins_of

PASSES = "optc.passes"


@attrs.frozen
class PassPlugins:
    """The passes that a catalog may find beside its own; see `Catalog.others`."""

    def names(self) -> tuple[str, ...]:
        """The names that plug-ins offer, whether or not they can be imported."""
        return tuple(dict.fromkeys(plugin.name for plugin in plugins_of(PASSES)))

    def find(self, name: str) -> type[Pass] | None:
        """The pass class that a plug-in offers under a name.

        Raises:
            OptcError: slug `plugin-clash`: several do; `plugin-broken`: it cannot be imported, or is no proper pass.
        """
        plugin = plugin_named(PASSES, name)
        return None if plugin is None else pass_of(plugin)

    def problems(self, taken: tuple[str, ...]) -> tuple[OptcError, ...]:
        """What is wrong with the plug-ins that there are, where some names are `taken`; all of them are imported."""
        return tuple(error for plugin in plugins_of(PASSES) if (error := _problem(plugin, taken)) is not None)


def pass_of(plugin: Plugin) -> type[Pass]:
    """The pass class of an entry point.

    Raises:
        OptcError: slug `plugin-broken`.
    """
    cls = plugin.load()
    if not (isinstance(cls, type) and issubclass(cls, Pass)) or inspect.isabstract(cls):
        raise plugin.broken("is a class of passes that have a method run", repr(cls)[:80])
    if cls.name != plugin.name:
        raise plugin.broken("has the name of the pass", cls.name or "a pass without a name")
    try:
        Catalog((cls,))
    except TypeError as error:
        raise plugin.broken("is declared as passes are", error) from None
    return cls


def _problem(plugin: Plugin, taken: tuple[str, ...]) -> OptcError | None:
    if plugin.name in taken:
        return OptcError(
            "plugin-clash", f"plug-in {plugin.distribution}", "name of a pass", "one that optc does not have",
            plugin.name, "optc's own is used",
        )  # fmt: skip
    try:
        pass_of(plugin)
        plugin_named(PASSES, plugin.name)
    except OptcError as error:
        return error
    return None
