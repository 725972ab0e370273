"""`optc devices`: the tables as rows and as data."""

import json
from pathlib import Path

import pytest

from backends.device_files import device_names, load_device
from backends.figure_paths import figures_of
from tests.command_line import optc


def test_there_is_one_row_for_each_device() -> None:
    done = optc("devices")
    assert (done.code, done.err) == (0, "")
    heading, *rows = done.out.splitlines()
    assert heading.split()[:6] == ["device", "title", "published", "measured", "fitted", "assumed"]
    assert [row.split()[0] for row in rows] == list(device_names())
    (row,) = (row for row in rows if row.startswith("macbook-m1 "))
    assert row.split("70  ")[1].rstrip() == (
        "npu: palettized, sparse, sparse_palettized; gpu: quantized, quantized_block; cpu: none"
    )


def test_the_rows_as_data_count_every_figure() -> None:
    devices = json.loads(optc("devices", "--json").out)["devices"]
    assert [row["name"] for row in devices] == list(device_names())
    for row in devices:
        device = load_device(row["name"])
        assert list(row["figures"]) == ["published", "measured", "fitted", "assumed"]
        assert sum(row["figures"].values()) == len(list(figures_of(device)))
        assert list(row["units"]) == list(device.units)


@pytest.mark.parametrize("name", device_names())
def test_every_figure_of_a_device_is_shown_with_where_it_is_from(name: str) -> None:
    shown = optc("devices", name).out
    data = json.loads(optc("devices", name, "--json").out)
    device = load_device(name)
    assert shown.startswith(f"{name}: {device.title}\n")
    lines = {line.split()[0]: line for line in shown.splitlines() if line}
    for path, figure in figures_of(device):
        value, how, *source = lines[path].split()[1:]
        assert (float(value), how, " ".join(source)) == (
            pytest.approx(figure.value, rel=1e-5), figure.how, " ".join(figure.source.split()),
        )  # fmt: skip
    assert [(f["path"], f["value"], f["how"], f["source"]) for f in data["figures"]] == [
        (path, figure.value, figure.how, figure.source) for path, figure in figures_of(device)
    ]
    for unit_name, unit in device.units.items():
        schemes = data["units"][unit_name]["schemes"]
        assert {kind: costs["expansion"] for kind, costs in schemes.items()} == {
            kind: costs.expansion for kind, costs in unit.schemes.items()
        }
        assert f"\n{unit_name}: {unit.title}; {unit.dtype}, overlap {unit.overlap}" in shown


def test_what_is_legal_of_a_scheme_is_shown() -> None:
    rows = [line.split() for line in optc("devices", "iphone14pro").out.splitlines() if line.startswith("quantized ")]
    assert rows[0][1:8] == ["streams", "bits", "4", "8;", "granularities", "tensor", "channel"]
    assert rows[2][1:3] == ["folds", "all"]


def test_a_setting_is_shown_as_set() -> None:
    data = json.loads(optc("devices", "iphone14pro", "--set", "npu.weight_gbps=60", "--json").out)
    (figure,) = (f for f in data["figures"] if f["how"] == "set")
    assert (figure["path"], figure["unit"], figure["value"]) == ("npu.weight_gbps", "npu", 60)
    assert "npu.weight_gbps  " in optc("devices", "iphone14pro", "--set", "npu.weight_gbps=60").out


def test_a_table_of_ones_own_is_shown(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('extends = "x86-server"\nname = "own"\ntitle = "My \\u001b[31mmachine"\n', "utf-8")
    assert optc("devices", own).out.startswith("own: My \\x1b[31mmachine\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toaster"], "device: name must be one of iphone12, "),
        (
            ["none.toml"],
            "device: cost table must be a TOML file that exists (got none.toml, and there is no such file)\n",
        ),
        (["--set", "disk_gbps=1"], "optc devices: --set must be beside the name of a device (got disk_gbps=1)\n"),
        (["iphone12", "--set", "disk_gbp=1"], "device iphone12: figure must be one of its table (got disk_gbp); "),
        (["iphone12", "--set", "disk_gbps"], "setting: figure must be set as PATH=NUMBER (got disk_gbps)\n"),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(arguments: list[str], message: str) -> None:
    done = optc("devices", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message}")


def test_a_wrong_table_is_refused_with_exit_code_1(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('extends = "x86-server"\nunits.cpu.op_us = 3\n', "utf-8")
    done = optc("devices", own)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: {own}: units.cpu.op_us must be a table of value, how, source (got 3)\n"
