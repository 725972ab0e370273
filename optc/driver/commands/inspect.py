"""`optc inspect`."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--no-values", is_flag=True, help="Do not read the weights: no sparsity, no unique values.")
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def command(model: Path, no_values: bool, as_json: bool) -> None:
    """Show the weights of MODEL and how they are stored, its ops, inputs and outputs.

    \b
    optc inspect model.onnx
    """
    from optc.driver.inspection import inspect
    from optc.driver.output import working
    from optc.driver.reading import read
    from optc.driver.tables import show_inspection

    program = read(model)
    with working("looking at weights") as report:
        found = inspect(program, values=not no_values, report=report)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        show_inspection(found)
