"""Configuration files: three formats that say the same, and one clear message for whatever is wrong."""

import json
from pathlib import Path

import pytest

import optc
from optc.driver.configuration_file import MOST_BYTES, read_configuration
from optc.errors import OptcError
from passes.compress.configuration import Configuration
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from tests.command_line import optc as command
from tests.unit.driver.small_model import write_model

YAML = """
min_elements: 100
min_rank: 1
default: palettize{bits=6}
op_types:
  conv: {scheme: palettize, bits: 4, group_size: 16, min_elements: 7}
  linear: sparsify{sparsity=0.25},quantize
  gather: null
names:
  "head.*":
    - {scheme: sparsify, zeros: 2, of: 4}
    - quantize{dtype=int4}
"""
TOML = """
min_elements = 100
min_rank = 1
default = "palettize{bits=6}"
[op_types]
conv = {scheme = "palettize", bits = 4, group_size = 16, min_elements = 7}
linear = "sparsify{sparsity=0.25},quantize"
gather = []
[names]
"head.*" = [{scheme = "sparsify", zeros = 2, of = 4}, "quantize{dtype=int4}"]
"""
JSON = json.dumps(
    {
        "min_elements": 100,
        "min_rank": 1,
        "default": {"scheme": "palettize", "bits": 6},
        "op_types": {
            "conv": "palettize{bits=4,group_size=16,min_elements=7}",
            "linear": [{"scheme": "sparsify", "sparsity": 0.25}, "quantize"],
            "gather": None,
        },
        "names": {"head.*": "sparsify{zeros=2,of=4},quantize{dtype=int4}"},
    }
)
USUAL = {"min_elements": 100, "min_rank": 1}
EXPECTED = Configuration(
    Palettize(bits=6, **USUAL),
    {
        "conv": Palettize(bits=4, group_size=16, min_elements=7, min_rank=1),
        "linear": (Sparsify(sparsity=0.25, **USUAL), Quantize(**USUAL)),
        "gather": None,
    },
    {"head.*": (Sparsify(zeros=2, of=4, **USUAL), Quantize(dtype="int4", **USUAL))},
)


def read(folder: Path, text: str, name: str = "config.yaml") -> Configuration:
    path = folder / name
    path.write_text(text, "utf-8")
    return read_configuration(path)


@pytest.mark.parametrize(
    ("text", "suffix"), [(YAML, "yaml"), (YAML, "yml"), (TOML, "toml"), (JSON, "json"), (JSON, "yaml")]
)
def test_all_formats_say_the_same(tmp_path: Path, text: str, suffix: str) -> None:
    assert read(tmp_path, text, f"config.{suffix}") == EXPECTED


WRONG = [
    ("names: [a]", "names: rules must be a table of keys and values (got list)"),
    ("", "configuration must be a table of keys and values (got nothing)"),
    ("- palettize", "configuration must be a table of keys and values (got list)"),
    (
        "op_type: {}",
        "key must be one of min_elements, min_rank, default, op_types, names (got op_type); did you mean op_types?",
    ),
    (
        "op_types: {conv: {scheme: palettize, bits: 5}}",
        "op_types.conv: option bits must be one of 1, 2, 3, 4, 6, 8 (got 5)",
    ),
    ("op_types: {conv: {scheme: palettize, bit: 4}}", "op_types.conv: option must be one of "),
    (
        "op_types: {conv: {scheme: palettise}}",
        "op_types.conv: step must be a pass or a preset (got palettise); did you mean palettize?",
    ),
    (
        "op_types: {conv: {bits: 4}}",
        "op_types.conv: scheme must be one of sparsify, palettize, quantize (got nothing); scheme: palettize",
    ),
    ("op_types: {conv: 4}", "op_types.conv: scheme must be a table of keys and values (got int)"),
    ("op_types: {conv: true}", "op_types.conv: scheme must be a table of keys and values (got bool)"),
    (
        "op_types: {conv: [quantize, {scheme: sparsify, sparsity: 2}]}",
        "op_types.conv[1]: option sparsity must be from 0 to 1 (got 2.0)",
    ),
    ("names: {12: null}", "names: key must be a text (got 12); put it in quotes"),
    ("default: dead-code", "default line 1 column 1: step must be a pass or a preset (got dead-code)"),
    (
        "default: [sparsify, palettize, quantize, quantize]",
        "default: schemes of a joint form must be at most 3 (got 4)",
    ),
    ("min_elements: -1", "option min_elements must be at least 0 (got -1)"),
    ("min_elements: many", "option min_elements must be an integer (got many)"),
    ("default: quantize\ndefault: palettize", "content must be YAML, in UTF-8 (got key default is there twice)"),
    ("default: !!python/name:os.system", "content must be YAML, in UTF-8 (got could not determine a constructor"),
    ("default: [", "content must be YAML, in UTF-8 (got while parsing"),
    (
        "config_type: OpPalettiserConfig\nglobal_config: {}",
        "global_config: config_type must be one of OpLinearQuantizerConfig, OpThresholdPrunerConfig, "
        "OpMagnitudePrunerConfig, OpPalettizerConfig (got OpPalettiserConfig); did you mean "
        "OpPalettizerConfig?",
    ),
    ("config_type: OpPalettizerConfig\nglobal_config: {nbits: 5}", "global_config: option nbits must be one of"),
    ("config_type: OpPalettizerConfig\nglobal_config: {}", "global_config: nbits must be given in mode kmeans"),
    (
        "default: {scheme: quantize, block_size: 8}",
        "default: pass quantize: option granularity must be per_block, as a size of blocks is given",
    ),
    (
        'default: palettize{mode=custom,function="os:getcwd"}',
        "default: option function must be absent in a configuration file",
    ),
    (
        "names: {a: [sparsify, {scheme: palettize, mode: custom, function: 'os:getcwd'}]}",
        "names.a[1]: option function must be absent in a configuration file",
    ),
    (
        "config_type: OpPalettizerConfig\nglobal_config: {nbits: 4, mode: unique}",
        "global_config: nbits must be absent in mode unique",
    ),
    ("config_type: OpPalettizerConfig\nglobal_config: {n_bits: 4}", "global_config: option must be one of "),
    (
        "config_type: OpPalettizerConfig\nop_types: {}",
        "key must be one of config_type, global_config, op_type_configs, op_name_configs (got op_types); did "
        "you mean op_type_configs?",
    ),
    ("config_type: OpMagnitudePrunerConfig\nglobal_config: {}", "global_config: pruning must be said by one of"),
    (
        "config_type: OpMagnitudePrunerConfig\nglobal_config: {target_sparsity: 0.5, dim: 1}",
        "global_config: dim must be beside",
    ),
    (
        "config_type: OpMagnitudePrunerConfig\nglobal_config: {n_m_ratio: [3, 2]}",
        "global_config: n_m_ratio must be two integers",
    ),
    (
        "config_type: OpMagnitudePrunerConfig\nglobal_config: {n_m_ratio: [1, 2], block_size: 2}",
        "global_config: block_size must be absent",
    ),
    (
        "config_type: OpMagnitudePrunerConfig\nop_type_configs: {matmul: {n_m_ratio: [1, 2]}}",
        "op_type_configs.matmul: type of op for structured pruning must be conv or linear (got matmul)",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(text, "utf-8")
    with pytest.raises(OptcError) as refused:
        read_configuration("config.yaml")
    assert str(refused.value).startswith(f"config.yaml: {message}")


@pytest.mark.parametrize(
    ("name", "held", "slug"),
    [
        ("config.ini", b"", "configuration-suffix"),
        ("config.yaml", b"\xff", "configuration-syntax"),
        ("config.toml", b"a = ", "configuration-syntax"),
        ("config.json", b'{"names": {}, "names": {}}', "configuration-syntax"),
        ("config.json", b"[" * 100_000, "configuration-syntax"),
        ("config.yaml", b"[" * 3_000, "configuration-syntax"),
        ("config.yaml", b"a: " + b"1" * 10_000, "configuration-syntax"),
        ("config.yaml", b"a: &a [1]\nb: [" + b"*a," * 2000 + b"]", "configuration-syntax"),
        ("config.yaml", b"default: 2020-13-45", "configuration-syntax"),
        ("config.yaml", b" " * (MOST_BYTES + 1), "configuration-size"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, name: str, held: bytes, slug: str) -> None:
    (tmp_path / name).write_bytes(held)
    with pytest.raises(OptcError) as refused:
        read_configuration(tmp_path / name)
    assert refused.value.slug == slug


def test_a_file_that_doubles_by_merging_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{i}: 1" for i in range(50)) + "}"]
    lines += [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}]}}" for i in range(1, 40)]
    with pytest.raises(OptcError) as refused:  # versions of PyYAML differ in whether they see it first
        read(tmp_path, "\n".join(lines))
    assert refused.value.slug in ("configuration-syntax", "configuration-key")


def test_a_file_that_is_absent_is_said(tmp_path: Path) -> None:
    with pytest.raises(OptcError, match="configuration must be readable") as refused:
        read_configuration(tmp_path / "no.yaml")
    assert refused.value.slug == "unreadable"


def test_compress_takes_a_configuration_on_the_command_line_and_in_python(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx")
    config = tmp_path / "config.yaml"
    config.write_text("default: palettize{bits=6}\nnames:\n  second: quantize\n  frist: null\n", "utf-8")
    done = command("compress", model, "--config", config, "-o", tmp_path / "small.onnx")
    assert (done.code, done.err) == (0, "")
    assert "rule names.frist matches nothing; did you mean first?\n" in done.out
    made = optc.load(tmp_path / "small.onnx")
    assert {name: held.form for name, held in optc.weights(made, 2048).items()} == {
        "first": "palettized 6-bit", "second": "quantized int8 per-channel",
    }  # fmt: skip
    mixed = optc.Configuration(optc.Palettize(bits=6), names={"second": optc.Quantize()})
    again = optc.compress(optc.load(model), mixed)
    assert again == optc.compress(optc.load(model), optc.read_configuration(config))
    assert [held.form for held in optc.weights(again).values()] == [held.form for held in optc.weights(made).values()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--palettize", 4], "scheme must be one, or two of a joint form (got --palettize and --config)"),
        (["--pipeline", "dead-code"], "scheme must be one, or two of a joint form (got --config and --pipeline)"),
        (["--force"], "--force must be absent beside --config; write the options in the configuration"),
    ],
)
def test_a_configuration_stands_alone(tmp_path: Path, options: list[object], message: str) -> None:
    model = write_model(tmp_path / "model.onnx")
    (tmp_path / "config.yaml").write_text("default: quantize", "utf-8")
    done = command("compress", model, "--config", tmp_path / "config.yaml", *options, "-o", tmp_path / "small.onnx")
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "small.onnx").exists()
