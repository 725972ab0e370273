"""Options that are given twice with two values: click takes the last, which nobody may have meant."""

from copy import copy

import click

from optc.errors import UsageError


def check_given_once(command: click.Command, arguments: list[str], context: click.Context) -> None:
    """Check that no option that takes one value is given two that differ; `context` is that of the command.

    Raises:
        UsageError: slug `option-conflict`.
    """
    every = copy(command)
    every.params = [_collecting(param) for param in command.params]
    try:
        found, _, _ = every.make_parser(context).parse_args(list(arguments))
    except click.UsageError:
        return  # the command finds the same, and says so
    names = {name for param in command.params for name in param.opts}
    for before, param in zip(command.params, every.params, strict=True):
        values = found.get(param.name)
        if param is before or not isinstance(values, list):
            continue
        differing = list(dict.fromkeys(map(str, values)))
        if len(differing) > 1:
            name = max(param.opts, key=len)
            against = f"--against-{name.removeprefix('--')}"
            hint = f"{against} gives one to compare with" if against in names else ""
            said = " and ".join(differing)
            raise UsageError("option-conflict", context.command_path, f"option {name}", "given one value", said, hint)


def _collecting(param: click.Parameter) -> click.Parameter:
    """The same parameter; an option that takes one value as one that collects all that are given."""
    if not isinstance(param, click.Option) or param.multiple or param.is_flag or param.count:
        return param
    other = copy(param)
    other.multiple = True
    return other
