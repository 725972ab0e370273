"""Archives of exported programs: what PyTorch would execute of them is left out, or refused."""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from optc.driver.facade import load
from optc.errors import OptcError
from optc.formats.torch.archive import copy_harmless

MODEL: dict[str, Any] = {
    "graph": {"nodes": [{"target": "torch.ops.aten.conv2d.default"}], "size": {"expr_str": "2*s0 + 1"}}
}
WEIGHTS: dict[str, Any] = {"config": {"w": {"path_name": "weight_0", "use_pickle": False}}}


def archive(path: Path, model: Any = MODEL, weights: Any = WEIGHTS, compression: int = 0, **more: bytes) -> Path:
    with zipfile.ZipFile(path, "w", compression) as made:
        made.writestr("m/models/model.json", json.dumps(model))
        made.writestr("m/data/weights/model_weights_config.json", json.dumps(weights))
        made.writestr("m/data/weights/weight_0", bytes(16))
        made.writestr("m/data/sample_inputs/model.pt", b"a pickle")
        made.writestr("m/archive_format", b"pt2")
        for name, data in more.items():
            made.writestr(name, data)
    return path


def test_the_copy_has_all_but_the_pickled_example_inputs(tmp_path: Path) -> None:
    copy_harmless(archive(tmp_path / "m.pt2"), tmp_path / "copy.pt2")
    with zipfile.ZipFile(tmp_path / "copy.pt2") as made:
        assert made.read("m/data/sample_inputs/model.pt") == b""
        assert made.read("m/data/weights/weight_0") == bytes(16)
        assert json.loads(made.read("m/models/model.json")) == MODEL


@pytest.mark.parametrize(
    "expression",
    [
        "s0 + 4", "2*s0 - 1", "Mod(s0, 8)", "Eq(Mod(u0, 2), 0)", "s77//2", "Max(1, s0)", "s0**2", "-oo",
        "(s0 + 1)*(s1)",
        "Symbol('s31', positive=True, integer=True)", "Mul(Integer(2), Pow(Symbol('s0', integer=True), Integer(2)))",
    ],
)  # fmt: skip
def test_arithmetic_of_sizes_is_fine(expression: str, tmp_path: Path) -> None:
    copy_harmless(archive(tmp_path / "m.pt2", {"expr_str": expression}), tmp_path / "copy.pt2")
    assert (tmp_path / "copy.pt2").is_file()


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')", "s0.__class__", "exec", "open(s0)", "().s0", "[s0]", "lambda: 0", "9**9**9",
        "9**999999", "s0**9999", "Pow(Integer(9), Integer(9))", "Symbol('os')", "1" * 400, "s0; s1", "print", 7,
        "s0" * 9999,
    ],
)  # fmt: skip
def test_any_other_expression_is_refused(expression: Any, tmp_path: Path) -> None:
    with pytest.raises(OptcError) as caught:
        copy_harmless(archive(tmp_path / "m.pt2", {"expr_str": expression}), tmp_path / "copy.pt2")
    assert caught.value.slug == "pt2-unsafe"


@pytest.mark.parametrize(
    "target",
    [
        "torch.load",
        "torch.hub.load",
        "torch.ops.load_library",
        "_operator.methodcaller",
        "math.__loader__",
        "os.system",
    ],
)
def test_an_operator_that_is_none_of_torch_ops_is_refused(target: str, tmp_path: Path) -> None:
    with pytest.raises(OptcError) as caught:
        copy_harmless(archive(tmp_path / "m.pt2", {"nodes": [{"target": target}]}), tmp_path / "copy.pt2")
    assert caught.value.slug == "pt2-unsafe"


def test_pickled_tensors_are_refused(tmp_path: Path) -> None:
    weights = {"config": {"w": {"path_name": "weight_0", "use_pickle": True}}}
    with pytest.raises(OptcError, match="tensor must be bytes"):
        copy_harmless(archive(tmp_path / "m.pt2", weights=weights), tmp_path / "copy.pt2")


@pytest.mark.parametrize(
    "name", ["m/data/weights/model.pt", "../weight_0", "/weight_0", "m/data/constants/custom_obj_0"]
)
def test_entries_that_are_neither_json_nor_tensors_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OptcError) as caught:
        copy_harmless(archive(tmp_path / "m.pt2", **{name: b"x"}), tmp_path / "copy.pt2")
    assert caught.value.slug == "pt2-unsafe"


def test_compressed_entries_are_refused_as_they_may_be_of_any_size(tmp_path: Path) -> None:
    with pytest.raises(OptcError, match="stored as it is"):
        copy_harmless(archive(tmp_path / "m.pt2", compression=zipfile.ZIP_DEFLATED), tmp_path / "copy.pt2")


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all"])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    path.write_bytes(content)
    with pytest.raises(OptcError) as caught:
        copy_harmless(path, tmp_path / "copy.pt2")
    assert caught.value.slug == "not-pt2"


def test_an_archive_without_a_model_and_a_truncated_one_are_refused(tmp_path: Path) -> None:
    whole = archive(tmp_path / "m.pt2").read_bytes()
    (tmp_path / "cut.pt2").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "empty.pt2", "w") as made:
        made.writestr("m/archive_format", b"pt2")
    for name in ("cut", "empty"):
        with pytest.raises(OptcError) as caught:
            copy_harmless(tmp_path / f"{name}.pt2", tmp_path / "copy.pt2")
        assert caught.value.slug == "not-pt2"


def test_without_pytorch_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(OptcError, match=r"pip install 'optc\[torch\]'") as caught:
        load(archive(tmp_path / "m.pt2"))
    assert caught.value.slug == "no-torch"
