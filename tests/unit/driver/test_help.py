"""What `--help` says: examples that are right, of every command; and the names of things that are near."""

import inspect
import re
import shlex
from pathlib import Path

import click
import pytest

from backends.device_files import device_names
from optc.driver import main
from optc.driver.facade import Pipeline
from tests.command_line import optc
from tests.unit.driver.small_model import write_model


def command(name: str) -> click.Command:
    found = main.cli.get_command(click.Context(main.cli), name)
    assert found is not None
    return found


def examples(name: str) -> list[list[str]]:
    """The words of the command lines in the help of a command, without what the shell does."""
    lines = inspect.cleandoc(command(name).help or "").splitlines()
    return [shlex.split(re.split(r" [|>] ", line)[0]) for line in lines if line.startswith("optc ")]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_examples_that_parse(name: str) -> None:
    found = examples(name)
    assert found
    for words in found:
        assert words[:2] == ["optc", name]
        context = command(name).make_context(name, words[2:])
        if "pipeline" in words or "--pipeline" in words:
            assert Pipeline.parse(context.params["text"]).steps
        if context.params.get("device"):
            assert context.params["device"] in device_names()


def test_an_example_that_does_not_parse_is_seen() -> None:
    with pytest.raises(click.UsageError):
        command("inspect").make_context("inspect", ["model.onnx", "--jsn"])


def test_the_examples_of_the_overview_parse() -> None:
    lines = inspect.cleandoc(main.cli.help or "").splitlines()
    found = [shlex.split(line) for line in lines if line.startswith("optc ")]
    assert found
    for words in found:
        command(words[1]).make_context(words[1], words[2:])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx")


PLAN = "plan MODEL --device iphone14pro "


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("comprss MODEL", "compress"),
        ("compress MODEL --palletize 4 -o o.onnx", "--palettize"),
        ("compress MODEL --quantize it8 -o o.onnx", "int8"),
        ("compress MODEL --palettize 4 --mode kmean -o o.onnx", "kmeans"),
        ("compress MODEL --palettize 4 -o o.mlpackage --target iso17", "ios17"),
        ("opt MODEL --pipeline dead-cod", "dead-code"),
        ("opt MODEL --pipeline @cleanpu", "@cleanup"),
        ("opt MODEL --pipeline palettize{bist=4}", "bits"),
        ("opt MODEL --pipeline dead-code --print-after dead-cod", "dead-code"),
        ("passes palletize", "palettize"),
        ("run MODEL --engine onxruntime", "onnxruntime"),
        ("completion bahs", "bash"),
        ("convert MODEL -o o.optc --precision flaot16", "float16"),
        ("devices iphone14por", "iphone14pro"),
        ("devices iphone12 --set npu.wieght_gbps=1", "npu.weight_gbps"),
        ("plan MODEL --device iphone14por", "iphone14pro"),
        (PLAN + "--devise x", "--device"),
        (PLAN + "--units cpu+nup", "cpu+npu"),
        (PLAN + "--pin fisrt=load", "first"),
        (PLAN + "--pin first=laod", "load"),
        (PLAN + "--size bacth=2", "batch"),
        (PLAN + "--objective latencey", "latency"),
        (PLAN + "--rows wieght", "weight"),
        ("explain MODEL fisrt --device iphone14pro", "first"),
    ],
)
def test_what_was_meant_is_guessed(line: str, near: str, model: Path) -> None:
    done = optc(*(str(model) if word == "MODEL" else word for word in line.split()))
    assert (done.code, done.out) == (2, "")
    first = done.err.splitlines()[0]
    assert first.startswith("error: ")
    assert first.endswith(f"; did you mean {near}?")


def test_a_weight_of_a_configuration_that_was_meant_is_guessed(model: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("names:\n  fisrt: palettize\n", "utf-8")
    done = optc("compress", model, "--config", config, "-o", tmp_path / "o.onnx")
    assert "rule names.fisrt matches nothing; did you mean first?" in done.out
