"""`optc plan`."""

import json
from pathlib import Path

import click

from optc.errors import UsageError


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--device", required=True, metavar="NAME|FILE.toml", help="A device that optc knows, or a table of yours."
)
@click.option("--unit", default="npu", show_default=True, help="The compute unit that runs the model.")
@click.option("--pin", "pins", multiple=True, metavar="WEIGHT=load|predict", help="Decide for one weight yourself.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="What a symbolic dimension is taken to be (1).")
@click.option("--lowered", type=click.Path(path_type=Path), metavar="FILE.optc", help="Write the lowered program.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(
    model: Path, device: str, unit: str, pins: tuple[str, ...], sizes: tuple[str, ...], lowered: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Say for each weight of MODEL when it is expanded, what that costs, and why.

    \b
    optc plan small.onnx --device iphone14pro
    optc plan small.onnx --device iphone14pro --pin features.0.weight=load --size batch=4
    """
    from backends.cost_table import load_device
    from optc.driver import planning
    from optc.driver.models import check_output, load, save
    from optc.driver.output import working
    from optc.driver.tables import show_plan

    load_device(device).unit(unit)  # so that a wrong name is said before a large model is read
    pinned = dict(_pair(text, "--pin", "WEIGHT=load or WEIGHT=predict") for text in pins)
    named = {name: _size(name, number) for name, number in (_pair(text, "--size", "NAME=N") for text in sizes)}
    check_output(lowered)
    with working(f"reading {model.name}"):
        program = load(model)
    with working("planning"):
        made = planning.plan(program, device, unit, pinned, named)
    if lowered is not None:
        save(made.lowered.program, lowered)
    if as_json:
        click.echo(json.dumps(made.to_json(), indent=2))
    else:
        show_plan(made)


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise UsageError("option-form", "optc plan", f"option {option}", form, text)
    return name, value


def _size(name: str, number: str) -> int:
    if not (number.isascii() and number.isdigit()) or not 0 < int(number[:20]) < 1 << 31:
        raise UsageError("option-form", "optc plan", f"option --size {name}", "an integer from 1 to 2147483647", number)
    return int(number)
