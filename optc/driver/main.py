"""The command line. Commands are imported when they run, so that `optc --help` is quick."""

import os
import sys
from importlib import import_module, metadata

import click

from optc.errors import OptcError

# Each command: the module that defines it, and its line in the overview.
COMMANDS = {
    "compress": "Make a model smaller: palettize or quantize its weights.",
    "opt": "Run a pipeline of passes on a program.",
    "plan": "Say when each weight is expanded on a device, what it costs, and why.",
    "reduce": "Shrink a program that makes a command fail.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"optc.driver.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], list(COMMANDS), 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(error.format_message() + hint, ctx) from None


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(f"optc {metadata.version('optc')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def cli() -> None:
    """A compression compiler for neural networks.

    \b
    optc compress model.onnx --palettize 8 -o small.onnx
    optc plan small.onnx --device iphone14pro
    """


def main() -> None:
    """Run the command line: exit code 0 done, 1 refused with a reason, 2 wrong usage."""
    try:
        cli(standalone_mode=True)
    except OptcError as error:
        if os.environ.get("OPTC_DEBUG"):
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away; nothing is left to say, not even when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (OSError, MemoryError) as error:
        if os.environ.get("OPTC_DEBUG"):
            raise
        click.echo(f"error: {type(error).__name__}: {error}", err=True)
        sys.exit(1)
