"""`optc opt`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optc.driver import completions
from optc.driver.commands import options
from optc.driver.verbosity import quiet

if TYPE_CHECKING:
    from optc.ir.block import Program
    from optc.pipeline.instrumentation import Outcome


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--pipeline", "text", default="", metavar="TEXT", shell_complete=completions.pipelines,
              help="Passes, for example 'fold-constants,dead-code'; see optc passes.")  # fmt: skip
@options.importance
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where the program goes, else it is printed; MODEL is replaced if it is that.",
)
@click.option("--print-after", default="", metavar="all|changed|PASS", shell_complete=completions.printed_after,
              help="Show the program after these passes.")  # fmt: skip
@click.option("--timing", is_flag=True, help="Show the time of each pass.")
@click.option("--memory", is_flag=True, help="Show the peak memory of each pass too (slow).")
@click.option("--stop-after", type=click.IntRange(0), metavar="N",
              help="Run N passes and no more, to find the one that errs.")  # fmt: skip
@click.option("--no-verify", is_flag=True, help="Do not verify between passes.")
@click.option("--statistics", is_flag=True, help="Show the counters of the passes.")
@click.option("--remarks", type=click.Path(path_type=Path), metavar="FILE", help="Write all remarks, as JSON.")
@click.option("--bundles", "folder", type=click.Path(path_type=Path), default=Path("optc-failures"), show_default=True,
              metavar="FOLDER", help="Where a failing pass leaves what is needed to replay it.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print times, counters and remarks as JSON, not the program.")
def command(
    model: Path, text: str, importance: Path | None, output: Path | None, print_after: str, timing: bool, memory: bool,
    stop_after: int | None, no_verify: bool, statistics: bool, remarks: Path | None, folder: Path, as_json: bool,
) -> None:  # fmt: skip
    """Run a pipeline of passes on MODEL, and print the program.

    The program goes to standard output, large constants by their SHA-256 only (-o FILE.optc keeps them in a file
    beside it); tables and --print-after go to standard error.

    \b
    optc opt model.onnx --pipeline fold-constants,dead-code --timing
    optc opt model.optc --pipeline @cleanup --print-after changed
    optc opt model.onnx --pipeline 'fixpoint(canonicalize,dead-code)' -o tidy.optc
    """
    from optc.driver.facade import Pipeline
    from optc.driver.failures import bundles
    from optc.driver.importance import naming_importance, read_importance
    from optc.driver.models import check_output, files_of, save
    from optc.driver.output import check_places, place_text, working
    from optc.driver.progress import watched
    from optc.driver.reading import read
    from optc.pipeline.manager import run_pipeline

    pipeline = Pipeline.parse(text, label="--pipeline")
    watching: dict[str, Any] = {
        "verify_each": not no_verify, "print_after": print_after, "show": _show, "memory": memory,
        "stop_after": stop_after, "bundles": bundles(folder), "importance": read_importance(importance),
    }  # fmt: skip
    check_output(output)
    places = {"--remarks": remarks}
    check_places("optc opt", places, (model, output, importance))
    program = read(model)
    check_places("optc opt", places, files_of(program, model))
    with working("running passes", shown=not print_after) as report, naming_importance(importance):
        outcome = run_pipeline(pipeline, program, watched(report, **watching))
    if output is not None:
        with working(f"writing {output.name}"):
            save(outcome.program, output)
    if remarks is not None:
        place_text(remarks, json.dumps(outcome.ledger.to_json(), indent=2) + "\n")
    if as_json:
        click.echo(json.dumps({**outcome.to_json(), **outcome.ledger.to_json()}, indent=2))
    elif output is None and not quiet():
        _print(outcome.program)
    _show_tables(outcome, timing or memory, memory, statistics)


def _show(title: str, program: "Program") -> None:
    from optc.ir.printer import print_program

    click.echo(f"// {title}\n{print_program(program, {})}", err=True)


def _print(program: "Program") -> None:
    from optc.ir.printer import print_program

    click.echo(print_program(program, {}), nl=False)


def _show_tables(outcome: "Outcome", timing: bool, memory: bool, statistics: bool) -> None:
    from optc.driver.tables import show_records, show_statistics

    if timing:
        show_records(outcome.records, memory)
    if statistics:
        show_statistics(outcome.statistics)
    if outcome.stopped_before:
        click.echo(f"stopped before {outcome.stopped_before}", err=True)
