"""`.optc` files: programs come back as they were, and damage to either file is told."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from safetensors.numpy import load_file, save_file

from optc.errors import OptcError
from optc.formats.text.files import read_text, side_file, write_text
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ops.catalog import CATALOG
from optc.ops.elementwise import Mul
from optc.testing.programs import programs


def program_with(first: float) -> Program:
    """A program with a constant of 64 elements from `first` on."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (64,)), "x")
    return b.program(y=b.add(Mul(x, b.const(np.arange(64, dtype=np.float32) + first, "w")), "y"))


def constant_of(program: Program) -> Tensor:
    return next(op.value for op in program.walk() if isinstance(op, Const))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "p.optc"
    write_text(program_with(0), path)
    return path


@settings(suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_a_program_comes_back_as_it_was(program: Program, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("programs") / "p.optc"
    write_text(program, path)
    assert read_text(path, CATALOG) == program


def test_a_program_that_was_read_can_be_written_over_its_own_files(path: Path) -> None:
    write_text(read_text(path, CATALOG), path)
    assert read_text(path, CATALOG) == program_with(0)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["p.optc", "p.optc.safetensors"]


def test_a_program_without_large_constants_leaves_no_file_beside_it(path: Path) -> None:
    b = Builder()
    small = b.program(y=b.param(TensorType(DType.F32, (2,)), "x"))
    write_text(small, path)
    assert not side_file(path).exists()
    assert read_text(path, CATALOG) == small


def test_reading_and_printing_touch_no_large_constant(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = read_text(path, CATALOG)
    side_file(path).unlink()
    assert "#" + constant_of(program_with(0)).sha256 in path.read_text()
    assert constant_of(program).sha256 == constant_of(program_with(0)).sha256
    with pytest.raises(OptcError, match="entry must be readable"):
        constant_of(program).array()


@pytest.mark.parametrize("broken", ["text", "constants"])
def test_a_failure_to_write_leaves_the_old_program(path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if broken == "text":
        monkeypatch.setattr(Path, "write_text", fail)
    else:
        monkeypatch.setattr("optc.formats.text.files.save_file", fail)
    with pytest.raises(OSError, match="No space"):
        write_text(program_with(1), path)
    monkeypatch.undo()
    assert read_text(path, CATALOG) == program_with(0)
    assert constant_of(read_text(path, CATALOG)).array()[0] == 0
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["p.optc", "p.optc.safetensors"]


def test_a_crash_between_the_two_files_leaves_no_half_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def crash(source: Path, target: Path) -> None:
        if Path(target) == path:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_text(program_with(1), path)
    assert not path.exists()


def test_a_missing_file_of_constants_is_named(path: Path) -> None:
    side_file(path).unlink()
    with pytest.raises(OptcError, match=r"line 2 column 25: tensor must be among.*p\.optc\.safetensors must hold it"):
        read_text(path, CATALOG)


def flip_a_bit(side: Path) -> None:
    data = bytearray(side.read_bytes())
    data[-1] ^= 1
    side.write_bytes(data)


def test_a_flipped_bit_is_found_when_the_constant_is_read(path: Path) -> None:
    flip_a_bit(side_file(path))
    program = read_text(path, CATALOG)
    with pytest.raises(OptcError, match="SHA-256 must be the one it is named by") as caught:
        constant_of(program).array()
    assert caught.value.slug == "side-file"


def truncate(side: Path) -> None:
    side.write_bytes(side.read_bytes()[:-7])


def fill_with_garbage(side: Path) -> None:
    side.write_bytes(bytes(range(256)))


def rewrite(kind: str, dtype: str = "uint8") -> Callable[[Path], None]:
    def change(side: Path) -> None:
        entries = load_file(side)
        save_file({key: value.astype(dtype) for key, value in entries.items()}, side, dict.fromkeys(entries, kind))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "content must be a safetensors file"),
        (fill_with_garbage, "content must be a safetensors file"),
        (rewrite(""), r"type in the metadata must be such as f32\[2,3\] \(got ''\)"),
        (rewrite("f32[n]"), r"type in the metadata must be such as f32\[2,3\] \(got f32\[n\]\)"),
        (rewrite("f32[65]"), r"number of bytes of f32\[65\] must be 260 \(got 256\)"),
        (rewrite("f32[1000000000000]"), "must be 4000000000000"),
        (rewrite("f32[64]", "float32"), r"content must be bytes in one row \(got F32\[256\]\)"),
        (rewrite("i32[64]"), r"tensor #[0-9a-f]{12}\.\.\. must be f32\[64\] \(got Tensor\(i32\[64\]\)\)"),
    ],
    ids=["truncated", "garbage", "no-type", "symbolic", "too-short", "huge", "not-bytes", "other-type"],
)
def test_damage_to_the_file_of_constants_is_told_when_the_program_is_read(
    path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(side_file(path))
    with pytest.raises(OptcError, match=message):
        read_text(path, CATALOG)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.optc"
    path.write_bytes(b"func \xff")
    with pytest.raises(OptcError, match=r"content must be UTF-8 text \(got byte 5 is not\)"):
        read_text(path, CATALOG)
    with pytest.raises(OptcError, match="file must be readable"):
        read_text(tmp_path, CATALOG)


def test_strings_and_every_element_type_survive(tmp_path: Path) -> None:
    path = tmp_path / "p.optc"
    b = Builder()
    values = {}
    for dtype in DType:
        data = np.array([f"é{i}" for i in range(40)], np.object_) if dtype is DType.STR else np.arange(40) % 2
        values[f"v_{dtype.value}"] = b.const(Tensor.of(data, dtype), f"w_{dtype.value}")
    program = b.program(**values)
    write_text(program, path)
    assert read_text(path, CATALOG) == program
    for op in read_text(path, CATALOG).walk():
        assert isinstance(op, Const)
        assert op.value.array().shape == (40,)
