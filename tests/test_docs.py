"""Every example of the pages of `docs/` runs, and prints what is shown; `--update-golden` writes that anew."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from optc.driver.main import COMMANDS
from tests.command_line import optc
from tests.page_examples import Reader, examples, matches, steps, with_outputs
from tests.plugins import install_acme, on_the_path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

if not DOCS.is_dir():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)

FAILING = """
func @main(%x: f32[2]) -> (y: f32[2]) {
  %a = neg(%x) : f32[2]
  %b = relu(%a) : f32[2]
  %y = exp(%b) : f32[2]
  return %y
}
"""
IDLE = """
def abs_once(source):
    return source.builder.add(Abs(source.fresh(TensorType(DType.F32, (2,)))))

from optc.ir.dtypes import DType
from optc.ir.types import TensorType
"""
PAGES = sorted(path.name for path in DOCS.glob("*.md"))


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has: a model, `model.onnx`, a compressed one, and a picture; pages say that they use these."""
    folder = tmp_path_factory.mktemp("start")
    shutil.copy(ROOT / "examples" / "digits.onnx", folder / "model.onnx")
    assert optc("compress", folder / "model.onnx", "--palettize", 4, "-o", folder / "small.onnx").code == 0
    assert optc("convert", folder / "small.onnx", "-o", folder / "model.mlpackage").code == 0
    with np.load(ROOT / "examples" / "digits_held_out.npz") as held_out:
        np.save(folder / "image.npy", held_out["picture"][:2])
    (folder / "failing.optc").write_text(FAILING, "utf-8")
    (folder / "still_fails.sh").write_text("#!/bin/sh\ngrep -q relu $1\n", "utf-8")
    (folder / "still_fails.sh").chmod(0o755)
    return folder


@pytest.fixture
def folder(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a page is read."""
    shutil.copytree(start, tmp_path, dirs_exist_ok=True)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", PAGES)
def test_every_example_of_the_page_runs_and_prints_what_is_shown(name: str, folder: Path, update_golden: bool) -> None:
    page = (DOCS / name).read_text("utf-8")
    reader = Reader(folder)
    (folder / "site").mkdir()
    if name == "plugins.md":
        install_acme(folder / "site")
    with on_the_path(folder / "site"):
        for example in examples(page):
            try:
                reader.follow(example)
            except Exception as error:
                error.add_note(f"in the example at line {example.at + 1} of docs/{name}")
                raise
    if update_golden:
        (DOCS / name).write_text(with_outputs(page, reader.printed), "utf-8")
        return
    for step, printed in reader.printed:
        if not matches(step.shown, printed):
            pytest.fail(f"docs/{name}, line {step.at}: {step.command} prints\n" + "\n".join(printed), pytrace=False)


def test_a_wrong_output_a_failing_command_and_a_wrong_example_are_seen(folder: Path) -> None:
    (session,) = examples("```console\n$ optc inspect model.onnx\nweight\n```\n")
    reader = Reader(folder)
    reader.follow(session)
    ((step, printed),) = reader.printed
    assert not matches(step.shown, printed)
    assert matches(("...", printed[-1], ""), printed)
    for wrong in (
        "```sh\noptc inspect missing.onnx\n```", "```python\nassert False\n```", "```toml\na = 1\n```",
        "```text\noptc inspect model.onnx\n```", "    >>> 1 + 1\n    3\n", "    optc inspect missing.onnx\n",
    ):  # fmt: skip
        (example,) = examples(wrong)
        with pytest.raises(AssertionError):
            reader.follow(example)


def test_an_update_puts_in_what_was_printed() -> None:
    page = "```console\n$ optc --version\nold\n\n$ optc devices\n...\n```\n"
    (session,) = examples(page)
    first, second = steps(session)
    assert with_outputs(page, [(first, ["new", "lines"]), (second, ["x"])]) == page.replace("old", "new\nlines")


def test_an_idiom_that_gives_the_pass_of_the_example_no_work_is_seen() -> None:
    page = (DOCS / "testing.md").read_text("utf-8")
    (example,) = (e.text for e in examples(page) if e.language == "python")
    idle = example.replace("idioms=(abs_twice,)", "samplers={}, idioms=(abs_once,)")
    idle = idle.replace("\ncheck_pass(", f"\n{IDLE}\ncheck_pass(")
    with pytest.raises(AssertionError, match="changed only 0 of"):
        exec(compile(idle, "testing.md", "exec"), {})


def test_every_example_in_the_help_of_a_command_names_options_that_it_has() -> None:
    for name in COMMANDS:
        said = optc(name, "--help").out
        usage, _, listed = said.partition("Options:")
        for line in re.findall(r"^ *(optc .*)$", usage, re.MULTILINE):
            words = re.findall(r"(?<= )--[a-z-]+", line)
            assert all(word in listed for word in words), line
