"""`optc convert`."""

from pathlib import Path

import click


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the model goes.")
def command(model: Path, output: Path) -> None:
    """Write MODEL in the format that the suffix of the output names.

    \b
    optc convert model.onnx -o model.optc
    """
    from optc.driver.models import check_output, load, save
    from optc.driver.output import printable, working

    check_output(output)
    with working(f"reading {model.name}"):
        program = load(model)
    with working(f"writing {output.name}"):
        written = save(program, output)
    size = sum(path.stat().st_size for path in written)
    click.echo(f"{printable(str(output))}: {sum(1 for _ in program.walk()):,} ops, {size:,} bytes")
