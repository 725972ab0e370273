"""The tables that ship: complete, each figure with its source, and honest about what they take from each other."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import backends
from backends.cost_table import SCHEMES
from backends.device_files import device_names, load_device, parse_device
from backends.device_text import device_text
from backends.figure_paths import figures_of
from backends.figures import HOW

FOLDER = Path(backends.__file__).parent / "devices"
SHIPPED = {
    "iphone12": ("npu", "gpu", "cpu"), "iphone14pro": ("npu", "gpu", "cpu"), "iphone15pro": ("npu", "gpu", "cpu"),
    "macbook-m1": ("npu", "gpu", "cpu"), "macbook-m2": ("npu", "gpu", "cpu"), "macbook-m4": ("npu", "gpu", "cpu"),
    "nvidia-h100": ("gpu", "cpu"), "x86-server": ("cpu",),
}  # fmt: skip


def test_these_devices_ship_with_these_units() -> None:
    assert {name: tuple(load_device(name).units) for name in device_names()} == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_table_is_complete_and_says_where_each_figure_is_from(name: str) -> None:
    device = load_device(name)
    assert device.name == name
    for unit_name, unit in device.units.items():
        assert set(unit.schemes) == set(SCHEMES)
        assert set(unit.handover) == set(device.units) - {unit_name}
    for path, found in figures_of(device):
        assert found.how in set(HOW) - {"set"}, path
        assert len(found.source.split()) >= 2 or "." in found.source, path


@pytest.mark.parametrize("name", SHIPPED)
def test_a_table_and_its_text_say_the_same(name: str) -> None:
    device = load_device(name)
    assert parse_device(device_text(device), "text") == device


@pytest.mark.parametrize("name", SHIPPED)
def test_what_a_shipped_table_takes_from_another_is_assumed_for_it(name: str) -> None:
    """A figure that was measured, fitted or published for one device is none of that for another."""
    own = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    if "extends" not in own:
        return
    for path, found in figures_of(load_device(name)):
        if not _says(own, path):
            assert found.how == "assumed", path


def _says(table: dict[str, Any], path: str) -> bool:
    node: Any = table if path == "disk_gbps" else table["units"]
    for part in path.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node is not None


def test_generations_differ_in_the_forms_that_stream() -> None:
    def streaming(name: str) -> set[str]:
        return {kind for kind, costs in load_device(name).units["npu"].schemes.items() if costs.expansion == "streams"}

    first = {"palettized", "sparse", "sparse_palettized"}
    second = first | {"quantized", "palettized_quantized", "sparse_quantized"}
    third = second | {"quantized_block"}
    assert {name: streaming(name) for name in SHIPPED if "npu" in SHIPPED[name]} == {
        "macbook-m1": first, "iphone12": second, "macbook-m2": second,
        "iphone14pro": third, "iphone15pro": third, "macbook-m4": third,
    }  # fmt: skip
