"""`optc opt`."""

import json
from pathlib import Path

import click

from optc.ir.block import Program


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--pipeline", "text", default="", metavar="TEXT", help="Passes, for example 'fold-constants,dead-code'.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the program goes; else it is printed.")
@click.option("--print-after", default="", metavar="all|changed|PASS", help="Show the program after these passes.")
@click.option("--timing", is_flag=True, help="Show the time of each pass.")
@click.option("--memory", is_flag=True, help="Show the peak memory of each pass too (slow).")
@click.option("--stop-after", type=int, metavar="N", help="Run N passes and no more, to find the one that errs.")
@click.option("--no-verify", is_flag=True, help="Do not verify between passes.")
@click.option("--statistics", is_flag=True, help="Show the counters of the passes.")
@click.option("--remarks", type=click.Path(path_type=Path), metavar="FILE", help="Write all remarks, as JSON.")
@click.option("--bundles", type=click.Path(path_type=Path), default=Path("optc-failures"), show_default=True,
              metavar="FOLDER", help="Where a failing pass leaves what is needed to replay it.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Do not print the program.")
def command(
    model: Path, text: str, output: Path | None, print_after: str, timing: bool, memory: bool, stop_after: int | None,
    no_verify: bool, statistics: bool, remarks: Path | None, bundles: Path, quiet: bool,
) -> None:  # fmt: skip
    """Run a pipeline of passes on MODEL, and print the program.

    \b
    optc opt model.onnx --pipeline fold-constants,dead-code --timing
    optc opt model.optc --pipeline @cleanup --print-after changed
    """
    from optc.driver.facade import Pipeline
    from optc.driver.models import load, save
    from optc.driver.output import place_text
    from optc.driver.tables import show_records, show_statistics
    from optc.formats.text.files import write_text
    from optc.ir.printer import print_program
    from optc.pipeline.bundle import Bundles
    from optc.pipeline.instrumentation import Instruments
    from optc.pipeline.manager import run_pipeline

    def show(title: str, program: Program) -> None:
        click.echo(f"// {title}\n{print_program(program, {})}", err=True)

    pipeline = Pipeline.parse(text, label="--pipeline")
    instruments = Instruments(
        verify_each=not no_verify, print_after=print_after, show=show, memory=memory, stop_after=stop_after,
        bundles=Bundles(bundles, write_text),
    )  # fmt: skip
    outcome = run_pipeline(pipeline, load(model), instruments)
    if output is not None:
        save(outcome.program, output)
    elif not quiet:
        click.echo(print_program(outcome.program, {}), nl=False)
    if remarks is not None:
        place_text(remarks, json.dumps(outcome.ledger.to_json(), indent=2) + "\n")
    if timing or memory:
        show_records(outcome.records, memory)
    if statistics:
        show_statistics(outcome.statistics)
    if outcome.stopped_before:
        click.echo(f"stopped before {outcome.stopped_before}", err=True)
