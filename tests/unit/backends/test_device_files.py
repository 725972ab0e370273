"""Files of cost tables: what a user writes is read, or refused in one clear message."""

import os
from pathlib import Path

import attrs
import pytest

from backends.cost_table import Device
from backends.device_files import MAX_LINE, MAX_TABLE_BYTES, device_names, load_device, parse_device
from backends.device_text import device_text
from backends.figure_paths import figure_at, figures_of, with_figure
from optc.errors import OptcError, UsageError
from tests.unit.backends.table_text import figure, scheme, table_text


def weights(value: object) -> str:
    return f"weight_gbps = {figure(value)}"


def palettes(extra: str = "") -> str:
    return f"schemes.palettized = {scheme(extra)}"


WEIGHTS, PALETTES = weights(2), palettes()
NPU = "handover.cpu ="
COMPLETE = "t.toml: table must be complete; missing "
WRONG: dict[str, tuple[str, str]] = {
    "no TOML": ("name =", "t.toml: table must be TOML (got Invalid value (at end of document))"),
    "a key twice": (
        "a = 1\na = 2\n", "t.toml: table must be TOML (got Cannot overwrite a value (at line 2, column 6))",
    ),
    "nothing": ("", f"{COMPLETE}are name, title, disk_gbps, units"),
    "no units": (
        f'name = "x"\ntitle = "X"\ndisk_gbps = {figure(1)}\n[units]\n',
        "t.toml: units must be at least one of cpu, gpu, npu (got none)",
    ),
    "units that are no table": (
        f'name = "x"\ntitle = "X"\ndisk_gbps = {figure(1)}\nunits = 3\n', "t.toml: units must be a table (got 3)",
    ),
    "an unknown unit": (
        table_text(("[units.npu]", "[units.gpv]")),
        "t.toml: key units.gpv must be one that tables have; did you mean gpu?; 1 more is wrong",
    ),
    "a unit like no other": (
        table_text() + '[units.quantum]\ntitle = "Q"\n',
        "t.toml: key units.quantum must be one that tables have; known are cpu, gpu, npu",
    ),
    "a unit without its figures": (
        table_text() + '[units.gpu]\ntitle = "G"\n[units.gpu.handover]\n',
        f"{COMPLETE}are units.cpu.handover.gpu, units.npu.handover.gpu, units.gpu.handover.cpu, "
        "units.gpu.handover.npu, units.gpu.dtype and 12 more",
    ),
    "a missing figure": (table_text(("op_us", "")), f"{COMPLETE}are units.cpu.op_us, units.npu.op_us"),
    "a missing title": (table_text(('title = "npu"', "")), f"{COMPLETE}is units.npu.title"),
    "a missing scheme": (
        table_text(("schemes.sparse =", "")), f"{COMPLETE}are units.cpu.schemes.sparse, units.npu.schemes.sparse",
    ),
    "a missing hand-over": (table_text((NPU, "")), f"{COMPLETE}is units.npu.handover.cpu"),
    "a hand-over to itself": (
        table_text(("handover.npu", "handover.cpu")),
        "t.toml: key units.cpu.handover.cpu must be one that tables have; did you mean npu?",
    ),
    "a figure that is named wrong": (
        table_text((WEIGHTS, WEIGHTS.replace("weight_gbps", "weight_gpbs"))),
        "t.toml: key units.cpu.weight_gpbs must be one that tables have; did you mean weight_gbps?",
    ),
    "an unknown scheme": (
        table_text((PALETTES, PALETTES.replace("palettized", "palettised"))),
        "t.toml: key units.cpu.schemes.palettised must be one that tables have; did you mean palettized?",
    ),
    "an unknown field of a scheme": (
        table_text((PALETTES, palettes(', width = [4]'))),
        "t.toml: key units.cpu.schemes.palettized.width must be one that tables have; known are expansion, source, "
        "decode_gweights_per_s, decode_by_bits, stream_gbps, buffer_gweights_per_s, table_ns, arithmetic_tflops, "
        "skips_zeros_from, bits, granularities, vectors, axes, ops, least_group",
    ),
    "a number without its source": (
        table_text((WEIGHTS, "weight_gbps = 41.0")),
        "t.toml: units.cpu.weight_gbps must be a table of value, how, source (got 41.0)",
    ),
    "a figure without how": (
        table_text((WEIGHTS, 'weight_gbps = { value = 41.0, source = "a test" }')),
        f"{COMPLETE}is units.cpu.weight_gbps.how",
    ),
    "a way of getting figures that nobody knows": (
        table_text((WEIGHTS, WEIGHTS.replace('"assumed"', '"guessed"'))),
        "t.toml: units.cpu.weight_gbps.how must be one of published, measured, fitted, assumed, set (got guessed)",
    ),
    "no source": (
        table_text((WEIGHTS, WEIGHTS.replace('"a test"', '""'))),
        "t.toml: units.cpu.weight_gbps.source must be of a length of at least 3 (got 0)",
    ),
    "a text for a number": (
        table_text((WEIGHTS, weights('"41"'))),
        't.toml: units.cpu.weight_gbps.value must be a number (got "41")',
    ),
    "a truth for a number": (
        table_text((WEIGHTS, weights('true'))),
        "t.toml: units.cpu.weight_gbps.value must be a number (got true)",
    ),
    "a negative rate": (
        table_text((WEIGHTS, weights(-3))),
        "t.toml: units.cpu.weight_gbps.value must be at least 0 (got -3.0)",
    ),
    "a rate of 0": (
        table_text((WEIGHTS, weights(0))),
        "t.toml: units.cpu.weight_gbps must be greater than 0 (got 0.0)",
    ),
    "an endless rate": (
        table_text((WEIGHTS, weights('inf'))),
        "t.toml: units.cpu.weight_gbps.value must be a finite number (got inf)",
    ),
    "no number": (
        table_text((WEIGHTS, weights('nan'))),
        "t.toml: units.cpu.weight_gbps.value must be a finite number (got nan)",
    ),
    "a number beyond all floats": (
        table_text((WEIGHTS, weights('9' * 400))),
        f"t.toml: units.cpu.weight_gbps.value must be a finite number (got {'9' * 400})",
    ),
    "two wrong figures": (
        table_text((WEIGHTS, weights(-3)), (WEIGHTS, weights(-4))),
        "t.toml: units.cpu.weight_gbps.value must be at least 0 (got -3.0); 1 more is wrong",
    ),
    "an unknown float": (
        table_text(('dtype = "f16"', 'dtype = "f61"')),
        "t.toml: units.cpu.dtype must be one of f16, bf16, f32 (got f61); did you mean f16?",
    ),
    "no rate for its own floats": (
        table_text(("arithmetic_tflops.f16", "arithmetic_tflops.f32")),
        "t.toml: units.cpu.arithmetic_tflops must be a table that has f16, the unit's own dtype",
    ),
    "a rate for a type that no unit multiplies": (
        table_text(("arithmetic_tflops.f16", f"arithmetic_tflops.int8 = {figure(1)}\narithmetic_tflops.f16")),
        "t.toml: key units.cpu.arithmetic_tflops.int8 must be one that tables have; did you mean i8?",
    ),
    "a negative rate of arithmetic": (
        table_text(("arithmetic_tflops.f16", f"arithmetic_tflops.i8 = {figure(0)}\narithmetic_tflops.f16")),
        "t.toml: units.cpu.arithmetic_tflops.i8 must be greater than 0 (got 0.0)",
    ),
    "an unknown overlap": (
        table_text(('overlap = "full"', 'overlap = "ful"')),
        "t.toml: units.cpu.overlap must be one of full, none (got ful); did you mean full?",
    ),
    "an unknown expansion": (
        table_text((PALETTES, PALETTES.replace("streams", "steams"))),
        "t.toml: units.cpu.schemes.palettized.expansion must be one of streams, explicit, folds (got steams); "
        "did you mean streams?",
    ),
    "an unknown granularity": (
        table_text((PALETTES, palettes(', granularities = ["channels"]'))),
        "t.toml: units.cpu.schemes.palettized.granularities must be one of tensor, channel, group, block (got "
        "channels); did you mean channel?",
    ),
    "widths that are no list": (
        table_text((PALETTES, palettes(', bits = 4'))),
        "t.toml: units.cpu.schemes.palettized.bits must be a list (got 4)",
    ),
    "a width that is no integer": (
        table_text((PALETTES, palettes(', bits = [4.5]'))),
        "t.toml: units.cpu.schemes.palettized.bits must be an integer (got 4.5)",
    ),
    "an op that nothing knows": (
        table_text((PALETTES, palettes(', ops = ["conv", "matmull"]'))),
        "t.toml: units.cpu.schemes.palettized.ops must be names of ops (got matmull); did you mean matmul?",
    ),
    "a group of nothing": (
        table_text((PALETTES, palettes(', least_group = 0'))),
        "t.toml: units.cpu.schemes.palettized.least_group must be at least 1 (got 0)",
    ),
    "a width that no code has": (
        table_text((PALETTES, palettes(f', decode_by_bits.40 = {figure(1)}'))),
        "t.toml: key units.cpu.schemes.palettized.decode_by_bits.40 must be one that tables have; did you mean 4?",
    ),
    "a scheme that is no table": (
        table_text((PALETTES, 'schemes.palettized = "streams"')),
        "t.toml: units.cpu.schemes.palettized must be a table of expansion, source, decode_gweights_per_s "
        '(got "streams")',
    ),
    "an unknown base": (
        'extends = "iphone14por"', "t.toml: extends must be the name of a device (got iphone14por); "
        "did you mean iphone14pro?",
    ),
    "a base that is no text": ("extends = 3", "t.toml: extends must be the name of a device (got 3)"),
    "a file as the base of a text": ('extends = "a.toml"', "t.toml: extends must be the name of a device (got a.toml)"),
    "a long line": ("# " + "x" * MAX_LINE, "t.toml: line must be of at most 2,000 characters (got 2,002)"),
    "a deep list": ("a = " + "[\n" * 100_000, "t.toml: table must be nested less deeply"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_table_is_refused_in_one_message(text: str, message: str) -> None:
    with pytest.raises(OptcError) as refused:
        parse_device(text, "t.toml")
    assert str(refused.value) == message
    assert refused.value.slug == "cost-table"


def test_the_small_table_that_the_wrong_ones_are_made_of_is_right() -> None:
    assert parse_device(table_text(), "t.toml").name == "small"


def test_tables_that_extend_each_other_in_a_circle_are_refused_with_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, base in (("a", "b"), ("b", "c"), ("c", "b")):
        Path(f"{name}.toml").write_text(f'extends = "{base}.toml"\n', "utf-8")
    with pytest.raises(OptcError) as refused:
        load_device("a.toml")
    chain = "a.toml > " + " > ".join(str(tmp_path / f"{name}.toml") for name in "bcb")
    assert str(refused.value) == f"a.toml: extends must be free of cycles (got {chain})"


def test_a_table_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('extends = "a.toml"\n', "utf-8")
    with pytest.raises(OptcError, match="extends must be free of cycles"):
        load_device(str(path))


def test_a_shipped_table_is_extended_by_name_and_a_users_by_file(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        f'extends = "iphone14pro"\nname = "base"\n[units.npu]\nop_us = {figure(7)}\n', "utf-8"
    )
    own = tmp_path / "own.toml"
    own.write_text(f'extends = "base.toml"\n[units.npu]\nweight_gbps = {figure(9)}\n', "utf-8")
    device = load_device(str(own))
    expected = with_figure(with_figure(load_device("iphone14pro"), "npu.op_us", 7), "npu.weight_gbps", 9)
    assert device.name == "base"
    assert {path: f.value for path, f in figures_of(device)} == {path: f.value for path, f in figures_of(expected)}
    assert figure_at(device, "npu.op_us").source == "a test"


@pytest.mark.parametrize(
    "base",
    ["../base.toml", "/base.toml", "none.toml", "folder.toml", "loop.toml", "", "\\u0000.toml", "x" * 300 + ".toml"],
)
def test_only_a_table_in_the_same_folder_is_extended(tmp_path: Path, base: str) -> None:
    folder = tmp_path / "folder"
    (folder / "folder.toml").mkdir(parents=True)
    os.symlink(folder / "loop.toml", folder / "loop.toml")
    (tmp_path / "base.toml").write_text(table_text(), "utf-8")
    (folder / "own.toml").write_text(f'extends = "{base}"', "utf-8")
    with pytest.raises(OptcError, match=r"extends must be the name of a device or a \.toml file in the same folder"):
        load_device(str(folder / "own.toml"))


def test_a_link_out_of_the_folder_is_not_extended(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "base.toml").write_text(table_text(), "utf-8")
    os.symlink(tmp_path / "base.toml", folder / "link.toml")
    (folder / "own.toml").write_text('extends = "link.toml"', "utf-8")
    with pytest.raises(OptcError, match="in the same folder"):
        load_device(str(folder / "own.toml"))


def test_a_list_is_replaced_and_not_grown(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('extends = "iphone14pro"\nunits.npu.schemes.palettized.bits = [4]\n', "utf-8")
    made, base = load_device(str(own)), load_device("iphone14pro")
    assert made.units["npu"].schemes["palettized"].bits == (4,)
    assert made.units["npu"].schemes["quantized"] == base.units["npu"].schemes["quantized"]


def test_half_a_figure_does_not_keep_the_source_of_the_other() -> None:
    text = 'extends = "iphone14pro"\nunits.npu.weight_gbps = { value = 9 }\n'
    with pytest.raises(OptcError) as refused:
        parse_device(text, "t.toml")
    assert refused.value.hint == "missing are units.npu.weight_gbps.how, units.npu.weight_gbps.source"


def test_a_mistake_in_a_base_is_said_of_the_base(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("name =", "utf-8")
    (tmp_path / "own.toml").write_text('extends = "base.toml"', "utf-8")
    with pytest.raises(OptcError, match="table must be TOML") as refused:
        load_device(str(tmp_path / "own.toml"))
    assert refused.value.where.endswith("base.toml")


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (b"#" * (MAX_TABLE_BYTES + 1), "table must be a TOML file of at most 1 MB"),
        (b'name = "\xff"', "table must be TOML, in UTF-8"),
        (b"\n" * MAX_TABLE_BYTES, "table must be complete; missing are name, title, disk_gbps, units"),
        (
            b"a." * 990 + b"a=1\n",
            "key a must be one that tables have; known are name, title, disk_gbps, units, backend",
        ),
    ],
    ids=["too large", "no UTF-8", "empty lines", "deep keys"],
)
def test_a_hostile_file_is_refused(tmp_path: Path, held: bytes, message: str) -> None:
    path = tmp_path / "t.toml"
    path.write_bytes(held)
    with pytest.raises(OptcError) as refused:
        load_device(str(path))
    assert str(refused.value) == f"{path}: {message}"


LONG = f"{'x' * 300}.toml"  # longer than names of files may be


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("iphone14por", "name must be one of {} (got iphone14por); did you mean iphone14pro?"),
        ("toaster", "name must be one of {} (got toaster); a file of your own ends in .toml"),
        ("none.toml", "cost table must be a TOML file that exists (got none.toml, and there is no such file)"),
        ("\0.toml", "cost table must be a TOML file that exists (got \0.toml, and there is no such file)"),
        (LONG, f"cost table must be a TOML file that exists (got {LONG}, and there is no such file)"),
    ],
)
def test_an_unknown_device_is_refused_with_what_is_near(name: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_device(name)
    assert str(refused.value) == "device: " + message.format(", ".join(device_names()))


def test_a_folder_is_no_cost_table(tmp_path: Path) -> None:
    folder = tmp_path / "table.toml"
    folder.mkdir()
    with pytest.raises(UsageError, match=r"must be a TOML file that exists .*, which is no file"):
        load_device(str(folder))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("npu.weight_gbps", "setting: figure must be set as PATH=NUMBER (got npu.weight_gbps)"),
        ("=3", "setting: figure must be set as PATH=NUMBER (got =3)"),
        ("npu.weight_gbps=fast", "setting npu.weight_gbps: value must be a number (got fast)"),
        ("npu.weight_gbps=-1", "device iphone14pro: npu.weight_gbps must be a number from 0 on (got -1)"),
        ("npu.weight_gbps=0", "device iphone14pro: npu.weight_gbps must be greater than 0 (got 0)"),
        ("npu.weight_gbps=1e999", "device iphone14pro: npu.weight_gbps must be a number from 0 on (got inf)"),
        ("npu.op_us=nan", "device iphone14pro: npu.op_us must be a number from 0 on (got nan)"),
        (
            "npu.weight_gpbs=3",
            "device iphone14pro: figure must be one of its table (got npu.weight_gpbs); did you mean npu.weight_gbps?",
        ),
        (
            "weight_gbps=3",
            "device iphone14pro: figure must be one of its table (got weight_gbps); did you mean npu.weight_gbps?",
        ),
        ("q=3", "device iphone14pro: figure must be one of its table (got q); optc devices iphone14pro lists them"),
        (
            "npu.schemes.palettised.table_ns=3",
            "device iphone14pro: figure must be one of its table (got npu.schemes.palettised.table_ns); did you mean "
            "npu.schemes.palettized.table_ns?",
        ),
    ],
)
def test_a_wrong_setting_is_refused_in_one_message(setting: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_device("iphone14pro", [setting])
    assert str(refused.value) == message


def test_settings_change_figures_for_one_run() -> None:
    device = load_device("iphone14pro", ["npu.weight_gbps=60", "disk_gbps=2", "npu.schemes.sparse.table_ns=1.5"])
    for path, value in (("npu.weight_gbps", 60), ("disk_gbps", 2), ("npu.schemes.sparse.table_ns", 1.5)):
        found = figure_at(device, path)
        assert (found.value, found.how) == (value, "set")
    base = load_device("iphone14pro")
    assert _without(device, "set") == _without(base, "nothing") - {"npu.weight_gbps", "disk_gbps"}


def _without(device: Device, how: str) -> set[str]:
    return {path for path, found in figures_of(device) if found.how != how}


def test_a_text_with_odd_characters_is_written_and_read_back() -> None:
    device = attrs.evolve(load_device("x86-server"), title='a "quote" \\ \t \x7f \u2028 \U0001f600 end')
    assert parse_device(device_text(device), "text") == device
