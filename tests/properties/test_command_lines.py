"""Whatever is typed: a command answers or refuses, in one message and never with a traceback."""

import os
import re
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.driver import main
from tests.command_line import optc
from tests.unit.driver.small_model import write_model

SAFE = (
    "compress", "opt", "convert", "decompress", "inspect", "diff", "run", "plan", "explain", "simulate", "devices",
    "passes", "completion",
)  # fmt: skip
"""Those that run no other program and do not measure the machine."""
# No slash: what is written stays in the folder of the test.
TEXTS = st.text(st.characters(exclude_characters="/\\\0", exclude_categories=("Cs",)), max_size=12)
LIKELY = st.sampled_from(
    [
        "model.onnx", "small.onnx", "none.onnx", "broken.onnx", "out.onnx", "out.optc", "out.mlpackage", "o.txt", "-",
        "", "4", "-1", "0", "0.5", "nan", "1e999", "9" * 20, "int8", "kmeans", "iphone14pro", "table.toml", "all",
        "cpu", "x=input.npy", "x=none.npy", "input.npy", "first=load", "=", "batch=2", "batch=0", "npu.weight_gbps=1",
        "npu.weight_gbps=x", "dead-code", "palettize{bits=4}", "palettize{", "fixpoint(", "config.yaml", "@cleanup",
        "ios17", "first", "--", "--help", "--json", "-q", "-v", "-o", "é\x1b[31m", "%s", "{}",
    ]
)  # fmt: skip


def options_of(name: str) -> list[str]:
    """All options of a command, in each spelling."""
    command = main.cli.get_command(click.Context(main.cli), name)
    assert command is not None
    return [text for param in command.params if isinstance(param, click.Option) for text in param.opts]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and what is almost one, in which the commands run."""
    made = tmp_path_factory.mktemp("lines")
    monkeypatch.chdir(made)
    monkeypatch.delenv("OPTC_DEBUG", raising=False)
    write_model(made / "model.onnx")
    (made / "broken.onnx").write_bytes(b"\x08\x09garbage")
    (made / "table.toml").write_text("name = 3\n", "utf-8")
    (made / "config.yaml").write_text("default: [1, {a: b}]\n", "utf-8")
    (made / "input.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00")
    return made


@pytest.mark.parametrize("name", SAFE)
def test_any_command_line_is_answered_or_refused_in_one_message(name: str, folder: Path) -> None:
    options = st.sampled_from(options_of(name))

    @given(st.lists(st.one_of(options, LIKELY, LIKELY, TEXTS), max_size=6), st.booleans())
    def answers(words: list[str], with_model: bool) -> None:
        done = optc(name, *(["model.onnx"] if with_model else []), *words)
        assert done.code in (0, 1, 2)
        assert "Traceback" not in done.err
        assert "internal error" not in done.err
        if done.code:
            says = [line for line in done.err.splitlines() if line.startswith("error: ")]
            assert len(says) == 1
            assert re.match(r"error: .*(must be|must have) ", done.err[done.err.index("error: ") :], re.DOTALL)
        assert "\x1b" not in done.out + done.err

    answers()
    assert Path.cwd() == folder
    assert os.listdir(folder)
