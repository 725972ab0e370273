"""The README says what happens: its commands are run, and write what it shows."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from optc.driver.demo.shipped import HELD_OUT, demo_model
from optc.driver.main import cli

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"

if not README.is_file():
    pytest.skip("the README is not beside the tests", allow_module_level=True)

TEXT = README.read_text("utf-8")
LOCAL, PUBLISHED = TEXT.split("## A published network")
PUBLISHED, LATER = PUBLISHED.split("## Look at a program")


def blocks(text: str) -> list[str]:
    """The indented blocks of a page."""
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n") for block in found]


def sessions(text: str) -> list[tuple[str, str]]:
    """Each command that is shown with a prompt, and what the page says that it writes."""
    shown = [block.partition("\n") for block in blocks(text) if block.startswith("$ ")]
    return [(command.removeprefix("$ "), output) for command, _, output in shown]


def run(command: str) -> str:
    words = command.split()
    assert words[0] == "optc"
    done = CliRunner().invoke(cli, words[1:])
    assert done.exit_code == 0, done.output
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").split("\n"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder but for the network of the demonstration and its pictures, in which the commands run."""
    (tmp_path / "optc-demo").mkdir()
    for file in (demo_model(), HELD_OUT):
        shutil.copy(file, tmp_path / "optc-demo" / file.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_on_the_model_that_ships_write_what_the_readme_shows(folder: Path) -> None:
    demonstration, *found = sessions(LOCAL)
    assert demonstration[0] == "optc demo"
    assert len(found) == 3
    for command, output in found:
        assert run(command) == output


def test_the_first_command_shows_what_the_readme_shows_of_it(folder: Path) -> None:
    (command, output), *_ = sessions(LOCAL)
    assert blocks(LOCAL)[0] == f"pip install . && {command}"
    printed = "\n".join(line.rstrip() for line in run(command).splitlines())
    parts = [part.strip("\n") for part in re.split(r"^\.\.\.$", output, flags=re.MULTILINE) if part.strip()]
    assert len(parts) == 3
    places = [printed.index(part) for part in parts]
    assert places == sorted(places)


def test_the_commands_that_run_compare_and_convert_run(folder: Path) -> None:
    (block,) = (block for block in blocks(PUBLISHED) if block.startswith("optc run"))
    run("optc compress optc-demo/digits.onnx --palettize 4 -o small.onnx")
    with np.load("optc-demo/digits_held_out.npz") as held_out:
        np.save("image.npy", held_out["picture"][:2])
    for command in block.splitlines():
        run(command.replace(" model.onnx", " optc-demo/digits.onnx").replace(" x=", " picture="))
    assert all(Path(name).is_file() for name in ("outputs.npz", "dense.onnx", "model.optc"))
    assert Path("model.mlpackage", "Manifest.json").is_file()


def test_the_configuration_does_what_it_says(folder: Path) -> None:
    (held,) = (block for block in blocks(PUBLISHED) if block.startswith("# config.yaml"))
    (command,) = (block for block in blocks(PUBLISHED) if " --config " in block)
    (folder / "config.yaml").write_text(held, "utf-8")
    assert "rule op_types.gather matches nothing" in run(command)
    remarks = json.loads((folder / "remarks.json").read_text("utf-8"))["remarks"]
    assert {r["weight"]: r["scheme"] for r in remarks if r["decision"] == "done"} == {
        "3.weight": "palettized 4-bit grouped", "6.weight": "palettized 4-bit grouped",
        "11.weight": "sparse, quantized int8 per-channel",
    }  # fmt: skip


def test_the_command_that_shows_the_passes_runs(folder: Path) -> None:
    ((command, _),) = sessions(LATER)
    run(command)
    assert (folder / "clean.optc").is_file()


def test_the_python_example_runs(folder: Path) -> None:
    (example,) = (block for block in blocks(LATER) if block.startswith("import optc"))
    exec(compile(example, "README.md", "exec"), {})
    assert (folder / "small.onnx").is_file()


@pytest.mark.slow
def test_the_figures_of_the_published_network_are_true(folder: Path, shared_models: Path) -> None:
    (folder / "efficientnet_lite0.onnx").symlink_to(shared_models / "efficientnet_lite0.onnx")
    rows = re.findall(r"\| `(optc compress .*)` \| ([\d,]+) \|", PUBLISHED)
    assert len(rows) == 2
    for command, size in reversed(rows):
        run(command)
        assert Path("small.onnx").stat().st_size == int(size.replace(",", ""))
    ((command, output),) = sessions(PUBLISHED)
    assert run(command).endswith(output.removeprefix("...\n"))
