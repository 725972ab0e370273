"""`optc convert`."""

from pathlib import Path

import click

from optc.driver.commands import options
from optc.driver.verbosity import say

_SETTLE = "dead-code,fixpoint(canonicalize,fold-constants,dead-code)"
"""What makes parameters constants that Core ML wants to be such, where they follow from others."""


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
@click.option(
    "--precision", type=click.Choice(["float32", "float16"]), help="Compute and store in float16, or leave it as it is."
)
@click.option("--json", "as_json", is_flag=True, help="Print the sizes as JSON.")
def command(model: Path, output: Path, target: str, precision: str | None, as_json: bool) -> None:
    """Write MODEL in the format that the suffix of the output names.

    \b
    optc convert model.onnx -o model.mlpackage --target ios17 --precision float16
    """
    from optc.driver.facade import Pipeline
    from optc.driver.models import bytes_of, check_output, save
    from optc.driver.output import printable, show_json, working
    from optc.driver.progress import watched
    from optc.driver.reading import read

    check_output(output, target)
    program = read(model)
    steps = [_SETTLE] if output.suffix.lower() == ".mlpackage" and model.suffix.lower() != ".mlpackage" else []
    if precision == "float16":
        steps += ["float16", "dead-code"]
    if steps:
        with working("preparing") as report:
            program = Pipeline.parse(",".join(steps)).run(program, watched(report))
    with working(f"writing {output.name}"):
        written = save(program, output, target=target)
    size, ops = sum(bytes_of(path) for path in written), sum(1 for _ in program.walk())
    if as_json:
        show_json({"output": str(output), "files": [str(path) for path in written], "ops": ops, "bytes": size})
    else:
        say(f"{printable(str(output))}: {ops:,} ops, {size:,} bytes")
