"""Wrong command lines, as click finds them, said in the form of every other error."""

import re

import click

from optc.errors import UsageError
from optc.pipeline.suggest import did_you_mean

_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)
_NOUNS = {"integer": "an integer", "float": "a number"}


def usage_error(error: click.ClickException) -> UsageError:
    """The error of click in optc's form; the hint says how to see what the command takes."""
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "optc"
    what, expected, actual, hint = _parts(error)
    return UsageError("usage", where, what, expected, actual, hint or (f"see {where} --help" if context else ""))


def _parts(error: click.ClickException) -> tuple[str, str, str, str]:
    """What is wrong, what it must be, what it is, and a hint."""
    if isinstance(error, click.NoSuchOption):
        return "option", "one that the command has", error.option_name, _nearest(error.possibilities)
    if isinstance(error, click.NoSuchCommand):
        return "command", "one that optc has", error.command_name, _nearest_command(error)
    if isinstance(error, click.MissingParameter):
        return _name(error.param), "given", "", ""
    if isinstance(error, click.BadParameter):
        given = re.match(r"'?(.*?)'? is not ", error.message, re.DOTALL)
        actual = given[1] if given else error.message.rstrip(".")
        return _name(error.param), _expected(error), actual, did_you_mean(actual, _choices(error))
    if isinstance(error, click.BadOptionUsage):
        needs_value = "requires an argument" in error.message
        expected = "followed by its value" if needs_value else "given without a value"
        return f"option {error.option_name}", expected, "", ""
    message = error.format_message().rstrip(".")
    extra = _EXTRA.match(message)
    if extra:
        return "command line", "without further arguments", extra[1], ""
    return "command line", "one that the command takes", message, ""


def _name(param: click.Parameter | None) -> str:
    if param is None:
        return "value"
    if isinstance(param, click.Argument):
        return f"argument {param.human_readable_name}"
    return f"option {max(param.opts, key=len)}"


def _expected(error: click.BadParameter) -> str:
    kind = error.param.type if error.param else None
    if isinstance(kind, click.IntRange | click.FloatRange):
        noun = "an integer" if isinstance(kind, click.IntRange) else "a number"
        bound = "above" if kind.min_open else "from"
        if kind.max is not None:
            return f"{noun} {bound} {kind.min} to {kind.max}"
        return f"{noun} {bound} {kind.min}" + (" on" if bound == "from" else "")
    choices = _choices(error)
    return f"one of {', '.join(choices)}" if choices else _NOUNS.get(kind.name if kind else "", "one that it takes")


def _choices(error: click.BadParameter) -> list[str]:
    kind = error.param.type if error.param else None
    return [str(choice) for choice in kind.choices] if isinstance(kind, click.Choice) else []


def _nearest(names: list[str] | None) -> str:
    return f"did you mean {names[0]}?" if names else ""


def _nearest_command(error: click.NoSuchCommand) -> str:
    group = error.ctx.command if error.ctx else None
    names = group.list_commands(error.ctx) if isinstance(group, click.Group) and error.ctx else []
    return did_you_mean(error.command_name, names)
