"""The command line. Commands are imported when they run, so that `optc --help` is quick."""

import gc
import os
import sys
import traceback
from importlib import import_module

import click

from optc.driver.verbosity import with_verbosity
from optc.errors import OptcError

# Each command: the module that defines it, and its line in the overview.
COMMANDS = {
    "demo": "Show all of it on a network that ships with optc.",
    "compress": "Make a model smaller: palettize or quantize its weights.",
    "opt": "Run a pipeline of passes on a program.",
    "convert": "Write a model in another format.",
    "decompress": "Make compressed weights dense again.",
    "inspect": "Show the weights of a model and how they are stored.",
    "diff": "Compare two models weight by weight, output by output, op by op.",
    "run": "Run a model on arrays.",
    "plan": "Say where ops run on a device, when weights are expanded, what it costs, and why.",
    "explain": "Show the whole arithmetic of the decision on one weight.",
    "simulate": "Show what a model computes on a device, and what keeps it busy when.",
    "report": "Write a page with sizes, errors, histograms, plans and timelines.",
    "devices": "Show the cost tables, and where each of their numbers is from.",
    "calibrate": "Measure this machine, and write its cost table.",
    "bench": "Run a model with weights expanded at load and kept, beside what a plan predicts.",
    "reduce": "Shrink a program that makes a command fail.",
    "passes": "Show the passes that pipelines are made of, and their options.",
    "completion": "Print what makes a shell complete command lines of optc.",
}
COMPLETE = "_OPTC_COMPLETE"
"""The environment variable with which shells ask what could come next."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


class LazyGroup(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"optc.driver.commands.{cmd_name}").command
        return with_verbosity(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            from optc.driver.repeats import check_given_once

            check_given_once(command, rest, click.Context(command, ctx, name))
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from optc.driver.environment import environment

        click.echo(environment())
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
              help="Show the version, and those of Python and the libraries.")  # fmt: skip
def cli() -> None:
    """A compression compiler for neural networks.

    \b
    optc compress model.onnx --palettize 8 -o small.onnx
    optc plan small.onnx --device iphone14pro

    Exit code: 0 done, 1 refused with a reason, 2 wrong usage. With OPTC_DEBUG=1 errors come with their traceback.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command line, by default that of the process, and exit."""
    # A command makes many objects and next to no cycles, which take long to look for: while it runs, and as it ends.
    gc.set_threshold(1_000_000, 20, 100)
    code = run(arguments)
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run a command line and give its exit code; what is wrong is said on stderr, in one message."""
    try:
        if COMPLETE in os.environ:
            from optc.driver.shells import answer_in_our_way

            answer_in_our_way()
        code = cli.main(arguments, prog_name="optc", standalone_mode=False, complete_var=COMPLETE)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("error: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away; nothing is left to say, not even when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("OPTC_DEBUG", "0") not in ("", "0"):
            traceback.print_exc()
        from optc.driver.output import printable

        message, code = _message(error)
        click.echo(f"error: {printable(message)}", err=True)
        return code


def _message(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, OptcError):
        return str(error), error.exit_code
    if isinstance(error, click.ClickException):
        from optc.driver.usage import usage_error

        return str(usage_error(error)), error.exit_code
    if isinstance(error, MemoryError):
        return "optc: memory must be enough for the model (got no more of it)", 1
    if isinstance(error, OSError):
        return f"{error.filename or 'optc'}: file must be accessible (got {error.strerror or error})", 1
    kind = f"{type(error).__name__}: {error}"
    return f"optc: run must be free of internal errors (got {kind}); set OPTC_DEBUG=1 for a traceback to report", 1
