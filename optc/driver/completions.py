"""What shells offer for the values of options: names of devices, passes, schemes, weights, figures.

A shell asks while somebody types: whatever goes wrong then, there is nothing to offer.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

from optc.driver.suffixes import READ_ONLY, WRITTEN

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

Completer = Callable[["click.Context", "click.Parameter", str], "list[CompletionItem]"]


def _completer(words: "Callable[[click.Context, str], Iterable[str]]", files: bool = False) -> Completer:
    """Of the words those that start as what is typed; else files, if they may be given too."""

    def complete(context: "click.Context", parameter: "click.Parameter", typed: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        try:
            found = [word for word in words(context, typed) if word.startswith(typed)]
        except Exception:
            found = []
        if files and not found:
            return [CompletionItem(typed, type="file")]
        return [CompletionItem(word) for word in found]

    return wraps(words)(complete)


def one_of(*words: str) -> Completer:
    """Always the same words."""
    return _completer(lambda context, typed: words)


def of_option(option: str, *passes: str) -> Completer:
    """The values that an option may have in one of these passes."""
    return _completer(lambda context, typed: dict.fromkeys(v for name in passes for v in _values(name, option)))


def _values(name: str, option: str) -> list[str]:
    from optc.pipeline.options import options_of
    from passes.catalog import CATALOG

    cls = CATALOG.find(name)
    return [str(v) for held in options_of(cls) if held.name == option for v in held.one_of] if cls else []


def _devices(context: "click.Context", typed: str) -> Iterable[str]:
    from backends.device_files import every_device_name

    return every_device_name()


def _figures(context: "click.Context", typed: str) -> Iterable[str]:
    from backends.device_files import every_device_name, load_device
    from backends.figure_paths import figures_of

    known = every_device_name()
    name = context.params.get("device") or _on_the_line(lambda word: word in known or word.endswith(".toml"))
    return [f"{path}=" for path, _ in figures_of(load_device(name))]


def _weights(context: "click.Context", typed: str) -> Iterable[str]:
    from optc.driver.models import load
    from optc.ops.weights import weights_of

    model = _on_the_line(lambda word: word.lower().endswith((*WRITTEN, *READ_ONLY)))
    return [weight.name for weight in weights_of(load(Path(model)))]


def _on_the_line(is_it: Callable[[str], bool]) -> str:
    """The first word that is such: where the value of an option is to come, click has read no arguments yet."""
    from click.shell_completion import split_arg_string

    words = map(os.path.expanduser, split_arg_string(os.environ.get("COMP_WORDS", "")))
    return next(word for word in words if is_it(word))


def _pins(context: "click.Context", typed: str) -> Iterable[str]:
    from backends.costs import CHOICES

    return [f"{name}={choice}" for name in _weights(context, typed) for choice in CHOICES]


def _objectives(context: "click.Context", typed: str) -> Iterable[str]:
    from backends.selection import OBJECTIVES

    return OBJECTIVES


def _engines(context: "click.Context", typed: str) -> Iterable[str]:
    from optc.driver.facade import ENGINES

    return ENGINES


def _passes(context: "click.Context", typed: str) -> Iterable[str]:
    from optc.driver.plugins import catalog

    return catalog().every_name


def _printed_after(context: "click.Context", typed: str) -> Iterable[str]:
    return ("all", "changed", *_passes(context, typed))


def _pipelines(context: "click.Context", typed: str) -> Iterable[str]:
    """The text so far, with each step that could come next, or each option where braces are open."""
    from optc.driver.plugins import catalog
    from optc.pipeline.catalog import GROUP
    from optc.pipeline.options import options_of

    known = catalog()
    if typed.rfind("{") > typed.rfind("}"):
        before, _, inside = typed.rpartition("{")
        cls = known.find(before[_start(before, ",(") :].strip())
        at = len(before) + 1 + _start(inside, ",")
        return [f"{typed[:at]}{option.name}=" for option in (options_of(cls) if cls else ())]
    steps = (*(f"@{name}" for name, _ in known.presets), *known.every_name, f"{GROUP}(")
    start = typed[: _start(typed, ",(")]
    return [f"{start}{step}" for step in steps]


def _start(text: str, marks: Sequence[str] | str) -> int:
    """Where the last part of a text starts, behind the last of these marks."""
    return max(text.rfind(mark) for mark in marks) + 1


devices = _completer(_devices, files=True)
figures = _completer(_figures)
weights = _completer(_weights)
pins = _completer(_pins)
objectives = _completer(_objectives)
engines = _completer(_engines)
passes = _completer(_passes)
printed_after = _completer(_printed_after)
pipelines = _completer(_pipelines)
