"""`optc diff`."""

import json
from pathlib import Path

import click

from optc.driver.commands import options


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@options.inputs
@options.clean
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def command(a: Path, b: Path, inputs: tuple[str, ...], clean: bool, as_json: bool) -> None:
    """Compare the models A and B weight by weight and, with inputs, output by output and op by op.

    Weights, outputs and ops are told apart by name. The signal-to-noise ratio is of B, held against A.

    \b
    optc diff model.onnx small.onnx --clean
    optc diff model.onnx small.onnx --input x=image.npy
    """
    from optc.driver.comparison import compare
    from optc.driver.facade import cleaned
    from optc.driver.inputs import read_inputs
    from optc.driver.output import working
    from optc.driver.reading import read
    from optc.driver.tables import show_comparison

    first, second = read(a), read(b)
    first = cleaned(first) if clean else first
    given = read_inputs(inputs, first, "optc diff")
    with working("comparing") as report:
        found = compare(first, second, given, report)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        show_comparison(found)
