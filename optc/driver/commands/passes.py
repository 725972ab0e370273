"""`optc passes`."""

import click

from optc.driver import completions


@click.command()
@click.argument("name", required=False, default="", metavar="[NAME]", shell_complete=completions.passes)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(name: str, as_json: bool) -> None:
    """Show the passes that pipelines are made of, those of plug-ins among them, or one of them with its options.

    \b
    optc passes
    optc passes palettize
    optc passes --json
    """
    from optc.driver.output import show_json
    from optc.driver.pass_tables import pass_json, passes_json, show_pass, show_passes
    from optc.driver.plugins import catalog

    known = catalog()
    if not name:
        show_json(passes_json(known)) if as_json else show_passes(known)
        return
    found = known.find(name)
    preset = known.preset(name)
    if found is None and preset is None:
        raise known.unknown(name, "optc passes")
    if as_json:
        show_json(pass_json(found) if found else {"name": name.removeprefix("@"), "preset": preset})
    else:
        show_pass(found, name, preset or "")
