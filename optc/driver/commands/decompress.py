"""`optc decompress`."""

from pathlib import Path

import click

from optc.driver.commands import options


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the model goes; MODEL is replaced if it is that.",
)
@options.target
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(model: Path, output: Path, target: str, as_json: bool) -> None:
    """Make every compressed weight of MODEL dense again.

    \b
    optc decompress small.onnx -o dense.onnx
    """
    from optc.driver.facade import Pipeline
    from optc.driver.models import bytes_on_disk, check_output, save
    from optc.driver.output import working
    from optc.driver.progress import watched
    from optc.driver.reading import read
    from optc.driver.tables import show_remarks
    from optc.pipeline.manager import run_pipeline

    check_output(output, target)
    program = read(model)
    before = bytes_on_disk(program, model)
    with working("expanding") as report:
        outcome = run_pipeline(Pipeline.parse("decompress,dead-code"), program, watched(report))
    with working(f"writing {output.name}"):
        written = save(outcome.program, output, target=target)
    show_remarks(outcome.ledger, before, written, as_json)
