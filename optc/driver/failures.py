"""Where failing passes leave what is needed to replay them."""

from pathlib import Path

from optc.formats.text.files import write_text
from optc.pipeline.bundle import Bundles

FOLDER = Path("optc-failures")


def bundles(folder: Path = FOLDER) -> Bundles:
    """Bundles in a folder, which is made when something fails; programs are kept as `.optc` files."""
    return Bundles(folder, write_text)
