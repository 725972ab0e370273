"""`optc reduce`."""

from pathlib import Path

import click


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--test", required=True, metavar="COMMAND", help="Exits with 0 if the program in the file {} is interesting."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the smallest program goes.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True, metavar="SECONDS",
              help="How long one test may take.")  # fmt: skip
def command(model: Path, test: str, output: Path, timeout: float) -> None:
    """Shrink the program MODEL while COMMAND says that it is still interesting (exit code 0).

    {} in COMMAND stands for a .optc file; without it the file comes last. COMMAND is run without a shell.

    \b
    optc reduce failing.optc --test './still_fails.sh {}' -o small.optc
    """
    from optc.driver.interesting import passes_command
    from optc.driver.models import check_output, load, save
    from optc.driver.output import working
    from optc.testing.reducer import reduce_program

    interesting = passes_command(test, timeout)
    check_output(output)
    program = load(model)
    with working("reducing"):
        smaller = reduce_program(program, interesting)
    save(smaller, output)
    before, after = (sum(1 for _ in p.walk()) for p in (program, smaller))
    click.echo(f"{output}: {after} of {before} ops")
