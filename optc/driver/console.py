"""The console that commands print on, and the plain tables that they print."""

from rich.console import Console
from rich.table import Table

from optc.driver.verbosity import quiet

WIDTH_OF_A_PIPE = 1000
"""Wide enough that each row of a table is one line."""


def console(stderr: bool = False) -> Console:
    """A console as wide as the terminal, and wide enough in a pipe that nothing is cut off.

    Brackets and colons in names are not rich's markup. Of a quiet command only what goes to standard error is shown.
    """
    silent = quiet() and not stderr
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False, quiet=silent)
    if not made.is_terminal:
        made.width = WIDTH_OF_A_PIPE
    return made


def plain_table(*columns: str) -> Table:
    """A plain table; names on the left, numbers (columns that start with a space) on the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.strip(), justify="right" if column.startswith(" ") else "left", overflow="fold")
    return table


def grouped(number: float | None) -> str:
    """A whole number with commas; empty if there is none."""
    return "" if number is None else f"{int(number):,}"


def counted(number: int, noun: str) -> str:
    """So many of what the noun says: `1 op`, `2,000 ops`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
