"""`optc reduce`."""

from pathlib import Path

import click


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--test", required=True, metavar="COMMAND", help="Exits with 0 if the program (at {}) still fails.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the smallest program goes.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds that one test may take.")
def command(model: Path, test: str, output: Path, timeout: float) -> None:
    """Shrink the program MODEL while COMMAND says that it is still interesting (exit code 0).

    \b
    optc reduce failing.optc --test './still_fails.sh {}' -o small.optc
    """
    from optc.driver.interesting import passes_command
    from optc.driver.models import load, save
    from optc.testing.reducer import reduce_program

    smaller = reduce_program(load(model), passes_command(test, timeout))
    save(smaller, output)
    click.echo(f"{output}: {sum(1 for _ in smaller.walk())} ops")
