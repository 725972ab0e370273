"""`optc calibrate`."""

import json
from pathlib import Path

import click

from optc.driver.commands import options


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.toml", help="Where the table goes."
)
@click.option("--name", default="", metavar="NAME", help="What plans call the machine; else the name of the file.")
@click.option(
    "--seconds", type=options.Numbers(1, 3600), default=90.0, show_default=True, help="About how long to measure."
)
@click.option(
    "--one-core", is_flag=True, help="One core, by its processor time: steady where other things run as well."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
def command(output: Path, name: str, seconds: float, one_core: bool, as_json: bool) -> None:
    """Measure this machine with ONNX Runtime, and write its cost table, for --device my-machine.toml.

    \b
    optc calibrate -o my-machine.toml
    optc calibrate -o my-core.toml --one-core --seconds 60
    """
    from backends.cpu.calibration import device_of
    from backends.cpu.jobs import jobs
    from backends.cpu.measure import instruments, measure
    from backends.device_files import parse_device
    from backends.device_text import device_text
    from optc.driver.calibration_tables import calibration_json, show_calibration
    from optc.driver.machine import this_machine
    from optc.driver.output import check_place, place_text, working
    from optc.errors import UsageError

    if output.suffix != ".toml":
        raise UsageError("unknown-format", str(output), "suffix", ".toml", output.suffix or "none")
    check_place(output)
    machine = this_machine(name or output.stem, "calibrate", one_core)
    seen = measure(seconds, instruments(one_core, working), jobs(int(one_core)))
    text = device_text(device_of(seen, machine))
    device = parse_device(text, str(output))
    place_text(output, text)
    if as_json:
        click.echo(json.dumps(calibration_json(device, seen), indent=2))
    else:
        show_calibration(device, seen)
