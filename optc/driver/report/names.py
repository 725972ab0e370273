"""Names and lines as a page shows them: what a model file holds may be of any length and hold any character."""

from optc.driver.output import printable

LONGEST_NAME = 120
LONGEST_LINE = 600


def shown(text: str, longest: int = LONGEST_NAME) -> str:
    """The text without characters that steer what shows it, its middle left out where it is long."""
    half = longest // 2
    cut = text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"
    return printable(cut).replace("\n", "\\n").replace("\t", "\\t")
