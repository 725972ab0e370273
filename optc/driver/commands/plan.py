"""`optc plan`."""

import json
from pathlib import Path
from typing import Any

import click

from optc.driver import completions
from optc.driver.plan_options import plan_options, planned_on
from optc.errors import UsageError

ROWS = ("weight", "op")
SORTED_BY = ("time", "name", "size", "order")


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@plan_options
@click.option("--rows", type=click.Choice(ROWS), default="weight", show_default=True, help="What the table lists.")
@click.option("--by", type=click.Choice(SORTED_BY), default="order", show_default=True, help="How the rows are sorted.")
@click.option("--against", type=click.Path(path_type=Path), metavar="MODEL", help="Another model to compare with.")
@click.option("--against-device", metavar="NAME|FILE.toml", shell_complete=completions.devices,
              help="Another device to compare with.")  # fmt: skip
@click.option("--lowered", type=click.Path(path_type=Path), metavar="FILE.optc", help="Write the lowered program.")
@click.option("--remarks", type=click.Path(path_type=Path), metavar="FILE.json", help="Write the remarks.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(
    model: Path, rows: str, by: str, against: Path | None, against_device: str | None, lowered: Path | None,
    remarks: Path | None, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Say where each op of MODEL runs, when each weight is expanded, what that costs, and why.

    \b
    optc plan small.onnx --device iphone14pro
    optc plan small.onnx --device iphone14pro --rows op --by time
    optc plan small.onnx --device iphone14pro --pin features.0.weight=load --size batch=4
    optc plan small.onnx --device iphone14pro --against model.onnx
    """
    from backends.record import plan_json
    from optc.driver import planning
    from optc.driver.models import check_output, files_of, save
    from optc.driver.output import check_places, place_text, working
    from optc.driver.plan_comparison import Side, comparison_json, show_comparison
    from optc.driver.plan_tables import show_plan
    from optc.driver.reading import read

    device = options.pop("device")
    asked, other = planned_on((device, against_device or device), where="optc plan", **options)
    if lowered is not None and lowered.suffix.lower() != ".optc":
        raise UsageError("unknown-format", str(lowered), "suffix", ".optc for --lowered", lowered.suffix or "none")
    check_output(lowered)
    places = {"--lowered": lowered, "--remarks": remarks}
    check_places("optc plan", places, (model, against, device, against_device))
    program = read(model)
    check_places("optc plan", places, files_of(program, model))
    if against is not None:
        second = read(against)
        check_places("optc plan", places, files_of(second, against))
        asked["sizes"], other["sizes"] = planning.sizes_by_program([program, second], asked["sizes"])
        other["pins"] = {}
    else:
        second = program
    with working("planning"):
        made = planning.plan(program, **asked)
        _ = made.totals  # asked for in any case, and worked out when they are, which takes as long again
    if lowered is not None:
        save(made.lowered.program, lowered)
    if remarks is not None:
        place_text(remarks, json.dumps({"remarks": plan_json(made)["remarks"]}, indent=2) + "\n")
    if against is None and against_device is None:
        click.echo(json.dumps(plan_json(made), indent=2)) if as_json else show_plan(made, rows, by)
        return
    with working("planning"):
        held_against = planning.plan(second, **other)
        _ = held_against.totals
    alike = against is not None and against.name == model.name
    a, b = (Side(str(path) if alike else path.name, p) for path, p in ((model, made), (against or model, held_against)))
    if as_json:
        click.echo(json.dumps(comparison_json(a, b, rows, by), indent=2))
    else:
        show_comparison(a, b, rows, by)
