"""`docs/cost-tables.md` names all that a table can hold, and its example is a table."""

import json
import re
from pathlib import Path

import attrs
import pytest

from backends.cost_table import SCHEMES, Device, SchemeCosts, Unit
from backends.device_files import MAX_LINE, device_names
from backends.figures import HOW
from tests.command_line import optc

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cost-tables.md"

if not PAGE.is_file():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)

TEXT = PAGE.read_text("utf-8")


def first_column(title: str) -> set[str]:
    """The names in the first column of the table under a title."""
    section = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(("title", "kind"), [("Device", Device), ("Unit", Unit), ("Scheme", SchemeCosts)])
def test_the_page_names_every_field(title: str, kind: type) -> None:
    assert first_column(title) - {"how"} == {field.name for field in attrs.fields(kind)}


def test_the_page_names_every_scheme_every_way_and_every_kind_of_device() -> None:
    section = TEXT.partition("\n## Scheme\n")[2]
    assert all(f"`{kind}`" in section for kind in SCHEMES)
    assert first_column("Figures") - {"how"} == set(HOW)
    assert f"{MAX_LINE:,} characters" in TEXT
    assert {"x86-server", "nvidia-h100"} <= set(device_names())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's example in it."""
    example = TEXT.partition("This is `my-phone.toml`:\n\n")[2].partition("\n\nIts name")[0]
    (tmp_path / "my-phone.toml").write_text(re.sub(r"^    ", "", example, flags=re.MULTILINE), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_of_the_page_runs(folder: Path) -> None:
    commands = re.findall(r"^    \$ optc ([^#\n]+)", TEXT, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        done = optc(*command.split())
        assert (done.code, done.err) == (0, ""), command


def test_the_example_changes_what_it_says(folder: Path) -> None:
    def figures(name: str) -> dict[str, float]:
        return {f["path"]: f["value"] for f in json.loads(optc("devices", name, "--json").out)["figures"]}

    own, base = figures("my-phone.toml"), figures("iphone14pro")
    assert {path: value for path, value in own.items() if base[path] != value} == {
        "npu.weight_gbps": 38, "npu.schemes.palettized.table_ns": 90,
    }  # fmt: skip


def test_the_message_of_the_page_is_what_a_wrong_name_gives(folder: Path) -> None:
    path = folder / "my-phone.toml"
    path.write_text(path.read_text("utf-8").replace("weight_gbps", "weight_gpbs"), "utf-8")
    (message,) = re.findall(r"^    (error: .*)$", TEXT, re.MULTILINE)
    assert optc("devices", "my-phone.toml").err == message + "\n"
