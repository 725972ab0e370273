"""`optc devices`."""

import json

import click

from optc.driver import completions
from optc.driver.commands import options
from optc.errors import UsageError


@click.command()
@click.argument("name", required=False, default="", metavar="[NAME|FILE.toml]", shell_complete=completions.devices)
@options.settings
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def command(name: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Show the devices that optc knows, or every figure of one and where it is from.

    \b
    optc devices
    optc devices iphone14pro
    optc devices my-machine.toml --set cpu.weight_gbps=20
    """
    from backends.device_files import load_device, loadable_devices
    from optc.driver.device_tables import device_json, devices_json, show_device, show_devices

    if name:
        device = load_device(name, settings)
        if as_json:
            click.echo(json.dumps(device_json(device), indent=2))
        else:
            show_device(device)
        return
    if settings:
        raise UsageError("option-alone", "optc devices", "--set", "beside the name of a device", settings[0])
    devices, problems = loadable_devices()
    if as_json:
        click.echo(json.dumps(devices_json(devices, problems), indent=2))
    else:
        show_devices(devices, problems)
