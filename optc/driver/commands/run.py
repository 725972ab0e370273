"""`optc run`."""

import json
from pathlib import Path

import click

from optc.driver import completions
from optc.driver.commands import options


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.inputs
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT.npz", help="Where the outputs go.")
@click.option("--engine", default="reference", show_default=True, metavar="NAME", shell_complete=completions.engines,
              help="Or onnxruntime.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the table of outputs as JSON.")
def command(model: Path, inputs: tuple[str, ...], output: Path | None, engine: str, as_json: bool) -> None:
    """Run MODEL once, and show what it gives.

    \b
    optc run model.onnx --input x=image.npy -o outputs.npz
    optc run model.onnx --input inputs.npz --engine onnxruntime
    optc run model.mlpackage --input image=photo.jpg
    """
    from optc.driver import facade
    from optc.driver.inputs import input_files, read_inputs
    from optc.driver.models import files_of
    from optc.driver.output import check_archive, check_places, place_arrays, working
    from optc.driver.progress import by_op
    from optc.driver.reading import read
    from optc.driver.tables import array_row, show_arrays

    check_archive(output, "optc run")
    places = {"--output": output}
    check_places("optc run", places, (model, *input_files(inputs)))
    facade.check_engine(engine)
    program = read(model)
    check_places("optc run", places, files_of(program, model))
    given = read_inputs(inputs, program, "optc run")
    with working("running") as report:
        outputs = facade.run(program, given, engine, by_op(report, "running", program))
    if output is not None:
        place_arrays(output, outputs)
    if as_json:
        click.echo(json.dumps({"outputs": [array_row(name, array) for name, array in outputs.items()]}, indent=2))
    else:
        show_arrays(outputs)
