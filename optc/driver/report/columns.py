"""Tables as the page's script takes them: column by column, and each text that comes often only once."""

import math
from collections.abc import Sequence
from typing import Any

import attrs

EXACT = 1e300
"""What stands for infinity, which JSON lacks: an SNR so high says that nothing differs."""


@attrs.frozen
class Column:
    """One column of a table. `kind`: `text`, `count`, `bytes`, `ms`, `db`, or `number`.

    `minor` columns are left out where the page is narrow; of `choice` columns the reader can choose a value to see.
    """

    label: str
    kind: str
    values: Sequence[Any]
    minor: bool = False
    choice: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain data: `texts` and `at`, or `numbers`, null where there is none."""
        facts = {"label": self.label, "kind": self.kind, "minor": self.minor, "choice": self.choice}
        if self.kind != "text":
            return {**facts, "numbers": [number(value) for value in self.values]}
        texts = {text: at for at, text in enumerate(dict.fromkeys(self.values))}
        return {**facts, "texts": list(texts), "at": [texts[text] for text in self.values]}


def table(caption: str, columns: Sequence[Column]) -> dict[str, Any]:
    """A table as plain data; all columns have as many values."""
    return {
        "caption": caption, "rows": len(columns[0].values), "columns": [column.to_json() for column in columns],
    }  # fmt: skip


def number(value: float | None) -> float | None:
    """A number to six digits; null for what is none, and plus or minus `EXACT` for infinity."""
    if value is None or math.isnan(value):
        return None
    if isinstance(value, int):
        return value
    if math.isinf(value):
        return math.copysign(EXACT, value)
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
