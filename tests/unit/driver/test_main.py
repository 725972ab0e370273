"""Exit codes and messages of the command line, whatever goes wrong; and what it leaves behind."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import pytest

import optc as optc_itself
from optc.driver import environment, facade, main, models, output
from optc.errors import OptcError
from optc.numerics import native
from tests.command_line import optc
from tests.unit.driver.small_model import write_model


def process(*arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
    """Run `python -m optc` as a process of its own: that of the tests, not the one in the folder that they run in."""
    words = [sys.executable, "-P", "-m", "optc", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx")


def raising(error: BaseException) -> object:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def test_the_version_is_that_of_the_distribution_and_comes_with_those_that_it_runs_on() -> None:
    done = process("--version")
    assert (done.returncode, done.stderr) == (0, "")
    first, python, libraries, optional, kernels = done.stdout.splitlines()
    assert first == f"optc {metadata.version('optc')}"
    assert optc_itself.__version__ == metadata.version("optc")
    assert platform.python_version() in python
    assert libraries == f"libraries: numpy {metadata.version('numpy')}, onnx {metadata.version('onnx')}"
    assert f"onnxruntime {metadata.version('onnxruntime')}" in optional
    assert kernels.startswith("compiled kernels: " + ("no" if native.kernels is None else "yes"))


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "OPTIONAL", ("no-such-package",))
    monkeypatch.setattr(environment, "EXTENSION_SUFFIXES", [])
    lines = environment.environment().splitlines()
    assert lines[3] == "optional: no-such-package not installed"
    assert lines[4] == "compiled kernels: no, NumPy computes the same"


def test_the_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from optc.driver.main import run; run(['--version']); "
        "heavy = {'numpy', 'onnx', 'onnxruntime', 'torch', 'coremltools', 'rich'}; "
        "sys.stderr.write(' '.join(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_names_every_command_with_an_example() -> None:
    done = optc("--help")
    assert done.code == 0
    for name, line in main.COMMANDS.items():
        assert f"  {name} " in done.out
        assert line.split()[0] in done.out
        shown = optc(name, "--help")
        assert shown.code == 0
        assert f"optc {name} " in shown.out.partition("Options:")[0].partition("\n\n")[2]


def test_no_command_at_all_is_wrong_usage_and_shows_the_help() -> None:
    done = optc()
    assert (done.code, done.out) == (2, "")
    assert "Commands:" in done.err


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_help_of_a_command_imports_nothing_heavy(name: str) -> None:
    code = (
        "import sys; from optc.driver.main import run; run([sys.argv[1], '--help']); "
        "sys.stderr.write(' '.join({'numpy', 'onnx', 'rich', 'networkx', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_leaves_the_old_file_and_nothing_else(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = model.with_name("old.onnx")
    old.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", raising(KeyboardInterrupt()))
    done = optc("compress", model, "--quantize", "int8", "-o", old)
    assert (done.code, done.out, done.err.strip()) == (130, "", "error: interrupted")
    assert old.read_bytes() == b"old"
    assert sorted(path.name for path in model.parent.iterdir()) == ["model.onnx", "old.onnx"]


def test_a_full_disk_leaves_the_old_file_and_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = model.with_name("old.onnx")
    old.write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", raising(OSError(28, "No space left on device")))
    done = optc("compress", model, "--quantize", "int8", "-o", old)
    assert (done.code, done.err) == (1, f"error: {old}: output file must be writable (got No space left on device)\n")
    assert old.read_bytes() == b"old"
    assert sorted(path.name for path in model.parent.iterdir()) == ["model.onnx", "old.onnx"]


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "load", raising(AssertionError("the model was read")))
    done = optc("compress", model, "--quantize", "int8", "-o", model.parent / "none" / "out.onnx")
    assert (done.code, done.err.partition(": ")[0]) == (1, "error")
    assert "there is no folder" in done.err


def test_an_internal_error_is_one_message_and_a_traceback_only_on_request(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "load", raising(ZeroDivisionError("oh")))
    monkeypatch.delenv("OPTC_DEBUG", raising=False)
    done = optc("opt", model)
    assert done.code == 1
    assert done.err == (
        "error: optc: run must be free of internal errors (got ZeroDivisionError: oh); "
        "set OPTC_DEBUG=1 for a traceback to report\n"
    )
    monkeypatch.setenv("OPTC_DEBUG", "0")
    assert "Traceback" not in optc("opt", model).err
    monkeypatch.setenv("OPTC_DEBUG", "1")
    assert "Traceback" in optc("opt", model).err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "error: optc: memory must be enough for the model (got no more of it)\n"),
        (OSError(5, "I/O error", "m.bin"), "error: m.bin: file must be accessible (got I/O error)\n"),
        (OptcError("a", "w\x1b[31m", "x", "y"), "error: w\\x1b[31m: x must be y\n"),
    ],
    ids=["memory", "file", "control characters"],
)
def test_other_errors_are_told_in_the_same_form(
    model: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.setattr(models, "load", raising(error))
    done = optc("opt", model)
    assert (done.code, done.out, done.err) == (1, "", message)


def test_a_reader_that_goes_away_is_no_error_to_report(model: Path) -> None:
    command = f"'{sys.executable}' -m optc opt '{model}' | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_a_name_that_would_steer_the_terminal_is_shown_harmless(tmp_path: Path) -> None:
    source = tmp_path / "m.optc"
    zeros = ", ".join(["0.0"] * 16)
    source.write_text(
        "func @main(%x: f32[16]) -> (y: f32[16]) {\n"
        f'  %"w\\u001b[31m[bold]" = const() {{value = f32[16] [{zeros}]}} : f32[16]\n'
        '  %y = mul(%x, %"w\\u001b[31m[bold]") : f32[16]\n  return %y\n}\n'
    )
    out = tmp_path / "o.optc"
    done = optc("compress", source, "--quantize", "int8", "--min-elements", 0, "--min-rank", 1, "--force", "-o", out)
    assert done.code == 0
    assert "w\\x1b[31m[bold] " in done.out
    assert "\x1b" not in done.out


def test_printable_text_keeps_letters_of_every_script_and_line_ends() -> None:
    assert output.printable("größe ∑\n\tx\x07\udc80") == "größe ∑\n\tx\\x07\\udc80"


def test_an_unknown_format_is_refused_by_the_facade_too(tmp_path: Path) -> None:
    with pytest.raises(
        OptcError, match=r"suffix must be one of \.onnx, \.mlpackage, \.optc, \.mlmodel, \.pt2 \(got \.pt\)"
    ):
        facade.load(tmp_path / "model.pt")


def test_a_broken_program_is_refused_with_the_file_it_is_in(tmp_path: Path) -> None:
    path = tmp_path / "broken.optc"
    path.write_text("func @main(%x: f32[2]) -> (y: f32[3]) {\n  %y = relu(%x) : f32[3]\n  return %y\n}\n")
    with pytest.raises(OptcError) as caught:
        facade.load(path)
    assert caught.value.slug == "result-type"
    assert caught.value.where.startswith(f"{path}: op %y")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "compress m.onnx -o s.onnx --palettize 4 --cluster-dim 99",
            "--cluster-dim must be an integer from 1 to 16 (got",
        ),
        ("bench m.onnx --seconds 5000", "--seconds must be a number from 0 to 3600 (got 5000"),
        ("bench m.onnx --seconds nan", "--seconds must be a number from 0 to 3600 (got nan)"),
        ("calibrate -o t.toml --seconds nan", "--seconds must be a number from 1 to 3600 (got nan)"),
        ("reduce m.onnx --test t -o s.onnx --timeout nan", "--timeout must be a number above 0 (got nan)"),
    ],
)
def test_numbers_outside_a_range_are_refused_with_both_of_its_ends(line: str, said: str) -> None:
    done = optc(*line.split())
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("compress m.onnx -o a --output b", "optc compress: option --output must be given one value (got a and b)\n"),
        (
            "plan m.onnx --device iphone14pro --device=iphone12",
            "optc plan: option --device must be given one value (got iphone14pro and iphone12); "
            "--against-device gives one to compare with\n",
        ),
        ("plan m.onnx --units cpu --device", "optc: option --device must be followed by its value\n"),
        ("plan none.onnx --device iphone14pro --device iphone14pro -v -v", "none.onnx: model file must be a file that"),
        ("plan none.onnx --device iphone14pro --size n=1 --size m=2", "none.onnx: model file must be a file that"),
    ],
    ids=["names of one option", "hint", "no value", "the same again", "several are taken"],
)
def test_an_option_of_one_value_is_refused_with_two(line: str, said: str) -> None:
    assert optc(*line.split()).err.startswith(f"error: {said}")
