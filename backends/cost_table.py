"""Cost tables: what a device can do and how fast, each figure with its source. One TOML file per device."""

import difflib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import attrs

from optc.errors import OptcError, UsageError

HOW = ("published", "measured", "fitted", "assumed")
MAX_TABLE_BYTES = 1 << 20


@attrs.frozen
class Figure:
    """One number of a table; its unit is in the name of the field that holds it."""

    value: float = attrs.field(validator=attrs.validators.ge(0))
    how: str = attrs.field(validator=attrs.validators.in_(HOW))
    source: str = attrs.field(validator=attrs.validators.min_len(3))


def _positive(_: object, field: "attrs.Attribute[Any]", figure: Figure) -> None:
    if figure.value <= 0:
        raise ValueError(f"{field.name} must be greater than 0")


@attrs.frozen
class SchemeCosts:
    """How a unit treats weights of one scheme.

    `streams`: whether it can expand them at each prediction. `stream_gbps`: rate at which stored bytes arrive.
    `decode_gweights_per_s`: weights expanded per second, in 1e9. `table_ns`: time that each lookup table costs.
    """

    streams: bool
    source: str
    stream_gbps: Figure = attrs.field(validator=_positive)
    decode_gweights_per_s: Figure = attrs.field(validator=_positive)
    table_ns: Figure


@attrs.frozen
class Unit:
    """One compute unit. `dtype` is the element type that it computes in, and holds expanded weights in.

    Rates: `arithmetic_tflops` in 1e12 operations per second, `..._gbps` in 1e9 bytes per second,
    `expand_gweights_per_s` in 1e9 weights per second at load. `dispatch_ms` is paid once per prediction.
    """

    title: str
    dtype: str = attrs.field(validator=attrs.validators.in_(("f16", "bf16", "f32")))
    arithmetic_tflops: Figure = attrs.field(validator=_positive)
    activation_gbps: Figure = attrs.field(validator=_positive)
    weight_gbps: Figure = attrs.field(validator=_positive)
    dispatch_ms: Figure
    on_chip_mb: Figure
    expand_gweights_per_s: Figure = attrs.field(validator=_positive)
    schemes: Mapping[str, SchemeCosts]


@attrs.frozen
class Device:
    """A named set of units. `disk_gbps` is the rate at which a model file is read."""

    name: str
    title: str
    disk_gbps: Figure = attrs.field(validator=_positive)
    units: Mapping[str, Unit] = attrs.field(validator=attrs.validators.min_len(1))

    def unit(self, name: str) -> Unit:
        """The unit of that name.

        Raises:
            UsageError: slug `no-such-unit`.
        """
        if name not in self.units:
            raise UsageError("no-such-unit", f"device {self.name}", "unit", f"one of {', '.join(self.units)}", name)
        return self.units[name]


def device_names() -> tuple[str, ...]:
    """The devices whose tables ship with optc."""
    folder = resources.files("backends") / "devices"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def load_device(name: str) -> Device:
    """The table of a device that ships with optc, or of a `.toml` file given by its path.

    Raises:
        UsageError: slug `no-such-device`.
        OptcError: slug `cost-table`: the table is not complete and valid; the message names the figure.
    """
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file() or path.stat().st_size > MAX_TABLE_BYTES:
            raise UsageError("no-such-device", "device", "cost table", "a TOML file of at most 1 MB", name)
        return parse_device(path.read_text("utf-8", errors="replace"), name)
    names = device_names()
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]}?" if close else ""
        raise UsageError("no-such-device", "device", "name", f"one of {', '.join(names)}", name, hint)
    text = (resources.files("backends") / "devices" / f"{name}.toml").read_text("utf-8")
    return parse_device(text, f"{name}.toml")


def parse_device(text: str, where: str) -> Device:
    """The table in a TOML text.

    Raises:
        OptcError: slug `cost-table`.
    """
    # Imported here, as most commands read no table.
    import cattrs
    from cattrs.errors import ClassValidationError

    try:
        return cattrs.Converter(forbid_extra_keys=True).structure(tomllib.loads(text), Device)
    except tomllib.TOMLDecodeError as error:
        raise OptcError("cost-table", where, "table", "TOML", error) from None
    except ClassValidationError as error:
        problems = "; ".join(cattrs.transform_error(error))
        raise OptcError("cost-table", where, "table", "complete and valid", problems) from None
