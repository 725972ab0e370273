"""How much a command says: `--quiet` and `--verbose`, which every command has.

What was asked for stands in the context of the running command; where there is none, as in Python code that uses the
facade, nothing is said.
"""

from typing import Any

import click

_KEYS = {"quiet": "optc.quiet", "verbose": "optc.verbose"}


def quiet() -> bool:
    """Whether the running command is to print nothing but errors, and data that it was asked for."""
    return _asked("quiet")


def verbose() -> bool:
    """Whether the running command is to say on standard error what it does."""
    return _asked("verbose")


def say(text: str) -> None:
    """Print a result, unless the command is to be quiet."""
    if not quiet():
        click.echo(text)


def note(text: str) -> None:
    """Say on standard error what was done, if the command is to be verbose."""
    if verbose():
        from optc.driver.output import printable

        click.echo(printable(text), err=True)


def with_verbosity(command: click.Command) -> click.Command:
    """The command with both options, behind its own."""
    have = {param.name for param in command.params}
    command.params += [option for option in _options() if option.name not in have]
    return command


def _options() -> list[click.Option]:
    return [
        click.Option(
            ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_keep,
            help="Print no results but those of --json; errors are said.",
        ),
        click.Option(
            ["-v", "--verbose"], is_flag=True, expose_value=False, callback=_keep,
            help="Say on standard error how long each step took, and each remark as it is made.",
        ),
    ]  # fmt: skip


def _keep(context: click.Context, param: click.Parameter, value: Any) -> None:
    context.meta[_KEYS[str(param.name)]] = bool(value)


def _asked(what: str) -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_KEYS[what]))
