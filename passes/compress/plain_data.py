"""What files of configurations are made of: tables with texts as keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from optc.errors import UsageError
from optc.pipeline.suggest import did_you_mean


def table(data: Any, where: str, what: str, known: Sequence[str] = ()) -> dict[str, Any]:
    """A table as it is in a file; `known` are the keys that it may have, by default any.

    Raises:
        UsageError: slugs `configuration-form`, `configuration-key`: it is none, or has other keys.
    """
    if not isinstance(data, Mapping):
        raise UsageError("configuration-form", where, what, "a table of keys and values", kind(data))
    for key in data:
        if not isinstance(key, str):
            raise UsageError("configuration-form", where, "key", "a text", repr(key), "put it in quotes")
        if known and key not in known:
            expected = f"one of {', '.join(known)}"
            raise UsageError("configuration-key", where, "key", expected, key, did_you_mean(key, known))
    return dict(data)


def kind(data: Any) -> str:
    """What a wrong value is called in a message."""
    return "nothing" if data is None else type(data).__name__
