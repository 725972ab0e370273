"""`optc bench`."""

import json
from pathlib import Path

import click

from optc.driver.commands import options


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--device", default="x86-server", show_default=True, metavar="NAME|FILE.toml", help="Whose table predicts."
)
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="What a symbolic dimension is taken to be (1).")
@click.option(
    "--seconds", type=options.Numbers(0, 3600), default=10.0, show_default=True, help="About how long to measure."
)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(model: Path, device: str, sizes: tuple[str, ...], seconds: float, as_json: bool) -> None:
    """Run MODEL in ONNX Runtime with weights expanded at load and kept for prediction, beside what a plan predicts.

    It runs with the default options, on inputs that are made up. optc calibrate measures a table of this machine.

    \b
    optc bench small.onnx --size batch=16
    """
    from backends.device_files import load_device
    from backends.plan import units_of
    from optc.driver.bench_tables import bench_json, show_bench
    from optc.driver.benching import bench, free_weights, predicted
    from optc.driver.facade import Pipeline
    from optc.driver.output import working
    from optc.driver.plan_options import sizes_of
    from optc.driver.reading import read
    from optc.formats.onnx.runtime import onnxruntime_for

    onnxruntime_for("bench")
    units_of(load_device(device), "cpu")
    named = sizes_of(sizes, "optc bench")
    program = read(model)
    with working("planning"):
        free = free_weights(program, device, named)
    with working("expanding"):
        dense = Pipeline.parse("decompress,dead-code").run(program)
    with working("measuring"):
        sides = bench(program, dense, named, seconds)
    with working("planning"):
        sides = [predicted(program, side, device, named, free) for side in sides]
    if as_json:
        click.echo(json.dumps(bench_json(sides, device), indent=2))
    else:
        show_bench(sides, device)
