"""What `optc passes` prints: the passes and presets, and the options of one pass."""

import inspect
from typing import Any

import attrs

from optc.driver.console import console, plain_table
from optc.driver.output import printable
from optc.errors import OptcError
from optc.pipeline.catalog import Catalog
from optc.pipeline.options import Option, options_of, show
from optc.pipeline.pass_plugins import PassPlugins, pass_of
from optc.pipeline.passes import Pass
from optc.pipeline.plugins import plugins_of


@attrs.frozen
class _Listing:
    """All passes, each with the distribution that it is from, and what is wrong with plug-ins."""

    rows: tuple[tuple[str, type[Pass]], ...]
    problems: tuple[OptcError, ...]


def _listing(known: Catalog) -> _Listing:
    own = tuple(("optc", cls) for cls in known.passes)
    if not isinstance(known.others, PassPlugins):
        return _Listing(own, ())
    problems = known.others.problems(known.names)
    rows = list(own)
    for plugin in plugins_of("optc.passes"):
        try:
            if plugin.name not in known.names and known.find(plugin.name) is not None:
                rows.append((plugin.distribution, pass_of(plugin)))
        except OptcError:
            continue  # it is among the problems
    return _Listing(tuple(rows), problems)


def passes_json(known: Catalog) -> dict[str, Any]:
    """All passes and presets as plain data, and what is wrong with plug-ins."""
    found = _listing(known)
    return {
        "passes": [{**pass_json(cls), "from": source} for source, cls in found.rows],
        "presets": [{"name": name, "preset": text} for name, text in known.presets],
        "problems": [str(problem) for problem in found.problems],
    }


def pass_json(cls: type[Pass]) -> dict[str, Any]:
    """One pass as plain data."""
    return {
        "name": cls.name,
        "summary": _summary(cls),
        "exact": cls.exact,
        "idempotent": cls.idempotent,
        "options": [_option_json(option) for option in options_of(cls)],
    }


def _option_json(option: Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "kind": option.kind,
        "many": option.many,
        "optional": option.optional,
        "required": option.required,
        "default": None if option.required else option.default,
        "one_of": list(option.one_of),
        "minimum": option.minimum,
        "maximum": option.maximum,
        "help": option.help,
    }


def _summary(cls: type[Pass]) -> str:
    """The first sentence of what its docstring says."""
    return " ".join(inspect.getdoc(cls).partition("\n\n")[0].split()) if cls.__doc__ else ""  # type: ignore[union-attr]


def show_passes(known: Catalog) -> None:
    """One row for each pass and preset, and a line for each plug-in that cannot be used."""
    found, out = _listing(known), console()
    table = plain_table("pass", "from", "results", "what it does")
    for source, cls in found.rows:
        table.add_row(cls.name, printable(source), "the same bits" if cls.exact else "", printable(_summary(cls)))
    for name, text in known.presets:
        table.add_row(f"@{name}", "optc", "", text)
    out.print(table)
    for problem in found.problems:
        out.print(printable(str(problem)))


def show_pass(cls: type[Pass] | None, name: str, preset: str) -> None:
    """What a pass does, program before and after, and its options; or what a preset stands for."""
    out = console()
    if cls is None:
        out.print(f"@{name.removeprefix('@')}: {preset}")
        return
    out.print(printable(f"{cls.name}: {inspect.getdoc(cls) or ''}"))
    table = plain_table("option", "kind", "default", "values", "what it is")
    for option in options_of(cls):
        default = "must be given" if option.required else show(option.default)
        table.add_row(option.name, _kind(option), default, _values(option), printable(option.help))
    if table.row_count:
        out.print("")
        out.print(table)


def _kind(option: Option) -> str:
    return f"list of {option.kind}" if option.many else option.kind


def _values(option: Option) -> str:
    if option.one_of:
        return ", ".join(map(show, option.one_of))
    bounds = ((word, bound) for word, bound in (("from", option.minimum), ("to", option.maximum)) if bound is not None)
    return " ".join(f"{word} {bound:g}" for word, bound in bounds)
