"""`optc explain`."""

import json
from pathlib import Path
from typing import Any

import click

from optc.driver import completions
from optc.driver.plan_options import plan_options, planned_with
from optc.driver.verbosity import say


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("weight", shell_complete=completions.weights)
@plan_options
@click.option("--json", "as_json", is_flag=True, help="Print the record of the decision as JSON.")
def command(model: Path, weight: str, as_json: bool, **options: Any) -> None:
    """Show the whole arithmetic of the decision on one WEIGHT of MODEL, to be worked out again by hand.

    \b
    optc explain small.onnx features.0.weight --device iphone14pro
    """
    from backends.explanation import explain
    from backends.record import plan_json
    from optc.driver import planning
    from optc.driver.output import printable, working
    from optc.driver.reading import read

    asked = planned_with(where="optc explain", **options)
    program = read(model)
    with working("planning"):
        plan = planning.plan(program, **asked)
    text = explain(plan, weight)
    if as_json:
        record = plan_json(plan)
        found = [w for w in record["weights"] if w["name"] == weight]
        click.echo(json.dumps({"device": record["device"], "units": record["units"], "weights": found}, indent=2))
    else:
        say("\n".join(printable(line) for line in text.split("\n")))
