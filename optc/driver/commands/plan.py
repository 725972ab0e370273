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
    optc plan small.onnx --device iphone14pro --pin features.0.weight=load
    """
    from backends.cost_table import load_device
    from backends.costs import Sizes
    from backends.plan import make_plan
    from optc.driver.models import load, save
    from optc.driver.tables import show_plan

    table = load_device(device)
    pinned = dict(_pair(text, "--pin") for text in pins)
    named = {name: _size(name, number) for name, number in (_pair(text, "--size") for text in sizes)}
    made = make_plan(load(model), table, unit, pinned, Sizes(named))
    if lowered is not None:
        save(made.lowered.program, lowered)
    if as_json:
        click.echo(json.dumps(made.to_json(), indent=2))
    else:
        show_plan(made)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise UsageError("option-form", option, "value", "NAME=VALUE", text)
    return name, value


def _size(name: str, number: str) -> int:
    if not number.isdigit() or not 0 < int(number) < 1 << 31:
        raise UsageError("option-form", f"--size {name}", "value", "a whole number from 1 on", number)
    return int(number)
