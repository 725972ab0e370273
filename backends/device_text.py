"""A device as the TOML text of its table, complete: `parse_device` reads it back as the same device."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from backends.cost_table import Device
from backends.figures import Figure


def device_text(device: Device) -> str:
    """The table of a device in TOML, every figure with how it was got and its source."""
    return "\n".join(_lines(device, "")).lstrip("\n") + "\n"


def _lines(node: Any, path: str) -> Iterator[str]:
    """The lines of a table: first what it holds itself, then the tables in it, each under its own heading."""
    held = dict(_held(node))
    tables = {key: value for key, value in held.items() if not isinstance(value, Figure) and _is_table(value)}
    if path and len(tables) < len(held):
        yield f"\n[{path}]"
    yield from (f"{key} = {_value(value)}" for key, value in held.items() if key not in tables)
    for key, value in tables.items():
        yield from _lines(value, f"{path}.{key}" if path else key)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or attrs.has(type(value))


def _held(node: Any) -> Iterator[tuple[str, Any]]:
    """The fields and keys of a node that say something: a field that is left out reads back as its default."""
    if isinstance(node, Mapping):
        yield from node.items()
        return
    for field in attrs.fields(type(node)):
        value = getattr(node, field.name)
        if value not in (None, (), {}, ""):
            yield field.name, value


def _value(value: Any) -> str:
    if isinstance(value, Figure):
        return f"{{ value = {value.value!r}, how = {_value(value.how)}, source = {_value(value.source)} }}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # TOML writes texts as JSON does, but takes no surrogates for what lies beyond 16 bits, nor a bare DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
