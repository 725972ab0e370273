"""`optc convert`."""

from pathlib import Path

import click

from optc.driver.commands import options

_SETTLE = "dead-code,fixpoint(canonicalize,fold-constants,dead-code)"
"""What makes parameters constants that Core ML wants to be such, where they follow from others."""


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the model goes.")
@options.target
@click.option(
    "--precision", type=click.Choice(["float32", "float16"]), help="Compute and store in float16, or leave it as it is."
)
def command(model: Path, output: Path, target: str, precision: str | None) -> None:
    """Write MODEL in the format that the suffix of the output names.

    \b
    optc convert model.onnx -o model.mlpackage --target ios17 --precision float16
    """
    from optc.driver.facade import Pipeline
    from optc.driver.models import bytes_of, check_output, load, save
    from optc.driver.output import printable, working

    check_output(output, target)
    with working(f"reading {model.name}"):
        program = load(model)
    steps = [_SETTLE] if output.suffix.lower() == ".mlpackage" and model.suffix.lower() != ".mlpackage" else []
    if precision == "float16":
        steps += ["float16", "dead-code"]
    if steps:
        with working("preparing"):
            program = Pipeline.parse(",".join(steps)).run(program)
    with working(f"writing {output.name}"):
        written = save(program, output, target=target)
    size = sum(bytes_of(path) for path in written)
    click.echo(f"{printable(str(output))}: {sum(1 for _ in program.walk()):,} ops, {size:,} bytes")
