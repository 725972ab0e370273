"""Reading the models of a command, while a terminal shows how far it is."""

from pathlib import Path
from typing import TYPE_CHECKING

from optc.driver.progress import working

if TYPE_CHECKING:
    from optc.ir.block import Program


def read(path: Path) -> "Program":
    """What `optc.load` gives.

    Raises:
        OptcError: as that does.
    """
    from optc.driver.models import load

    what = f"reading {path.name}"
    with working(what) as report:
        return load(path, report=lambda done, total: report(what, done, total))
