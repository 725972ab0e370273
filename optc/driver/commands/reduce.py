"""`optc reduce`."""

from pathlib import Path

import click

from optc.driver.commands import options
from optc.driver.verbosity import say


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--test", required=True, metavar="COMMAND", help="Exits with 0 if the program in the file {} is interesting."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the smallest program goes.")
@click.option("--timeout", type=options.Numbers(0, min_open=True), default=60.0, show_default=True, metavar="SECONDS",
              help="How long one test may take.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the sizes as JSON.")
def command(model: Path, test: str, output: Path, timeout: float, as_json: bool) -> None:
    """Shrink the program MODEL while COMMAND says that it is still interesting (exit code 0).

    {} in COMMAND stands for a .optc file; without it the file comes last. COMMAND is run without a shell.

    \b
    optc reduce failing.optc --test './still_fails.sh {}' -o small.optc
    """
    from optc.driver.interesting import counted, passes_command
    from optc.driver.models import check_output, save
    from optc.driver.output import printable, show_json, working
    from optc.driver.reading import read
    from optc.testing.reducer import reduce_program

    interesting = passes_command(test, timeout)
    check_output(output)
    program = read(model)
    with working("reducing") as report:
        smaller = reduce_program(program, counted(interesting, report))
    save(smaller, output)
    before, after = (sum(1 for _ in p.walk()) for p in (program, smaller))
    if as_json:
        show_json({"output": str(output), "ops_before": before, "ops_after": after})
    else:
        say(f"{printable(str(output))}: {after} of {before} ops")
