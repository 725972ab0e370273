"""The page of the commands: what each says of itself with `--help`."""

from collections.abc import Mapping

import click
from click.testing import CliRunner

from optc.driver.main import cli
from optc_reference.markdown import fenced, page

WIDTH = 90


def help_of(*words: str) -> str:
    """What `optc WORDS --help` prints."""
    done = CliRunner().invoke(cli, [*words, "--help"], prog_name="optc", terminal_width=WIDTH)
    assert done.exit_code == 0, done.output
    return done.output


def names() -> list[str]:
    """All commands, in the order of `optc --help`."""
    return cli.list_commands(click.Context(cli))


def pages() -> Mapping[str, str]:
    """The page of the commands."""
    parts = [f"## optc {name}\n\n{fenced(help_of(name))}" for name in names()]
    intro = "What `optc COMMAND --help` prints. Every command gives its table as data with `--json`."
    return {"commands.md": page("Commands", intro, fenced(help_of()), *parts)}
