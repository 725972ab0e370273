"""`optc simulate`."""

import json
from pathlib import Path
from typing import Any

import click

from optc.driver.commands import options
from optc.driver.plan_options import plan_options, planned_with
from optc.errors import UsageError

PRECISIONS = ("unit", "reference")


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@plan_options
@options.inputs
@click.option("--made-up", type=click.IntRange(0), metavar="SEED", help="Make inputs up that are not given.")
@click.option(
    "--precision", type=click.Choice(PRECISIONS), default="unit", show_default=True,
    help="How outputs are computed: in the types of the units, or as optc run does.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT.npz", help="Where the outputs go.")
@click.option("--trace", type=click.Path(path_type=Path), metavar="FILE.json", help="Write a trace, for Perfetto.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def command(
    model: Path, inputs: tuple[str, ...], made_up: int | None, precision: str, output: Path | None,
    trace: Path | None, as_json: bool, **asked: Any,
) -> None:  # fmt: skip
    """Show what keeps the units of a device busy while MODEL is loaded and predicts once.

    With inputs, also what it computes there, held against the reference. The trace opens in ui.perfetto.dev.

    \b
    optc simulate small.onnx --device iphone14pro
    optc simulate small.onnx --device iphone14pro --units cpu+npu --trace trace.json
    optc simulate small.onnx --device iphone14pro --input x=image.npy -o outputs.npz
    """
    from backends.simulation import simulate
    from backends.trace import trace_text
    from optc.driver import planning, simulating
    from optc.driver.inputs import input_files, read_inputs
    from optc.driver.models import files_of
    from optc.driver.output import check_archive, check_places, place_arrays, place_text, working
    from optc.driver.reading import read
    from optc.driver.simulation_tables import show_simulation, simulation_json

    wanted = planned_with(where="optc simulate", **asked)
    check_archive(output, "optc simulate")
    places = {"--output": output, "--trace": trace}
    check_places("optc simulate", places, (model, *input_files(inputs), wanted["device"]))
    program = read(model)
    check_places("optc simulate", places, files_of(program, model))
    given = read_inputs(inputs, program, "optc simulate")
    wanted["sizes"] = simulating.agreed_sizes(program, given, wanted["sizes"], "optc simulate")
    if made_up is not None:
        given = {**simulating.made_up_inputs(program, made_up, wanted["sizes"]), **given}
    asked_to_run = bool(given) or made_up is not None
    if output is not None and not asked_to_run:
        hint = "give --input or --made-up"
        raise UsageError("no-inputs", "optc simulate", "outputs", "computed from inputs", "no inputs", hint)
    with working("simulating"):
        plan = planning.plan(program, **wanted)
        found = simulate(plan, given if asked_to_run else None, precision)
        rows = simulating.differences(program, given, found.outputs) if found.outputs is not None else []
    if output is not None and found.outputs is not None:
        place_arrays(output, found.outputs)
    if trace is not None:
        place_text(trace, trace_text(plan.device.title, {"load": found.load, "predict": found.predict}))
    if as_json:
        click.echo(json.dumps(simulation_json(found, rows), indent=2))
    else:
        show_simulation(plan, found, rows)
