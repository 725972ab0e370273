"""Files of cost tables: one TOML file per device, which may say only what differs from another.

A table with `extends` starts from the table of that name (or of that file, beside it) and replaces what it says itself:
units, schemes and other tables key by key, a figure as a whole, with its source.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import attrs

from backends.cost_table import Device
from backends.device_structure import device_of
from backends.figure_paths import with_figure
from backends.plugins import offered, usable
from optc.errors import OptcError, UsageError
from optc.pipeline.plugins import Plugin
from optc.pipeline.suggest import did_you_mean

MAX_TABLE_BYTES = 1 << 20
MAX_LINE = 2000
"""The longest line of a table, in characters: reading a key of many parts takes time that grows with their square."""


@attrs.frozen
class _Source:
    """The text of a table: where it is from, as messages say it, and which file it is, told from all others.

    `backend` is the name of the plug-in that offers it, if one does.
    """

    where: str
    text: str
    file: Path | str
    backend: str = ""

    @property
    def folder(self) -> Path | None:
        """The folder that holds the file, if it is a file of a user's."""
        return self.file.parent if isinstance(self.file, Path) else None


def device_names() -> tuple[str, ...]:
    """The devices whose tables ship with optc."""
    folder = resources.files("backends") / "devices"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def every_device_name() -> tuple[str, ...]:
    """The devices whose tables ship with optc, and those that plug-ins offer; plug-ins are imported."""
    own, (backends, _) = device_names(), usable()
    return (*own, *sorted({name for _, backend in backends for name in backend.devices}.difference(own)))


def loadable_devices() -> tuple[list[Device], list[OptcError]]:
    """All devices that are known by name, and what is wrong with plug-ins and tables that cannot be used."""
    devices, (backends, wrong) = [load_device(name) for name in device_names()], usable()
    problems = list(wrong)
    for plugin, backend in backends:
        for name in sorted(backend.devices):
            try:
                devices.append(_offered_device(plugin, name))
            except OptcError as error:
                problems.append(error)
    return devices, problems


def _offered_device(plugin: Plugin, name: str) -> Device:
    if name in device_names():
        raise OptcError(
            "plugin-clash", f"plug-in {plugin.distribution}", "name of a device", "one that optc does not have", name,
            "optc's own is used",
        )  # fmt: skip
    return load_device(name)


def load_device(name_or_path: str, settings: Sequence[str] = ()) -> Device:
    """The table of a device that ships with optc or that a plug-in offers, or of a `.toml` file.

    `settings` change figures for one run.

    load_device("iphone14pro", ["npu.weight_gbps=60", "disk_gbps=2"])

    Raises:
        UsageError: slug `no-such-device`, or as `with_settings` says.
        OptcError: slug `cost-table`: the table is not complete and valid; the message names what is wrong.
    """
    source = _user_source(Path(name_or_path)) if name_or_path.endswith(".toml") else _known_source(name_or_path)
    return with_settings(_device(source), settings)


def parse_device(text: str, where: str) -> Device:
    """The table in a TOML text, which `where` names in messages. It may extend a device that ships with optc.

    Raises:
        OptcError: slug `cost-table`.
    """
    return _device(_Source(where, text, where))


def with_settings(device: Device, settings: Sequence[str]) -> Device:
    """The device with other figures: each setting is `PATH=NUMBER`, the path one of `backends.figure_paths`.

    Raises:
        UsageError: slug `setting-form`, `no-such-figure`, or `figure-value`.
    """
    for setting in settings:
        device = with_figure(device, *_figure(setting))
    return device


def _figure(setting: str) -> tuple[str, float]:
    path, equals, number = setting.partition("=")
    if not equals or not path:
        raise UsageError("setting-form", "setting", "figure", "set as PATH=NUMBER", setting)
    try:
        return path.strip(), float(number)
    except ValueError:
        raise UsageError("figure-value", f"setting {path}", "value", "a number", number) from None


def settings_by_device(devices: Mapping[str, Device], settings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Of settings for several devices, those for each: the ones whose figures its table has.

    Raises:
        UsageError: as `with_settings`; slug `no-such-figure` where no table has the figure.
    """
    found: dict[str, list[str]] = {name: [] for name in devices}
    for setting in settings:
        refused = []
        for name, device in devices.items():
            try:
                with_settings(device, [setting])
            except UsageError as error:
                if error.slug != "no-such-figure":
                    raise
                refused.append(error)
            else:
                found[name].append(setting)
        if len(refused) == len(devices) and refused:
            raise next((error for error in refused if error.hint), refused[0])
    return {name: tuple(own) for name, own in found.items()}


def _known_source(name: str) -> _Source:
    if name in device_names():
        file = resources.files("backends") / "devices" / f"{name}.toml"
        return _Source(f"{name}.toml", file.read_text("utf-8"), name)
    held = offered(name)
    if held is None:
        names = every_device_name()
        hint = did_you_mean(name, names) or "a file of your own ends in .toml"
        raise UsageError("no-such-device", "device", "name", f"one of {', '.join(names)}", name, hint)
    try:
        return _Source(f"{name}.toml", held.table.read_text("utf-8"), name, held.plugin.name)
    except (OSError, ValueError, AttributeError) as error:
        raise held.plugin.broken(f"has a readable table of {name}", error) from None


def _user_source(path: Path) -> _Source:
    if not _is_file(path):
        why = "which is no file" if os.path.exists(path) else "and there is no such file"
        raise UsageError("no-such-device", "device", "cost table", "a TOML file that exists", f"{path}, {why}")
    try:
        with path.open("rb") as file:
            held = file.read(MAX_TABLE_BYTES + 1)
    except OSError as error:
        raise OptcError("cost-table", str(path), "table", "readable", error.strerror or error) from None
    if len(held) > MAX_TABLE_BYTES:
        raise OptcError("cost-table", str(path), "table", "a TOML file of at most 1 MB")
    try:
        return _Source(str(path), held.decode("utf-8"), path.resolve())
    except UnicodeDecodeError:
        raise OptcError("cost-table", str(path), "table", "TOML, in UTF-8") from None


def _is_file(path: Path) -> bool:
    """Whether there is a file; there is none where no file can be named so."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _device(source: _Source) -> Device:
    """The device of a table and of those that it extends."""
    try:
        return device_of(_merged(source), source.where)
    except RecursionError:
        raise OptcError("cost-table", source.where, "table", "nested less deeply") from None


def _merged(source: _Source) -> dict[str, Any]:
    sources, tables = [source], [_table(source)]
    while "extends" in tables[-1]:
        base = _base(tables[-1].pop("extends"), sources[-1])
        if any(base.file == seen.file for seen in sources):
            chain = " > ".join(s.where for s in (*sources, base))
            raise OptcError("cost-table", source.where, "extends", "free of cycles", chain)
        sources.append(base)
        tables.append(_table(base))
    merged: dict[str, Any] = {}
    for table in reversed(tables):
        merged = _merge(merged, table)
    return merged


def _table(source: _Source) -> dict[str, Any]:
    """What a file says; the table of a plug-in names its backend even if it does not say so."""
    said = _toml(source)
    if source.backend:
        said.setdefault("backend", source.backend)
    return said


def _base(name: object, source: _Source) -> _Source:
    """The table that another one extends."""
    if isinstance(name, str) and (name in device_names() or offered(name) is not None):
        return _known_source(name)
    folder = source.folder
    if isinstance(name, str) and name.endswith(".toml") and folder is not None:
        path = folder / name
        if _is_file(path) and path.resolve().parent == folder:
            return _user_source(path)
    expected = "the name of a device" if folder is None else "the name of a device or a .toml file in the same folder"
    hint = did_you_mean(str(name), every_device_name())
    raise OptcError("cost-table", source.where, "extends", expected, name, hint)


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What `own` says, and of the rest what `base` says; tables are merged key by key, figures are not."""
    merged = dict(base)
    for key, value in own.items():
        old: Any = merged.get(key)
        tables = isinstance(old, dict) and isinstance(value, dict) and "value" not in (*old, *value)
        merged[key] = _merge(old, value) if tables else value
    return merged


def _toml(source: _Source) -> dict[str, Any]:
    longest = max(map(len, source.text.split("\n")), default=0)
    if longest > MAX_LINE:
        raise OptcError("cost-table", source.where, "line", f"of at most {MAX_LINE:,} characters", f"{longest:,}")
    try:
        return tomllib.loads(source.text)
    except ValueError as error:
        raise OptcError("cost-table", source.where, "table", "TOML", error) from None
