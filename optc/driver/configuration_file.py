"""Configurations from files: YAML, TOML or JSON. Nothing but plain data is made of what is read."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from optc.driver.output import unreadable
from optc.errors import OptcError, UsageError
from passes.compress.configuration import Configuration

MOST_BYTES = 1 << 20
_MOST_ALIASES = 1000
_MOST_PAIRS = 10_000


def read_configuration(path: str | Path) -> Configuration:
    """The configuration in a `.yaml`, `.toml` or `.json` file, which may be one for coremltools.

    Raises:
        UsageError: the suffix is none of these, or the file says something that is no configuration.
        OptcError: the file cannot be read, is larger than 1 MiB, or is not of its format.
    """
    place = Path(path)
    parse = _PARSERS.get(place.suffix.lower())
    if parse is None:
        known = ", ".join(_PARSERS)
        raise UsageError("configuration-suffix", str(place), "suffix", f"one of {known}", place.suffix or "none")
    try:
        with place.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(place, "configuration", error) from None
    if len(held) > MOST_BYTES:
        raise OptcError("configuration-size", str(place), "configuration", f"of at most {MOST_BYTES:,} bytes")
    try:
        data = parse(held.decode("utf-8"))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise OptcError("configuration-syntax", str(place), "content", _format(place), _brief(error)) from None
    return Configuration.of(data, str(place))


def _format(path: Path) -> str:
    return {".toml": "TOML", ".json": "JSON"}.get(path.suffix.lower(), "YAML") + ", in UTF-8"


def _brief(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


class _Loader(yaml.SafeLoader):
    """YAML without keys that are there twice, and without files that grow when their aliases are followed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.aliases = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > _MOST_ALIASES:
                raise ValueError(f"more than {_MOST_ALIASES} aliases")
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: Any) -> None:
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        super().flatten_mapping(node)
        if len(node.value) > _MOST_PAIRS:
            raise ValueError(f"a table of more than {_MOST_PAIRS} keys")
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"key {twice[1]} is there twice")


def _yaml(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        held = dict(pairs)
        if len(held) < len(pairs):
            raise ValueError("a key is there twice")
        return held

    return json.loads(text, object_pairs_hook=once)


_PARSERS: dict[str, Callable[[str], Any]] = {
    ".yaml": _yaml, ".yml": _yaml, ".toml": tomllib.loads, ".json": _json,
}  # fmt: skip
